"""One action at work: its provider is called, under the role, until it says how it ended."""

import logging
from collections.abc import Callable

from labsupport.cloud.core.call import Call, Client
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codepipeline import variables
from labsupport.cloud.services.codepipeline.actions import PROVIDERS, Failed, Work
from labsupport.cloud.services.codepipeline.base import (
    ACTIVE,
    Action,
    Execution,
    External,
    Params,
    actions_of,
    service,
)
from labsupport.cloud.services.codepipeline.running import end_action

log = logging.getLogger("labsupport.cloud.codepipeline")

LOOK_AGAIN = 15.0  # seconds; the end of a build, deployment or stack is told by its event meanwhile
_CODES = {
    "AccessDenied": "PermissionError",
    "AccessDeniedException": "PermissionError",
    "AuthorizationErrorException": "PermissionError",
}


@service.task("act")
async def act(call: Call, key: str) -> float | None:
    """Take an action one step further. It is called again when something that it waits for has happened."""
    order, execution_id, action_id = key.split("/")
    name = _pipeline_of(call, execution_id, action_id)
    execution = call.store.get(Execution, call.account, call.region, name, order) if name else None
    action = call.store.get(Action, call.account, call.region, execution_id, action_id)
    if execution is None or action is None or action.status != "InProgress" or execution.status not in ACTIVE:
        return None
    try:
        work = _work(call, execution, action)
        done = await PROVIDERS[action.provider](work)
    except (AwsError, Failed) as error:
        return _fail(call, execution, action, error)
    except Exception:
        log.exception("action %s of %s failed", action.name, action.pipeline)
        return _fail(
            call, execution, action, Failed("InternalError", "The lab failed at this action; its log says where.")
        )
    return _note(call, execution.order, action, done)


def _pipeline_of(call: Call, execution_id: str, action_id: str) -> str:
    action = call.store.get(Action, call.account, call.region, execution_id, action_id)
    return action.pipeline if action else ""


def _work(call: Call, execution: Execution, action: Action) -> Work:
    configuration = action.declaration.get("configuration", {})
    known = {**variables.of_pipeline(execution.id, execution.variables), **execution.outputs}
    action.resolved = variables.resolved(configuration, known)
    made = _made(call, execution)
    action.inputs = [made[one["name"]] for one in action.declaration.get("inputArtifacts", []) if one["name"] in made]
    return Work(call, execution, action, action.resolved, _client_maker(call, execution, action), _saver(call, action))


def _made(call: Call, execution: Execution) -> dict[str, Params]:
    """The artifacts that earlier actions have given out, by name."""
    done = [one for one in actions_of(call, execution.id) if one.status == "Succeeded"]
    return {output["name"]: output for one in done for output in one.outputs}


def _client_maker(call: Call, execution: Execution, action: Action) -> Callable[[str], Client]:
    """Every call of an action is made under the pipeline's role, or under the action's own."""
    pipeline_role = execution.declaration["roleArn"]
    own_role = action.declaration.get("roleArn")

    def client(service_name: str) -> Client:
        return call.aws(service_name, role=own_role or pipeline_role, session=execution.pipeline)

    return client


def _saver(call: Call, action: Action) -> Callable[[], None]:
    def save() -> None:
        with call.transaction():
            _watch_external(call, action)
            call.store.put(action)

    return save


def _watch_external(call: Call, action: Action) -> None:
    watched = action.state.get("watch")
    if watched:
        external = External(
            id=watched, account=call.account, region=call.region, execution=action.execution, action=action.id
        )
        call.store.put(external)


def _note(call: Call, order: str, action: Action, done: bool | float) -> float | None:
    """Keep what the provider found out; `done` is True, or the seconds after which to look again."""
    with call.transaction():
        current = call.store.get(Action, call.account, call.region, action.execution, action.id)
        execution = call.store.get(Execution, call.account, call.region, action.pipeline, order)
        if current is None or execution is None or current.status != "InProgress":
            return None  # ended by somebody else meanwhile: stopped, or approved
        _watch_external(call, action)
        if done is True:
            end_action(call, execution, action, "Succeeded")
            return None
        call.store.put(action)
    return float(done)


def _fail(call: Call, execution: Execution, action: Action, error: AwsError | Failed) -> None:
    with call.transaction():
        current = call.store.get(Execution, call.account, call.region, execution.pipeline, execution.order)
        if current is None:
            return
        code = _CODES.get(error.code, error.code)
        action.error = {"code": code, "message": (error.message or error.code)[:5000]}
        end_action(call, current, action, "Failed")


@service.task("noticed")
async def noticed(call: Call, key: str) -> None:
    """An event has come about something that an action may wait for: a build, a deployment, a stack."""
    external = call.store.get(External, key)
    if external is None:
        return
    action = call.store.get(Action, external.account, external.region, external.execution, external.action)
    if action is None or action.status != "InProgress":
        with call.transaction():
            call.store.delete(external)
        return
    order = _order_of(call, action)
    if order:
        call.start("act", f"{order}/{action.execution}/{action.id}")


def _order_of(call: Call, action: Action) -> str:
    for execution in call.store.list(Execution, action.account, action.region, action.pipeline):
        if execution.id == action.execution:
            return execution.order
    return ""
