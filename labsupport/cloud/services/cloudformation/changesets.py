"""Change sets: what an update would do, looked at before it is done."""

from labsupport.cloud.core import ids, paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.tags import to_list
from labsupport.cloud.services.cloudformation import schemas
from labsupport.cloud.services.cloudformation.asking import caller_key, prepare, target_of, template_text
from labsupport.cloud.services.cloudformation.base import invalid, service
from labsupport.cloud.services.cloudformation.describing import bad_token, moment
from labsupport.cloud.services.cloudformation.functions import resolve
from labsupport.cloud.services.cloudformation.records import (
    ChangeSet,
    Params,
    Stack,
    Target,
    find_stack,
    note,
    on_stack,
    stack_named,
)
from labsupport.cloud.services.cloudformation.scope import scope_of, wanted
from labsupport.cloud.services.cloudformation.stacks import UPDATABLE, begin, new_stack, on_failure, same, update
from labsupport.cloud.services.cloudformation.template import parse, references

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."


@service.operation(on=on_stack, passes=("RoleARN",))
async def create_change_set(call: Call, params: Params) -> Params:
    kind, found = params.get("ChangeSetType", "UPDATE"), find_stack(call, params["StackName"])
    if kind == "IMPORT":
        raise not_simulated("A change set that imports resources")
    text = await template_text(call, params, found)
    with call.transaction():
        stack = _stack(call, params, kind, text)
        name = params["ChangeSetName"]
        if call.store.get(ChangeSet, stack.id, name):
            raise AwsError(
                "AlreadyExistsException",
                f"ChangeSet {name} cannot be created due to a mismatch with existing attribute Template",
                400,
            )
        target = target_of(call, params, text, stack.target if kind == "UPDATE" else None)
        made = _new(call, stack, kind, target, params)
        call.store.put(made)
    return {"Id": made.id, "StackId": stack.id}


def _stack(call: Call, params: Params, kind: str, text: str) -> Stack:
    """The stack to change; for CREATE a new one that waits for its change set."""
    found = find_stack(call, params["StackName"])
    if kind == "UPDATE":
        stack = stack_named(call, params["StackName"])
        if stack.status not in UPDATABLE:
            raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
        return stack
    if found and found.status != "REVIEW_IN_PROGRESS":
        raise invalid(
            f"Stack [{found.name}] already exists and cannot be created again with the changeSet [{params['ChangeSetName']}]."
        )
    if found:
        return found
    stack = new_stack(call, params, target_of(call, params, text, None), "REVIEW_IN_PROGRESS")
    stack.reason = "User Initiated"
    note(call, stack)
    return stack


def _new(call: Call, stack: Stack, kind: str, target: Target, params: Params) -> ChangeSet:
    name, role = params["ChangeSetName"], params.get("RoleARN", stack.role)
    made = ChangeSet(
        stack=stack.id,
        name=name,
        id=f"arn:aws:cloudformation:{stack.region}:{stack.account}:changeSet/{name}/{ids.uuid4()}",
        kind=kind,
        target=target,
        description=params.get("Description", ""),
        created=call.epoch,
        role=role,
        caller_key=caller_key(call, role),
        notify=params.get("NotificationARNs", stack.notify),
        on_failure=on_failure({"OnFailure": params["OnStackFailure"]} if params.get("OnStackFailure") else {}),
    )
    made.changes = changes(call, stack, target)
    if kind == "UPDATE" and same(stack.target, target):
        made.status, made.reason, made.execution = "FAILED", NO_CHANGES, "UNAVAILABLE"
    return made


def changes(call: Call, stack: Stack, target: Target) -> list[Params]:
    """What going to the target would add, modify and remove."""
    there = Stack(**{name: getattr(stack, name) for name in Stack.__struct_fields__})
    there.target = target
    prepare(call, there)
    template = parse(target.template)
    names = wanted(template, scope_of(call, there, template))
    found = [_added(template, one) for one in names if one not in stack.resources]
    found += [one for one in (_modified(call, there, template, one) for one in names if one in stack.resources) if one]
    found += [_removed(stack, one) for one in stack.resources if one not in names]
    return [{"Type": "Resource", "ResourceChange": one} for one in found]


def _added(template: Params, name: str) -> Params:
    kind = template["Resources"][name]["Type"]
    return {"Action": "Add", "LogicalResourceId": name, "ResourceType": kind, "Scope": [], "Details": []}


def _removed(stack: Stack, name: str) -> Params:
    one = stack.resources[name]
    what = {"LogicalResourceId": name, "PhysicalResourceId": one.physical, "ResourceType": one.type}
    action = "Retain" if one.deletion == "Retain" else "Delete"
    return {"Action": "Remove", **what, "Scope": [], "Details": [], "PolicyAction": action}


