"""A pipeline as its panel sees it: what the clients tell, reduced to what is shown."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from labsupport.diagrams.pipeline import Declared, statuses

TAIL = 200  # lines of a log that are kept


class Approval(NamedTuple):
    """A manual approval that waits for an answer; `asks` is what its action says in CustomData."""

    stage: str
    action: str
    token: str
    asks: str


class Failure(NamedTuple):
    stage: str
    action: str
    message: str


class Transition(NamedTuple):
    """The way into a stage: `why` it is shut and `by` whom, and whether an execution waits before it."""

    before: str
    stage: str
    enabled: bool
    why: str
    by: str
    waits: bool


class Log(NamedTuple):
    """What an action has written, the newest lines."""

    action: str
    running: bool
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A pipeline at one moment. `status` is the newest execution's, "" where there is none."""

    declared: Declared
    state: Declared
    execution: str = ""
    status: str = ""
    begun_by: str = ""
    log: Log | None = None

    @property
    def approvals(self) -> list[Approval]:
        return [
            Approval(stage["stageName"], action["actionName"], token, self._asks(action["actionName"]))
            for stage in self.state["stageStates"]
            for action in stage["actionStates"]
            if (token := action.get("latestExecution", {}).get("token"))
        ]

    @property
    def failures(self) -> list[Failure]:
        """What failed in the newest execution."""
        stages, actions = statuses(self.state)
        return [
            Failure(stage["stageName"], action["actionName"], _message(action))
            for stage in self.state["stageStates"]
            if stages.get(stage["stageName"]) == "Failed"
            for action in stage["actionStates"]
            if actions[stage["stageName"], action["actionName"]] == "Failed"
        ]

    @property
    def running(self) -> list[str]:
        return [name for (_, name), status in statuses(self.state)[1].items() if status == "InProgress"]

    @property
    def transitions(self) -> list[Transition]:
        found, before = [], ""
        for stage in self.state["stageStates"]:
            if before:
                found.append(_transition(before, stage))
            before = stage["stageName"]
        return found

    @property
    def held(self) -> bool:
        """Whether a shut transition is all that the newest execution waits for."""
        return not self.running and any(one.waits and not one.enabled for one in self.transitions)

    def _asks(self, name: str) -> str:
        actions = [one for stage in self.declared["stages"] for one in stage["actions"] if one["name"] == name]
        return str(actions[0].get("configuration", {}).get("CustomData", "")) if actions else ""


def _message(action: Declared) -> str:
    latest = action["latestExecution"]
    return str(latest.get("errorDetails", {}).get("message") or latest.get("summary") or "")


def _transition(before: str, stage: Declared) -> Transition:
    state = stage.get("inboundTransitionState", {"enabled": True})
    waits = bool(stage.get("inboundExecutions") or stage.get("inboundExecution"))
    why, by = state.get("disabledReason", ""), state.get("lastChangedBy", "")
    return Transition(before, stage["stageName"], bool(state.get("enabled")), why, by, waits)


class Looking:
    """Asks the clients as little as will do: one call each time, more only where something has changed."""

    def __init__(self, client: Callable[[str], Any], name: str) -> None:
        self._client, self._name = client, name
        self._declared: Declared = {}
        self._state: Declared = {}
        self._execution: Declared = {}
        self._tail = _Tail(client)

    def look(self) -> Seen:
        codepipeline = self._client("codepipeline")
        state = codepipeline.get_pipeline_state(name=self._name)
        state.pop("ResponseMetadata", None)
        if state != self._state or self._execution.get("status") in ("InProgress", "Stopping"):
            self._execution = self._newest(codepipeline)
        if self._declared.get("version") != state.get("pipelineVersion"):
            self._declared = codepipeline.get_pipeline(name=self._name)["pipeline"]
        self._state = state
        return Seen(
            self._declared, state, self._execution.get("pipelineExecutionId", ""), self._execution.get("status", ""),
            _begun_by(self._execution), self._tail.of(self._declared, state),
        )  # fmt: skip

    def _newest(self, codepipeline: Any) -> Declared:
        runs = codepipeline.list_pipeline_executions(pipelineName=self._name, maxResults=1)
        return dict(next(iter(runs["pipelineExecutionSummaries"]), {}))


def _begun_by(execution: Declared) -> str:
    """What began it: the change that it carries, or who asked for it."""
    for revision in execution.get("sourceRevisions", []):
        summary = str(revision.get("revisionSummary", "")).partition("\n")[0]
        return f"{str(revision.get('revisionId', ''))[:8]} {summary}".strip()
    return str(execution.get("trigger", {}).get("triggerType", ""))


class _Tail:
    """The log of the build that counts now, read on from where it was read last."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client
        self._build, self._token, self._ended = "", "", False
        self._where: dict[str, str] = {}
        self._lines: list[str] = []

    def of(self, declared: Declared, state: Declared) -> Log | None:
        found = build_that_counts(declared, state)
        if found is None:
            return None
        action, build, status = found
        if build != self._build:
            self._build, self._token, self._ended, self._where, self._lines = build, "", False, {}, []
        if not self._ended:
            self._ended = status != "InProgress"  # once more after the end, for the last lines
            self._read()
        return Log(action, status == "InProgress", tuple(self._lines[-TAIL:]))

    def _read(self) -> None:
        """Only what the learner may see: where a log cannot be read, the picture goes on without."""
        try:
            self._where = self._where or self._stream()
            if not self._where:
                return
            more = {"nextToken": self._token} if self._token else {}
            answer = self._client("logs").get_log_events(**self._where, startFromHead=True, **more)
        except Exception as error:
            if getattr(error, "response", None) is None:
                raise
            return
        self._token = answer["nextForwardToken"]
        self._lines += [one["message"].rstrip("\n") for one in answer["events"]]

    def _stream(self) -> dict[str, str]:
        builds = self._client("codebuild").batch_get_builds(ids=[self._build])["builds"]
        logs = builds[0].get("logs", {}) if builds else {}
        group, stream = logs.get("groupName"), logs.get("streamName")
        return {"logGroupName": group, "logStreamName": stream} if group and stream else {}


def build_that_counts(declared: Declared, state: Declared) -> tuple[str, str, str] | None:
    """Of the newest execution's builds the one that runs, else one that failed, else the last: action, id, status."""
    _, actions = statuses(state)
    builders = {
        (stage["name"], action["name"])
        for stage in declared["stages"]
        for action in stage["actions"]
        if action["actionTypeId"]["provider"] == "CodeBuild"
    }
    found = [
        (action["actionName"], str(action["latestExecution"]["externalExecutionId"]), actions[key])
        for stage in state["stageStates"]
        for action in stage["actionStates"]
        if (key := (stage["stageName"], action["actionName"])) in builders
        and actions[key]
        and action["latestExecution"].get("externalExecutionId")
    ]
    for status in ("InProgress", "Failed"):
        for one in found:
            if one[2] == status:
                return one
    return found[-1] if found else None
