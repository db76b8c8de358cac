"""Stacks: create, update, delete, and turning back."""

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.cloudformation.asking import (
    caller_key,
    check_name,
    check_role,
    prepare,
    target_of,
    template_text,
)
from labsupport.cloud.services.cloudformation.base import invalid, service
from labsupport.cloud.services.cloudformation.notifying import check_topics
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
from labsupport.cloud.services.cloudformation.running import go_back
from labsupport.cloud.services.cloudformation.template import parse
from labsupport.cloud.services.cloudformation.using import importers

UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "CREATE_FAILED",
             "UPDATE_FAILED")  # fmt: skip


def new_stack(call: Call, params: Params, target: Target, status: str) -> Stack:
    role = params.get("RoleARN", "")
    check_name(params["StackName"])
    if role:
        check_role(call, role)
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
        drops_new=params.get("RetainExceptOnCreate", False),
        protected=params.get("EnableTerminationProtection", False),
        timeout=params.get("TimeoutInMinutes", 0),
        topics=check_topics(params.get("NotificationARNs", [])),
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
        if found:
            raise AwsError("AlreadyExistsException", f"Stack [{params['StackName']}] already exists", 400)
        stack = new_stack(call, params, target_of(call, params, text, None), "CREATE_IN_PROGRESS")
        prepare(call, stack)
        begin(call, stack)
    return {"StackId": stack.id}


def begin(call: Call, stack: Stack) -> None:
    """Note the first step of an operation, and have the rest done."""
    stack.reason, stack.wish = "User Initiated", ""
    call.store.put(stack)
    note(call, stack)
    call.start("advance", stack.id)


@service.operation(on=on_stack, passes=("RoleARN",))
async def update_stack(call: Call, params: Params) -> Params:
    text = await template_text(call, params, stack_named(call, params["StackName"]))
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
    failed = stack.status.endswith("_FAILED")
    old = stack.target
    if not failed or stack.before is None:
        stack.before = old  # after a failed update, what to go back to is still what was before that
    stack.target = target
    _refuse_other_types(stack, target)
    prepare(call, stack)
    topics = check_topics(params.get("NotificationARNs", stack.topics))
    if same(old, target) and topics == stack.topics and not failed:
        raise invalid("No updates are to be performed.")
    stack.topics = topics
    _take_over(call, stack, params)
    stack.stays_failed = params.get("DisableRollback", False)
    stack.drops_new = params.get("RetainExceptOnCreate", False)
    stack.skipped = []
    stack.status, stack.updated = "UPDATE_IN_PROGRESS", call.epoch
    begin(call, stack)


def _refuse_other_types(stack: Stack, target: Target) -> None:
    declared = parse(target.template)["Resources"]
    there = stack.resources.items()
    names = [name for name, one in there if name in declared and declared[name]["Type"] != one.type]
    if names:
        what = "The new template modifies resource type of the following resources"
        raise invalid(f"Update of resource type is not permitted. {what}: [{', '.join(sorted(names))}]")


def same(old: Target, new: Target) -> bool:
    """Whether two targets would make the same resources."""
    relevant = ("Parameters", "Mappings", "Conditions", "Resources", "Outputs", "Rules")
    first, second = parse(old.template), parse(new.template)
    equal = all(first.get(name) == second.get(name) for name in relevant)
    return equal and (old.parameters, old.resolved, old.tags) == (new.parameters, new.resolved, new.tags)


@service.operation(on=on_stack, passes=("RoleARN",))
def delete_stack(call: Call, params: Params) -> Params:
    if params.get("DeletionMode", "STANDARD") != "STANDARD":
        raise not_simulated(f"The deletion mode {params['DeletionMode']}")
    stack = find_stack(call, params["StackName"])
    if stack is None or stack.status in ("DELETE_COMPLETE", "DELETE_IN_PROGRESS"):
        return {}
    _refuse_deletion(call, stack)
    _retain(stack, params.get("RetainResources", []))
    if stack.status == "CREATE_IN_PROGRESS":  # its task is on it and will turn
        stack.wish = "delete"
        call.store.put(stack)
        call.start("advance", stack.id)
        return {}
    _take_over(call, stack, params)
    stack.status = "DELETE_IN_PROGRESS"
    begin(call, stack)
    return {}


