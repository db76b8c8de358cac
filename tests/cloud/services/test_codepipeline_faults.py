"""Actions whose work lies elsewhere: woken by events, abandoned meanwhile, failing oddly, taken up after a restart."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pipeline_help import Watched, approval, declared, kind, prepare, source
from services_help import may, service_role

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import service_principal
from labsupport.cloud.services.codepipeline.actions import PROVIDERS, Failed, Work
from labsupport.cloud.services.codepipeline.base import Action, External

Provider = Callable[[Work], Awaitable[bool | float]]


def build(name: str = "Build", **configuration: str) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": "built",
        "actionTypeId": kind("Build", "CodeBuild"),
        "configuration": {"ProjectName": "web", **configuration},
        "inputArtifacts": [{"name": "SourceOutput"}],
        "outputArtifacts": [{"name": "BuildOutput"}],
    }


class Outside:
    """Work elsewhere that the provider begins once and then looks at; `state` is what it sees."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.looks = 0
        self.state: bool | float = 15.0

    async def __call__(self, work: Work) -> bool | float:
        if not work.action.external_id:
            self.begun.append(work.action.id)
            work.note(external_id="web:1", watch="arn:web:1", summary="begun")
        self.looks += 1
        work.action.variables = {"Looks": str(self.looks)}
        return self.state


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Outside:
    found = Outside()
    monkeypatch.setitem(PROVIDERS, "CodeBuild", found)
    return found


def demo(cloud: Any, *stages: list[dict[str, Any]]) -> Watched:
    return Watched(cloud, declared("demo", prepare(cloud), [source()], *(stages or ([build()],))))


def publish_the_end(cloud: Any) -> None:
    """CodeBuild's event, as it would come."""

    def emit(inner: Any) -> None:
        service = inner.service("codepipeline")
        call = Call(inner, service, "", service_principal("codebuild", "123456789012"), "123456789012", "us-east-1")
        with call.transaction():
            call.emit("CodeBuild Build State Change", {"build-id": "arn:web:1", "build-status": "SUCCEEDED"})

    cloud.on_loop(emit)
    cloud.settle()


def test_begun_once_and_woken_by_the_event(cloud: Any, outside: Outside) -> None:
    pipeline = demo(cloud)
    found = pipeline.latest("S1", "Build")
    assert (found["externalExecutionId"], found["summary"], found["status"]) == ("web:1", "begun", "InProgress")
    outside.state = True
    publish_the_end(cloud)
    assert (pipeline.statuses(), len(outside.begun)) == ("Succeeded", 1)
    assert pipeline.actions()[-1]["output"]["outputVariables"] == {"Looks": "2"}
    publish_the_end(cloud)  # nobody waits for it any more
    assert cloud.on_loop(lambda inner: list(inner.store.list(External))) == []


def test_looked_at_again_without_an_event(cloud: Any, outside: Outside) -> None:
    pipeline = demo(cloud)
    outside.state = True
    cloud.advance(20)
    cloud.settle()
    assert (pipeline.statuses(), len(outside.begun)) == ("Succeeded", 1)


@pytest.mark.parametrize("state", [True, 15.0])
def test_taken_up_after_a_restart(start_cloud: Any, outside: Outside, state: bool | float) -> None:
    first = start_cloud()
    pipeline = demo(first)
    first.stop()
    outside.state = state
    second = start_cloud(home=first.home)
    second.advance(20)
    second.settle()
    pipeline.cloud, pipeline.client = second, second.client("codepipeline")
    assert len(outside.begun) == 1
    assert pipeline.statuses() == ("Succeeded" if state is True else "InProgress")


class Slow:
    """A provider that awaits what a test lets happen, and then notes and returns."""

    def __init__(self, outcome: bool | Exception) -> None:
        self.outcome = outcome
        self.reached, self.go_on, self.saved = asyncio.Event(), asyncio.Event(), False

    async def __call__(self, work: Work) -> bool | float:
        self.reached.set()
        await self.go_on.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        work.note(external_id="late")
        self.saved = True
        return True