def _modified(call: Call, stack: Stack, template: Params, name: str) -> Params | None:
    """How a resource would differ; what depends on resources to come is told as dynamic."""
    one, declared = stack.resources[name], template["Resources"][name]
    try:
        props = resolve(declared.get("Properties", {}), scope_of(call, stack, template))
    except AwsError:
        props = None
    if props == one.properties and declared["Type"] == one.type:
        return None
    keys = sorted(key for key in {*(props or {}), *one.properties} if (props or {}).get(key) != one.properties.get(key))
    replaced = declared["Type"] != one.type or schemas.creates_only(one.type, set(keys))
    dynamic = any(kind == "Fn::GetAtt" for kind, _ in references(declared))
    details = [
        {
            "Target": {"Attribute": "Properties", "Name": key, "RequiresRecreation": "Always" if replaced else "Never"},
            "Evaluation": "Dynamic" if dynamic else "Static",
            "ChangeSource": "DirectModification",
        }
        for key in keys
    ]
    what = {"LogicalResourceId": name, "PhysicalResourceId": one.physical, "ResourceType": one.type}
    return {"Action": "Modify", **what, "Replacement": str(replaced), "Scope": ["Properties"], "Details": details}


def _find(call: Call, params: Params) -> tuple[Stack, ChangeSet]:
    """A change set by its name and its stack's, or by its ARN alone."""
    name = params["ChangeSetName"]
    stacks = [find_stack(call, params["StackName"])] if params.get("StackName") else []
    if not stacks and name.startswith("arn:"):
        stacks = list(call.store.list(Stack, call.account, call.region))
    for stack in stacks:
        for one in call.store.list(ChangeSet, stack.id) if stack else []:
            if name in (one.name, one.id):
                assert stack is not None
                return stack, one
    raise AwsError("ChangeSetNotFoundException", f"ChangeSet [{name}] does not exist", 404)


@service.operation(on=on_stack)
def describe_change_set(call: Call, params: Params) -> Params:
    stack, one = _find(call, params)
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in one.target.parameters.items()]
    return {
        **_summary(stack, one),
        "Parameters": parameters,
        "NotificationARNs": one.notify,
        "Capabilities": one.target.capabilities,
        "Tags": to_list(one.target.tags),
        "Changes": one.changes,
    }


def _summary(stack: Stack, one: ChangeSet) -> Params:
    return {
        "ChangeSetName": one.name,
        "ChangeSetId": one.id,
        "StackId": stack.id,
        "StackName": stack.name,
        "Description": one.description or None,
        "CreationTime": moment(one.created),
        "ExecutionStatus": one.execution,
        "Status": one.status,
        "StatusReason": one.reason or None,
        "IncludeNestedStacks": False,
    }


@service.operation(on=on_stack)
def list_change_sets(call: Call, params: Params) -> Params:
    stack = stack_named(call, params["StackName"])
    found = call.store.list(ChangeSet, stack.id)
    chosen, token = paging.page(found, lambda one: one.name, params.get("NextToken"), 100, bad_token())
    return {"Summaries": [_summary(stack, one) for one in chosen], "NextToken": token}


@service.operation(on=on_stack)
def delete_change_set(call: Call, params: Params) -> Params:
    try:
        _, one = _find(call, params)
    except AwsError:
        return {}
    call.store.delete(one)
    return {}


@service.operation(on=on_stack)
def execute_change_set(call: Call, params: Params) -> Params:
    stack, one = _find(call, params)
    if one.execution != "AVAILABLE":
        message = (
            f"ChangeSet [{one.id}] cannot be executed in its current status of [{one.status}]"
            if one.status == "FAILED"
            else f"ChangeSet [{one.id}] cannot be executed in its current execution status of [{one.execution}]"
        )
        raise AwsError("InvalidChangeSetStatus", message, 400)
    for other in list(call.store.list(ChangeSet, stack.id)):
        call.store.delete(other)
    token = {"ClientRequestToken": params.get("ClientRequestToken", "")}
    if one.kind == "UPDATE":
        update(call, stack, one.target, {"RoleARN": one.role, "NotificationARNs": one.notify, **token})
        return {}
    stack.target, stack.role, stack.caller_key = one.target, one.role, caller_key(call, one.role)
    stack.on_failure = "DO_NOTHING" if params.get("DisableRollback") else one.on_failure
    stack.token = token["ClientRequestToken"]
    stack.status = "CREATE_IN_PROGRESS"
    prepare(call, stack)
    begin(call, stack, "User Initiated")
    return {}
