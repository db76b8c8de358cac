"""What the checks of this chapter look at: repository, execution, build, approval, stack and the shop itself."""

import json
import urllib.request
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from labsupport.course.declare import Finding, World, not_right, not_yet

WATCH = 'Watch it with `lab.pipeline("shop").watch()` (in a terminal: `lab watch shop`), then check again.'
RUNS = "`aws codepipeline list-pipeline-executions --pipeline-name shop --max-items 3` lists the executions."
BUILDS = "/aws/codebuild/shop-build"
READ = f'aws logs filter-log-events --log-group-name {BUILDS} --output text --query "events[].[message]"'
LOG = f"`{READ} | tail -30` shows the end of the log."


def user_name(world: World) -> str:
    return str(world.client("sts").get_caller_identity()["Arn"]).rsplit("/", 1)[-1]


def repository(world: World, name: str = "shop") -> dict[str, Any] | None:
    codecommit = world.client("codecommit")
    try:
        found: dict[str, Any] = codecommit.get_repository(repositoryName=name)["repositoryMetadata"]
    except codecommit.exceptions.RepositoryDoesNotExistException:
        return None
    return found


def head(world: World, name: str = "shop") -> str | None:
    """The newest commit of main."""
    codecommit = world.client("codecommit")
    gone = codecommit.exceptions
    try:
        return str(codecommit.get_branch(repositoryName=name, branchName="main")["branch"]["commitId"])
    except (gone.RepositoryDoesNotExistException, gone.BranchDoesNotExistException):
        return None


def pushed(world: World, path: str, name: str = "shop") -> str | None:
    """The text of a file as main has it."""
    codecommit = world.client("codecommit")
    try:
        file = codecommit.get_file(repositoryName=name, commitSpecifier="refs/heads/main", filePath=path)
    except ClientError:
        return None
    return bytes(file["fileContent"]).decode(errors="replace")


def unpushed(world: World, path: str) -> str | None:
    """What the clone has in a file where that differs from main; `None` where it does not, or there is no clone."""
    file = world.clone("shop") / path
    text = file.read_text(errors="replace") if file.is_file() else None
    return text if text != pushed(world, path) else None


def nothing_pushed(world: World) -> Finding | None:
    """What to say where main has no commit yet."""
    if repository(world) is None:
        return not_yet("There is no repository shop yet.", "Exercise start.1 makes it.")
    if head(world) is None:
        return not_yet("Nothing has been pushed to main yet.", "Exercise start.2 does that.")
    return None


@dataclass(frozen=True, slots=True)
class Run:
    """An execution of a pipeline, and its newest try of each action."""

    id: str
    status: str
    commit: str
    actions: dict[str, dict[str, Any]]

    def status_of(self, action: str) -> str:
        return str(self.actions.get(action, {}).get("status", ""))

    def result(self, action: str) -> dict[str, Any]:
        found: dict[str, Any] = self.actions.get(action, {}).get("output", {}).get("executionResult", {})
        return found

    def why(self) -> str:
        """The message of the action that failed."""
        failed = [name for name, one in self.actions.items() if one["status"] == "Failed"]
        return str(self.result(failed[-1]).get("errorDetails", {}).get("message", "")) if failed else ""


def runs(world: World, pipeline: str = "shop") -> list[dict[str, Any]]:
    """The executions, newest first; none where there is no pipeline."""
    try:
        found: list[dict[str, Any]] = world.client("codepipeline").list_pipeline_executions(pipelineName=pipeline)[
            "pipelineExecutionSummaries"
        ]
    except ClientError:
        return []
    return found


def run(world: World, pipeline: str = "shop", having: str = "") -> Run | None:
    """The newest execution that has come as far as the action `having`; the newest at all where that is empty."""
    for one in runs(world, pipeline)[:10]:
        found = _run(world, pipeline, one)
        if not having or having in found.actions:
            return found
    return None


def _run(world: World, pipeline: str, summary: dict[str, Any]) -> Run:
    number = summary["pipelineExecutionId"]
    details = world.client("codepipeline").list_action_executions(
        pipelineName=pipeline, filter={"pipelineExecutionId": number}
    )["actionExecutionDetails"]
    commit = next((each["revisionId"] for each in summary.get("sourceRevisions", []) if "revisionId" in each), "")
    return Run(number, summary["status"], commit, {each["actionName"]: each for each in reversed(details)})


def release(world: World) -> Run | Finding:
    """The newest execution if it has main's newest commit; else what to say instead."""
    missing = nothing_pushed(world)
    if missing:
        return missing
    newest, commit = run(world), head(world) or ""
    if newest is None or newest.commit != commit:
        return not_yet(
            f"No execution has fetched main's newest commit {commit[:8]} so far.",
            f"A push takes a moment to arrive, so check again. {RUNS}",
        )
    return newest


def built(world: World) -> Run | Finding:
    """The release, if its build has ended; else what to say instead."""
    found = release(world)
    if isinstance(found, Finding):
        return found
    waits_behind = found.status == "InProgress" and "Build" not in found.actions
    if waits_behind or found.status_of("Build") == "InProgress":
        return not_yet(f"The build of commit {found.commit[:8]} has not ended yet.", WATCH)
    if "Build" not in found.actions:
        return not_right(f"The execution {found.id[:8]} is {found.status} and has built nothing. {found.why()}", WATCH)
    return found


def build(world: World, found: Run) -> dict[str, Any]:
    """CodeBuild's record of a release's build."""
    number = found.result("Build").get("externalExecutionId", "")
    builds: list[dict[str, Any]] = world.client("codebuild").batch_get_builds(ids=[number])["builds"] if number else []
    return builds[0] if builds else {}


def phase(record: dict[str, Any], name: str) -> str:
    """How a phase of a build ended: SUCCEEDED, FAILED, …; empty where it was not entered."""
    found = [one.get("phaseStatus", "") for one in record.get("phases", []) if one["phaseType"] == name]
    return str(found[-1]) if found else ""


def waiting(found: Run) -> bool:
    return found.status_of("Approve") == "InProgress"


def queues(world: World, found: Run) -> bool:
    """Whether a release waits in front of the stage Approve, which another execution is in."""
    for stage in world.client("codepipeline").get_pipeline_state(name="shop")["stageStates"]:
        if stage["stageName"] == "Approve":
            return bool(stage.get("inboundExecution", {}).get("pipelineExecutionId") == found.id)
    return False


def stack_outputs(world: World, stack: str = "shop-stack") -> dict[str, str] | None:
    """The outputs of a stack; `None` where there is no stack."""
    try:
        found = world.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError:
        return None
    return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}


def served(world: World) -> tuple[str, str]:
    """Where the shop should answer, and the version that it answers with; each empty where there is none."""
    url = (stack_outputs(world) or {}).get("Url", "").rstrip("/")
    if not url:
        return "", ""
    try:
        with urllib.request.urlopen(f"{url}/version", timeout=3) as answer:
            return url, str(json.loads(answer.read())["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return url, ""


def given(world: World, path: str) -> str:
    """A file of the shop as the learner has got it."""
    return (world.home / "material" / "shop" / path).read_text()