@pytest.mark.parametrize(
    "outcome", [True, Failed("JobFailed", "too late"), AwsError("AccessDenied", "no"), ValueError("x")]
)
@pytest.mark.parametrize("ending", ["abandon", "delete"])
def test_ended_while_its_provider_is_at_work(
    cloud: Any, monkeypatch: pytest.MonkeyPatch, outcome: bool | Exception, ending: str
) -> None:
    """What a provider finds out afterwards changes nothing."""
    role, slow = prepare(cloud), Slow(outcome)
    monkeypatch.setitem(PROVIDERS, "CodeBuild", slow)
    client = cloud.client("codepipeline")
    client.create_pipeline(pipeline=declared("demo", role, [source()], [build()]))
    cloud.on_loop(lambda _: asyncio.wait_for(slow.reached.wait(), 20))
    (run,) = client.list_pipeline_executions(pipelineName="demo")["pipelineExecutionSummaries"]
    if ending == "abandon":
        where = {"pipelineName": "demo", "pipelineExecutionId": run["pipelineExecutionId"]}
        client.stop_pipeline_execution(**where, abandon=True)
    else:
        client.delete_pipeline(name="demo")
    cloud.on_loop(lambda _: slow.go_on.set())
    cloud.settle()
    assert slow.saved is False
    actions = cloud.on_loop(lambda inner: [one for one in inner.store.list(Action) if one.name == "Build"])
    if ending == "delete":
        assert actions == []
    else:
        assert [one.status for one in actions] == ["Abandoned"]
        (run,) = client.list_pipeline_executions(pipelineName="demo")["pipelineExecutionSummaries"]
        assert run["status"] == "Stopped"


@pytest.mark.parametrize(
    ("error", "details"),
    [
        (Failed("JobFailed", "exit 1"), {"code": "JobFailed", "message": "exit 1"}),
        (AwsError("AccessDeniedException", "not you"), {"code": "PermissionError", "message": "not you"}),
        (
            AwsError("ResourceNotFoundException", ""),
            {"code": "ResourceNotFoundException", "message": "ResourceNotFoundException"},
        ),
        (AwsError("X", "y" * 9999), {"code": "X", "message": "y" * 5000}),
        (KeyError("oops"), {"code": "InternalError", "message": "The lab failed at this action; its log says where."}),
    ],
)
def test_a_provider_that_fails(
    cloud: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, details: dict[str, str]
) -> None:
    async def fails(work: Work) -> bool:
        raise error

    monkeypatch.setitem(PROVIDERS, "CodeBuild", fails)
    pipeline = demo(cloud)
    assert pipeline.statuses() == "Failed"
    assert pipeline.latest("S1", "Build")["errorDetails"] == details
    assert pipeline.actions()[-1]["output"]["executionResult"]["errorDetails"] == details


def test_outputs_of_a_failed_try_are_nobodys_input(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[Any]] = []

    async def flaky(work: Work) -> bool:
        if work.action.name == "Build":
            work.new_outputs()
            if len(seen) == 0:
                seen.append(work.action.outputs)
                raise Failed("JobFailed", "first")
        else:
            seen.append(work.action.inputs)
        return True

    monkeypatch.setitem(PROVIDERS, "CodeBuild", flaky)
    test = {**build("Test"), "inputArtifacts": [{"name": "BuildOutput"}], "outputArtifacts": [], "runOrder": 2}
    test.pop("namespace")
    pipeline = demo(cloud, [build(), test])
    assert pipeline.actions()[-1]["output"].get("outputArtifacts", []) == []
    pipeline.retry("S1")
    assert pipeline.statuses() == "Succeeded"
    assert seen[1][0]["name"] == "BuildOutput"
    assert seen[1] != seen[0]


def test_variables_of_an_action(cloud: Any, outside: Outside) -> None:
    outside.state = True
    pipeline = demo(cloud, [build()], [approval(configuration={"CustomData": "#{built.Looks}"})])
    assert pipeline.actions()[-1]["input"]["resolvedConfiguration"] == {"CustomData": "1"}


def test_what_a_build_is_asked_for_without_permission(cloud: Any) -> None:
    prepare(cloud)
    role = service_role(cloud, "no-builds", "codepipeline", may("s3:*"))
    pipeline = Watched(cloud, declared("demo", role, [source()], [build()]))
    details = pipeline.latest("S1", "Build")["errorDetails"]
    assert details["code"] == "PermissionError"
    assert (
        "is not authorized to perform: codebuild:StartBuild on resource: arn:aws:codebuild:us-east-1:"
        in details["message"]
    )


def test_a_batch_build_is_not_here(cloud: Any) -> None:
    pipeline = demo(cloud, [build(BatchEnabled="true")])
    assert pipeline.latest("S1", "Build")["errorDetails"]["code"] == "NotSimulated"


def test_no_job_is_left_behind(cloud: Any, outside: Outside) -> None:
    """Once nothing runs any more, nothing is scheduled."""
    outside.state = True
    pipeline = demo(cloud, [build()], [approval()])
    pipeline.answer("S2")
    pipeline.client.delete_pipeline(name="demo")
    cloud.settle()
    jobs = cloud.on_loop(lambda inner: [job for job in inner.store.jobs.all() if job.service == "codepipeline"])
    assert [job.task for job in jobs] == []