def _refuse_deletion(call: Call, stack: Stack) -> None:
    if stack.protected:
        raise invalid(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
    if stack.busy and stack.status != "CREATE_IN_PROGRESS":
        raise invalid(f"Stack [{stack.name}] cannot be deleted while in status {stack.status}")
    for export in call.store.list(Export, call.account, call.region):
        users = importers(call, export.name) if export.stack == stack.id else []
        if users:
            raise invalid(f"Export {export.name} cannot be deleted as it is in use by {' and '.join(users)}")


def _retain(stack: Stack, names: list[str]) -> None:
    if names and stack.status != "DELETE_FAILED":
        must = "stack must be in DELETE_FAILED state to specify resources to retain."
        raise invalid(f"Invalid operation on stack [{stack.id}]. {must}")
    unknown = [name for name in names if name not in stack.resources]
    if unknown:
        raise invalid(f"Resources to retain [{', '.join(unknown)}] do not exist in stack [{stack.name}]")
    for name in names:
        stack.resources[name].deletion = "Retain"


@service.operation(on=on_stack)
def update_termination_protection(call: Call, params: Params) -> Params:
    stack = stack_named(call, params["StackName"])
    stack.protected = params["EnableTerminationProtection"]
    call.store.put(stack)
    return {"StackId": stack.id}


# Turning back


@service.operation(on=on_stack)
def cancel_update_stack(call: Call, params: Params) -> Params:
    """The update turns back; resources that are under way are cancelled."""
    stack = stack_named(call, params["StackName"])
    if stack.status != "UPDATE_IN_PROGRESS":
        raise invalid("CancelUpdateStack cannot be called from current stack status")
    stack.wish = "cancel"
    call.store.put(stack)
    call.start("advance", stack.id)
    return {}


@service.operation(on=on_stack, passes=("RoleARN",))
def continue_update_rollback(call: Call, params: Params) -> Params:
    """Once more the way back, without the resources to skip: those are taken to be as they were."""
    stack = stack_named(call, params["StackName"])
    if stack.status != "UPDATE_ROLLBACK_FAILED":
        raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not continue an update rollback.")
    _take_over(call, stack, params)
    stack.skipped = params.get("ResourcesToSkip", [])
    for name in stack.skipped:
        one = stack.resources.get(name)
        if one is None or one.status != "UPDATE_FAILED":
            raise invalid(f"ResourcesToSkip can only name resources that failed to be taken back, not [{name}].")
        one.status, one.reason, one.tried = "UPDATE_COMPLETE", "", None
    stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    begin(call, stack)
    return {}


def _take_over(call: Call, stack: Stack, params: Params) -> None:
    """An operation's role (from now on the stack's), or its caller's rights."""
    if params.get("RoleARN"):
        check_role(call, params["RoleARN"])
    stack.role = params.get("RoleARN", stack.role)
    stack.caller_key = caller_key(call, stack.role)
    stack.token = params.get("ClientRequestToken", "")


@service.operation(on=on_stack, passes=("RoleARN",))
def rollback_stack(call: Call, params: Params) -> Params:
    """A stack that was left as its operation failed goes back to where it last was well, or away."""
    stack = stack_named(call, params["StackName"])
    if stack.status not in ("CREATE_FAILED", "UPDATE_FAILED"):
        raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be rolled back.")
    _take_over(call, stack, params)
    stack.drops_new = params.get("RetainExceptOnCreate", False)
    if stack.status == "UPDATE_FAILED":
        go_back(call, stack, "User Initiated")
        call.start("advance", stack.id)
    else:
        stack.status = "ROLLBACK_IN_PROGRESS"
        begin(call, stack)
    return {"StackId": stack.id}
