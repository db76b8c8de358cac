"""`lab watch`: a pipeline followed in a terminal, until its newest execution ends or waits for an approval."""

import argparse
import sys
import time
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from labsupport import home

PAUSE = 0.1  # seconds between looks
COMING = 10.0  # seconds for a push to reach the pipeline
PATIENCE = 300.0  # seconds until watching ends by itself
GOING_ON = ("InProgress", "Stopping")
MARKS = {"Succeeded": "✔", "Failed": "✘", "InProgress": "●", "Abandoned": "–"}
APPROVAL = "Approval"


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", help="the pipeline's name")


def run(arguments: argparse.Namespace) -> int:
    """0 when the execution has ended (in whatever way) or waits for an approval; 1 where there is nothing to watch."""
    from labsupport.session import client_of

    folder = home.folder(arguments.home)
    client = client_of(folder, home.running(folder).url)
    try:
        declared = client("codepipeline").get_pipeline(name=arguments.pipeline)["pipeline"]
        wait_for_push(client, declared)
        return watch(client("codepipeline"), declared)
    except ClientError as error:
        print(f"lab watch: {error.response['Error']['Message']}", file=sys.stderr)
        return 1


def wait_for_push(client: Any, declared: dict[str, Any]) -> None:
    """A push takes a moment to start the pipeline: wait until an execution has the newest commit."""
    source = declared["stages"][0]["actions"][0]
    if source["actionTypeId"]["provider"] != "CodeCommit":
        return
    where = source["configuration"]
    try:
        branch = client("codecommit").get_branch(repositoryName=where["RepositoryName"], branchName=where["BranchName"])
    except ClientError:
        return
    end = time.monotonic() + COMING
    while time.monotonic() < end and not _has(client("codepipeline"), declared["name"], branch["branch"]["commitId"]):
        time.sleep(PAUSE)


def _has(codepipeline: Any, name: str, commit: str) -> bool:
    newest = _newest(codepipeline, name)
    return newest is not None and any(one.get("revisionId") == commit for one in newest["sourceRevisions"])


def _newest(codepipeline: Any, name: str) -> dict[str, Any] | None:
    found = codepipeline.list_pipeline_executions(pipelineName=name, maxResults=1)["pipelineExecutionSummaries"]
    return found[0] if found else None


def watch(codepipeline: Any, declared: dict[str, Any]) -> int:
    """Print what happens, a line for each action that begins or ends."""
    approvals = {one["name"] for stage in declared["stages"] for one in stage["actions"]
                 if one["actionTypeId"]["category"] == APPROVAL}  # fmt: skip
    end, told = time.monotonic() + PATIENCE, set[str]()
    while time.monotonic() < end:
        newest = _newest(codepipeline, declared["name"])
        if newest is None:
            print(f"No execution of {declared['name']} has been started yet.")
            return 1
        actions = _actions(codepipeline, declared["name"], newest["pipelineExecutionId"])
        for line in lines(actions, approvals):
            if line not in told:
                print(line, flush=True)
                told.add(line)
        if newest["status"] not in GOING_ON or _waits(actions, approvals):
            print(f"The execution {newest['pipelineExecutionId'][:8]} is {newest['status']}.")
            return 0
        if _queues(codepipeline, declared["name"], newest["pipelineExecutionId"]):
            print("It waits behind an older execution, which waits for an approval: answer that one first.")
            return 0
        time.sleep(PAUSE)
    print(f"It has not ended within {PATIENCE:.0f} seconds. It goes on: watch it again.", file=sys.stderr)
    return 1


def _actions(codepipeline: Any, name: str, execution: str) -> list[dict[str, Any]]:
    """The actions of an execution, in the order in which they began."""
    only = {"pipelineExecutionId": execution}
    details = codepipeline.list_action_executions(pipelineName=name, filter=only)["actionExecutionDetails"]
    return list(reversed(details))


def _waits(actions: list[dict[str, Any]], approvals: set[str]) -> bool:
    return any(one["actionName"] in approvals and one["status"] == "InProgress" for one in actions)


def _queues(codepipeline: Any, name: str, execution: str) -> bool:
    """Whether it waits in front of a stage whose own execution waits for an approval."""
    for stage in codepipeline.get_pipeline_state(name=name)["stageStates"]:
        if stage.get("inboundExecution", {}).get("pipelineExecutionId") == execution:
            return any(one.get("latestExecution", {}).get("token") for one in stage["actionStates"])
    return False


def lines(actions: list[dict[str, Any]], approvals: set[str]) -> Iterator[str]:
    """Each action with its status; why it failed, and what is waited for."""
    for one in actions:
        waiting = one["status"] == "InProgress" and one["actionName"] in approvals
        yield f"{MARKS[one['status']]} {one['stageName']:10} {'waits for an approval' if waiting else one['status']}"
        error = one.get("output", {}).get("executionResult", {}).get("errorDetails", {}).get("message")
        if error and one["status"] == "Failed":
            yield f"  {error}"
