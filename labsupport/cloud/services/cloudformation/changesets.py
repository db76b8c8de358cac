"""Change sets: what an update would do, looked at before it is done."""

from labsupport.cloud.core import ids, paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.tags import to_list
from labsupport.cloud.services.cloudformation.asking import caller_key, prepare, target_of, template_text
from labsupport.cloud.services.cloudformation.base import invalid, service
from labsupport.cloud.services.cloudformation.changes import changes
from labsupport.cloud.services.cloudformation.describing import bad_token, moment, shown_parameters
from labsupport.cloud.services.cloudformation.notifying import check_topics
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
from labsupport.cloud.services.cloudformation.stacks import UPDATABLE, begin, new_stack, same, update

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."


@service.operation(on=on_stack, passes=("RoleARN",))
async def create_change_set(call: Call, params: Params) -> Params:
    kind, found = params.get("ChangeSetType", "UPDATE"), find_stack(call, params["StackName"])
    if kind == "IMPORT":
        raise not_simulated("A change set that imports resources")
    text = await template_text(call, params, found)
    with call.transaction():
        stack = _to_update(call, params) if kind == "UPDATE" else _to_create(call, params, text)
        name = params["ChangeSetName"]
        if call.store.get(ChangeSet, stack.id, name):
            raise AwsError("AlreadyExistsException", f"ChangeSet {name} already exists for stack {stack.name}", 400)
        target = target_of(call, params, text, stack.target if kind == "UPDATE" else None)
        made = _new(call, stack, kind, target, params)
        call.store.put(made)
    return {"Id": made.id, "StackId": stack.id}


def _to_update(call: Call, params: Params) -> Stack:
    stack = stack_named(call, params["StackName"])
    if stack.status not in UPDATABLE:
        raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
    return stack


def _to_create(call: Call, params: Params, text: str) -> Stack:
    """A stack that waits for its change set: new, or waiting already."""
    found = find_stack(call, params["StackName"])
    if found and found.status != "REVIEW_IN_PROGRESS":
        what = f"already exists and cannot be created again with the changeSet [{params['ChangeSetName']}]."
        raise invalid(f"Stack [{found.name}] {what}")
    if found:
        return found
    stack = new_stack(call, _own(params), target_of(call, params, text, None), "REVIEW_IN_PROGRESS")
    stack.reason = "User Initiated"
    note(call, stack)
    return stack


def _own(params: Params) -> Params:
    """What the stack itself takes from a request for a change set."""
    return {name: params[name] for name in ("StackName", "RoleARN") if name in params}


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
        on_failure=params.get("OnStackFailure", "ROLLBACK"),
        topics=check_topics(params["NotificationARNs"]) if "NotificationARNs" in params else None,
    )
    made.changes = changes(call, stack, target)
    if kind == "UPDATE" and same(stack.target, target):
        made.status, made.reason, made.execution = "FAILED", NO_CHANGES, "UNAVAILABLE"
    return made


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
    return {
        **_summary(stack, one),
        "Parameters": shown_parameters(one.target),
        "NotificationARNs": stack.topics if one.topics is None else one.topics,
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
        text = f"ChangeSet [{one.id}] cannot be executed in its current status of [{one.status}]"
        raise AwsError("InvalidChangeSetStatus", text, 400)
    for other in list(call.store.list(ChangeSet, stack.id)):
        call.store.delete(other)
    if one.kind == "UPDATE":
        stays = {"DisableRollback": params.get("DisableRollback") or one.on_failure == "DO_NOTHING"}
        topics = {} if one.topics is None else {"NotificationARNs": one.topics}
        update(call, stack, one.target, {**params, **stays, **topics, "RoleARN": one.role})
        return {}
    if stack.status != "REVIEW_IN_PROGRESS":
        raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be created.")
    stack.topics = one.topics or []
    stack.target, stack.role, stack.caller_key = one.target, one.role, caller_key(call, one.role)
    stack.on_failure = "DO_NOTHING" if params.get("DisableRollback") else one.on_failure
    stack.drops_new = params.get("RetainExceptOnCreate", False)
    stack.token = params.get("ClientRequestToken", "")
    stack.status = "CREATE_IN_PROGRESS"
    prepare(call, stack)
    begin(call, stack)
    return {}
