"""Stacks: create, update, delete."""

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.cloudformation.asking import caller_key, prepare, target_of, template_text
from labsupport.cloud.services.cloudformation.base import invalid, service
from labsupport.cloud.services.cloudformation.records import (
    Export,
    Params,
    Stack,
    Target,
    find_stack,
    note,
    on_stack,
    stack_named,
)
from labsupport.cloud.services.cloudformation.template import parse
from labsupport.cloud.services.cloudformation.using import importers

UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")


def new_stack(call: Call, params: Params, target: Target, status: str) -> Stack:
    role = params.get("RoleARN", "")
    return Stack(
        account=call.account,
        region=call.region,
        name=params["StackName"],
        uuid=ids.uuid4(),
        status=status,
        created=call.epoch,
        target=target,
        role=role,
        caller_key=caller_key(call, role),
        on_failure=on_failure(params),
        protected=params.get("EnableTerminationProtection", False),
        notify=params.get("NotificationARNs", []),
        timeout=params.get("TimeoutInMinutes", 0),
        token=params.get("ClientRequestToken", ""),
    )


def on_failure(params: Params) -> str:
    if "DisableRollback" in params and "OnFailure" in params:
        raise invalid("You cannot specify both DisableRollback and OnFailure")
    if params.get("DisableRollback"):
        return "DO_NOTHING"
    return str(params.get("OnFailure", "ROLLBACK"))


@service.operation(on=on_stack, passes=("RoleARN",))
async def create_stack(call: Call, params: Params) -> Params:
    text = await template_text(call, params)
    with call.transaction():
        found = find_stack(call, params["StackName"])
        if found and found.token and found.token == params.get("ClientRequestToken"):
            return {"StackId": found.id}
        if found and found.status != "REVIEW_IN_PROGRESS":
            raise AwsError("AlreadyExistsException", f"Stack [{params['StackName']}] already exists", 400)
        stack = new_stack(call, params, target_of(call, params, text, None), "CREATE_IN_PROGRESS")
        prepare(call, stack)
        begin(call, stack, "User Initiated")
    return {"StackId": stack.id}


def begin(call: Call, stack: Stack, reason: str) -> None:
    stack.reason = reason
    note(call, stack)
    call.start("advance", stack.id)


@service.operation(on=on_stack, passes=("RoleARN",))
async def update_stack(call: Call, params: Params) -> Params:
    stack = stack_named(call, params["StackName"])
    text = await template_text(call, params, stack)
    if params.get("StackPolicyDuringUpdateBody") or params.get("StackPolicyDuringUpdateURL"):
        raise not_simulated("A stack policy for an update")
    with call.transaction():
        stack = stack_named(call, params["StackName"])
        if stack.token and stack.token == params.get("ClientRequestToken"):
            return {"StackId": stack.id}
        target = target_of(call, params, text, stack.target)
        update(call, stack, target, params)
    return {"StackId": stack.id}


def update(call: Call, stack: Stack, target: Target, params: Params) -> None:
    """Begin an update to a target; there has to be something to change."""
    if stack.status not in UPDATABLE:
        raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
    if same(stack.target, target):
        raise invalid("No updates are to be performed.")
    stack.before, stack.target = stack.target, target
    stack.role = params.get("RoleARN", stack.role)
    stack.caller_key = caller_key(call, stack.role)
    stack.token = params.get("ClientRequestToken", "")
    stack.notify = params.get("NotificationARNs", stack.notify)
    prepare(call, stack)
    stack.status, stack.updated = "UPDATE_IN_PROGRESS", call.epoch
    begin(call, stack, "User Initiated")


def same(old: Target, new: Target) -> bool:
    """Whether two targets would make the same resources."""
    relevant = ("Parameters", "Mappings", "Conditions", "Resources", "Outputs", "Rules")
    first, second = parse(old.template), parse(new.template)
    equal = all(first.get(name) == second.get(name) for name in relevant)
    return equal and old.parameters == new.parameters and old.tags == new.tags


@service.operation(on=on_stack, passes=("RoleARN",))
def delete_stack(call: Call, params: Params) -> Params:
    stack = find_stack(call, params["StackName"])
    if stack is None or stack.status in ("DELETE_COMPLETE", "DELETE_IN_PROGRESS"):
        return {}
    if params.get("RetainResources") and stack.status != "DELETE_FAILED":
        message = (
            f"Invalid operation on stack [{stack.id}]. stack must be in DELETE_FAILED state to "
            "specify resources to retain."
        )
        raise invalid(message)
    if stack.protected:
        message = f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
        raise invalid(message)
    if stack.busy:
        raise invalid(f"Stack [{stack.name}] cannot be deleted while in status {stack.status}")
    for export in call.store.list(Export, call.account, call.region):
        users = importers(call, export.name) if export.stack == stack.id else []
        if users:
            raise invalid(f"Export {export.name} cannot be deleted as it is in use by {' and '.join(users)}")
    for name in params.get("RetainResources", []):
        stack.resources.pop(name, None)
    stack.role = params.get("RoleARN", stack.role)
    stack.caller_key = caller_key(call, stack.role)
    stack.token = params.get("ClientRequestToken", "")
    stack.status = "DELETE_IN_PROGRESS"
    begin(call, stack, "User Initiated")
    return {}


@service.operation(on=on_stack)
def update_termination_protection(call: Call, params: Params) -> Params:
    stack = stack_named(call, params["StackName"])
    stack.protected = params["EnableTerminationProtection"]
    call.store.put(stack)
    return {"StackId": stack.id}
