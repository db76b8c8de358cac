"""One action at work: its provider is called, under the role, until it says how it ended."""

import logging
from collections.abc import Callable

from labsupport.cloud.core.call import Call, Client
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Caller
from labsupport.cloud.services.codepipeline import variables
from labsupport.cloud.services.codepipeline.actions import PROVIDERS, Failed, Work
from labsupport.cloud.services.codepipeline.base import ACTIVE, Action, Execution, External, service
from labsupport.cloud.services.codepipeline.roles import assumed
from labsupport.cloud.services.codepipeline.running import end_action

log = logging.getLogger("labsupport.cloud.codepipeline")

_CODES = {
    "AccessDenied": "PermissionError",
    "AccessDeniedException": "PermissionError",
    "AuthorizationErrorException": "PermissionError",
    "UnauthorizedOperation": "PermissionError",
    "KMSAccessDeniedException": "PermissionError",
}


class Ended(Exception):
    """The action has been ended by somebody else while its provider was at work: stopped, approved, deleted."""


@service.task("act")
async def act(call: Call, key: str) -> float | None:
    """Take an action one step further. It is called again when something that it waits for has happened."""
    order, execution_id, action_id = key.split("/")
    action = call.store.get(Action, call.account, call.region, execution_id, action_id)
    if action is None or action.status != "InProgress":
        return None
    execution = call.store.get(Execution, call.account, call.region, action.pipeline, order)
    if execution is None or execution.status not in ACTIVE:
        return None
    try:
        done = await PROVIDERS[action.provider](_work(call, execution, action))
    except Ended:
        return None
    except (AwsError, Failed) as error:
        _fail(call, order, action, error)
        return None
    except Exception:
        log.exception("action %s of %s failed", action.name, action.pipeline)
        _fail(call, order, action, Failed("InternalError", "The lab failed at this action; its log says where."))
        return None
    return _note(call, order, action, done)


def _work(call: Call, execution: Execution, action: Action) -> Work:
    configuration = action.declaration.get("configuration", {})
    known = {**variables.of_pipeline(execution.id, execution.variables), **execution.outputs}
    action.resolved = variables.resolved(configuration, known)
    return Work(call, execution, action, action.resolved, _client_maker(call, execution, action), _saver(call, action))


def _client_maker(call: Call, execution: Execution, action: Action) -> Callable[[str], Client]:
    """Every call of an action is made under the pipeline's role, or under the action's own; assumed once."""
    known: list[Caller] = []

    def client(service_name: str) -> Client:
        if not known:
            known.append(assumed(call, execution, action.declaration.get("roleArn")))
        return Client(call, service_name, known[0])

    return client


def _is_at_work(call: Call, action: Action) -> bool:
    current = call.store.get(Action, call.account, call.region, action.execution, action.id)
    return current is not None and current.status == "InProgress"


def _saver(call: Call, action: Action) -> Callable[[], None]:
    def save() -> None:
        with call.transaction():
            if not _is_at_work(call, action):
                raise Ended
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
        execution = call.store.get(Execution, call.account, call.region, action.pipeline, order)
        if execution is None or not _is_at_work(call, action):
            return None
        _watch_external(call, action)
        if done is True:
            end_action(call, execution, action, "Succeeded")
            return None
        call.store.put(action)
    return float(done)


def _fail(call: Call, order: str, action: Action, error: AwsError | Failed) -> None:
    with call.transaction():
        execution = call.store.get(Execution, call.account, call.region, action.pipeline, order)
        if execution is None or not _is_at_work(call, action):
            return
        code = _CODES.get(error.code, error.code)
        action.error = {"code": code, "message": (error.message or error.code)[:5000]}
        end_action(call, execution, action, "Failed")


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
