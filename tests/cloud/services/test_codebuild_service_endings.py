"""Builds that do not end by themselves: stopped, out of time, waiting in the queue, or cut off with the lab."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import boto3
import pytest
from codebuild_help import ENVIRONMENT, LOGS, NO_ARTIFACTS, Gate, Works, new_role, phases, reasons, spec

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import service_principal
from labsupport.cloud.runner.reap import find
from labsupport.cloud.services.codebuild import running
from labsupport.cloud.services.codebuild.base import Build
from labsupport.cloud.services.codebuild.queue import MOST_AT_ONCE
from labsupport.cloud.services.codebuild.run import Run

SERVER = """
import asyncio, sys
from pathlib import Path
from labsupport.cloud.core.cloud import Settings
from labsupport.cloud.server import serve
settings = Settings(home=Path(sys.argv[1]))
asyncio.run(serve(settings, lambda cloud: print(settings.endpoint, flush=True)))
"""


@pytest.fixture
def works(cloud: Any) -> Works:
    found = Works(cloud, "endings")
    found.project()
    return found


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


def test_stopped(works: Works, gate: Gate) -> None:
    text = spec("sleep 1000 &", gate.command, phases={"post_build": {"commands": ["echo not reached"]}})
    build = works.start(text)
    gate.wait()
    assert works.look(build)["currentPhase"] == "BUILD"
    stopped = works.codebuild.stop_build(id=build["id"])["build"]
    assert stopped["id"] == build["id"]
    build = works.ended(build)
    assert (build["buildStatus"], build["currentPhase"]) == ("STOPPED", "COMPLETED")
    assert phases(build)["BUILD"] == "STOPPED"
    assert list(phases(build))[-2:] == ["BUILD", "COMPLETED"]
    assert reasons(build) == {}
    assert find([build["id"]]) == []
    assert "[Container] Phase complete: BUILD State: STOPPED" in works.log(build)
    assert works.codebuild.stop_build(id=build["id"])["build"]["buildStatus"] == "STOPPED"
    assert works.look(build)["endTime"] == build["endTime"]


def test_a_command_that_does_not_want_to_end(works: Works, gate: Gate) -> None:
    build = works.start(spec(f"trap '' TERM; {gate.command}"))
    gate.wait()
    works.codebuild.stop_build(id=build["id"])
    assert works.ended(build)["buildStatus"] == "STOPPED"
    assert find([build["id"]]) == []


def back(works: Works, seconds: int, build: dict[str, Any]) -> dict[str, Any]:
    """An ended build, seen from the time that clients sign their calls with."""
    works.cloud.settle("codebuild")
    works.cloud.advance(-seconds)
    return works.look(build)


def test_out_of_time(works: Works, gate: Gate) -> None:
    build = works.start(spec(gate.command), timeoutInMinutesOverride=5)
    gate.wait()
    works.cloud.advance(299)
    assert works.look(build)["buildStatus"] == "IN_PROGRESS"
    works.cloud.advance(2)
    build = back(works, 301, build)
    assert build["buildStatus"] == "TIMED_OUT"
    assert phases(build)["BUILD"] == "TIMED_OUT"
    assert reasons(build) == {"BUILD": ("BUILD_TIMED_OUT", "Build has timed out. ")}
    assert list(phases(build))[-2:] == ["BUILD", "COMPLETED"]
    assert build["timeoutInMinutes"] == 5


def test_its_time_begins_with_its_turn(works: Works, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """However late whoever watches the time comes to look at it."""
    provision = running._provision

    def slow(run: Run) -> None:
        provision(run)
        run.call.cloud.clock.advance(301)

    monkeypatch.setattr(running, "_provision", slow)
    build = back(works, 301, works.start(spec(gate.command), timeoutInMinutesOverride=5))
    assert build["buildStatus"] == "TIMED_OUT"


def test_the_queue(works: Works, tmp_path: Path) -> None:
    """So many builds run at once; the next waits for one to end, or until it may wait no longer."""
    gates = []
    running = []
    for number in range(MOST_AT_ONCE):
        (tmp_path / str(number)).mkdir()
        gates.append(Gate(tmp_path / str(number)))
        running.append(works.start(spec(gates[-1].command)))
    for gate in gates:
        gate.wait()
    stopped, overdue, last = (works.start(spec("echo ran"), queuedTimeoutInMinutesOverride=n) for n in (9, 5, 10))
    works.codebuild.stop_build(id=stopped["id"])
    works.cloud.advance(301)
    key = ("123456789012", "us-east-1", last["id"])
    assert works.cloud.on_loop(lambda cloud: cloud.store.get(Build, *key)).phase.type == "QUEUED"
    for gate in gates:
        gate.open()
    back(works, 301, last)
    builds = {name: works.look(one) for name, one in {"stopped": stopped, "overdue": overdue, "last": last}.items()}
    assert {name: one["buildStatus"] for name, one in builds.items()} == {
        "stopped": "STOPPED", "overdue": "TIMED_OUT", "last": "SUCCEEDED",
    }  # fmt: skip
    assert phases(builds["overdue"])["QUEUED"] == "TIMED_OUT"
    assert all(works.look(one)["buildStatus"] == "SUCCEEDED" for one in running)


def test_the_log_can_be_read_meanwhile(works: Works, gate: Gate) -> None:
    build = works.start(spec("echo first", gate.command, "echo last"))
    gate.wait()
    while "first" not in works.log(build):
        pass  # lines are sent a few times a second
    log = works.log(build)
    assert log[-1] == f"[Container] Running command {gate.command}"
    gate.open("second")
    assert works.output(works.ended(build)) == ["first", "second", "last"]


def test_nothing_is_left_of_a_build(works: Works) -> None:
    text = spec("sleep 1000 & mkdir locked; touch locked/file $HOME/x; chmod 500 locked; chmod 000 $HOME")
    build = works.run(text)
    assert build["buildStatus"] == "SUCCEEDED"
    assert find([build["id"]]) == []
    assert list((works.cloud.home / "builds").iterdir()) == []


def test_the_lab_goes_down_meanwhile(start_cloud: Callable[..., Any], tmp_path: Path, gate: Gate) -> None:
    works = Works(start_cloud(tmp_path / "home"), "endings")
    works.project()
    build = works.start(spec(gate.command))
    gate.wait()
    works.cloud.stop()
    assert find([build["id"]]) == []
    again = Works(start_cloud(tmp_path / "home"), "endings")
    _interrupted(again, build)
    assert again.run(spec("echo again"))["buildNumber"] == 2


def _interrupted(works: Works, build: dict[str, Any]) -> None:
    found = works.ended(build)
    message = "The lab was stopped while this build ran. Start the build again."
    assert found["buildStatus"] == "FAULT"
    assert phases(found)["BUILD"] == "FAULT"
    assert reasons(found) == {"BUILD": ("INTERNAL_ERROR", message)}
    assert works.log(build)[-1] == f"[Container] {message}"
    assert list((works.cloud.home / "builds").iterdir()) == []


def test_the_lab_is_killed_meanwhile(start_cloud: Callable[..., Any], tmp_path: Path, gate: Gate) -> None:
    home = tmp_path / "home"
    killed = subprocess.Popen([sys.executable, "-c", SERVER, str(home)], stdout=subprocess.PIPE, text=True)
    assert killed.stdout
    with killed.stdout:
        url = killed.stdout.readline().strip()
    works = Works(_Elsewhere(home, url), "endings")
    works.project()
    build = works.start(spec(f"sleep 1000 & {gate.command}"))
    gate.wait()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert find([build["id"]])
    again = Works(start_cloud(home), "endings")
    _interrupted(again, build)
    assert find([build["id"]]) == []


def test_what_an_ended_build_left_is_cleared_away(start_cloud: Callable[..., Any], tmp_path: Path) -> None:
    """The lab was killed after a build's last word, before its clearing up."""
    works = Works(start_cloud(tmp_path / "home"), "endings")
    works.project()
    build = works.run()
    left = tmp_path / "home" / "builds" / build["id"].partition(":")[2]
    left.mkdir()
    environment = {"PATH": os.environ["PATH"], "LAB_RUN_ID": build["id"]}
    process = subprocess.Popen(["sleep", "1000"], env=environment, start_new_session=True)
    works.cloud.on_loop(lambda cloud: _again(cloud, build["id"]))
    works.cloud.settle("codebuild")
    assert process.wait(10) != 0
    assert not left.exists()
    assert works.look(build) == build


def _again(cloud: Any, key: str) -> None:
    caller = service_principal("codebuild", "123456789012")
    call = Call(cloud, cloud.service("codebuild"), "", caller, "123456789012", "us-east-1")
    with call.transaction():
        call.start("build", key)


class _Elsewhere:
    """A cloud in another process."""

    def __init__(self, home: Path, url: str) -> None:
        self.home, self.url = home, url

    def client(self, service: str) -> Any:
        parser = RawConfigParser()
        parser.read(self.home / "aws" / "credentials")
        return boto3.client(service, endpoint_url=self.url, region_name="us-east-1", **dict(parser["learner"]))


def test_a_build_that_had_not_begun_simply_runs(start_cloud: Callable[..., Any], tmp_path: Path) -> None:
    works = Works(start_cloud(tmp_path / "home"), "endings")
    works.project()
    gates = []
    for number in range(MOST_AT_ONCE):
        (tmp_path / str(number)).mkdir()
        gates.append(Gate(tmp_path / str(number)))
        works.start(spec(gates[-1].command))
    for gate in gates:
        gate.wait()
    build = works.start(spec("echo ran"))
    works.cloud.stop()
    again = Works(start_cloud(tmp_path / "home"), "endings")
    found = again.ended(build)
    assert found["buildStatus"] == "SUCCEEDED"
    assert again.output(found) == ["ran"]


# The service role


@pytest.mark.parametrize(
    ("statements", "action"),
    [
        ([], "logs:CreateLogStream"),
        ([{"Effect": "Allow", "Action": "logs:CreateLogStream", "Resource": "*"}], "logs:CreateLogGroup"),
    ],
)
def test_a_role_that_may_not_make_the_log(works: Works, statements: list[Any], action: str) -> None:
    role = new_role(works.cloud, "mute", *(statements or [{**LOGS, "Effect": "Deny"}]))
    build = works.run(serviceRoleOverride=role)
    code, message = reasons(build)["QUEUED"]
    assert code == "ACCESS_DENIED"
    begin = (
        f"Service role {role} does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams for build "
        f"{build['arn']}. Error message: User: arn:aws:sts::123456789012:assumed-role/mute/AWSCodeBuild-"
    )
    assert message.startswith(begin)
    assert f"is not authorized to perform: {action} on resource: " in message
    assert (build["buildStatus"], list(phases(build))) == ("FAILED", ["SUBMITTED", "QUEUED", "COMPLETED"])


def test_a_role_that_may_not_write_the_log(works: Works) -> None:
    """The build runs, and says at its end why its log is empty."""
    role = new_role(works.cloud, "mute", {"Effect": "Allow", "Action": "logs:Create*", "Resource": "*"})
    build = works.run(serviceRoleOverride=role)
    assert build["buildStatus"] == "SUCCEEDED"
    assert "is not authorized to perform: logs:PutLogEvents on resource: " in reasons(build)["FINALIZING"][1]
    assert works.log(build) == []


def test_a_role_that_is_gone(works: Works) -> None:
    role = works.codebuild.batch_get_projects(names=["endings"])["projects"][0]["serviceRole"].rpartition("/")[2]
    works.cloud.client("iam").delete_role_policy(RoleName=role, PolicyName="permissions")
    works.cloud.client("iam").delete_role(RoleName=role)
    build = works.run()
    code, message = reasons(build)["QUEUED"]
    assert code == "ACCESS_DENIED"
    assert message.startswith(
        "CodeBuild is not authorized to perform: sts:AssumeRole on arn:aws:iam::123456789012:role/"
    )


@pytest.mark.parametrize(
    ("config", "group", "stream"),
    [
        ({}, "/aws/codebuild/endings", "{id}"),
        ({"status": "ENABLED", "groupName": "mine"}, "mine", "{id}"),
        ({"status": "ENABLED", "groupName": "mine", "streamName": "of/builds"}, "mine", "of/builds/{id}"),
        ({"status": "DISABLED"}, None, None),
    ],
)
def test_where_the_log_goes(works: Works, config: dict[str, str], group: str | None, stream: str | None) -> None:
    build = works.run(spec("echo x"), **({"logsConfigOverride": {"cloudWatchLogs": config}} if config else {}))
    assert build["buildStatus"] == "SUCCEEDED"
    logs = build["logs"]
    assert logs["s3Logs"] == {"status": "DISABLED", "encryptionDisabled": False}
    uuid = build["id"].partition(":")[2]
    assert (logs.get("groupName"), logs.get("streamName")) == (group, stream and stream.format(id=uuid))
    groups = [one["logGroupName"] for one in works.cloud.client("logs").describe_log_groups()["logGroups"]]
    assert groups == ([group] if group else [])
    if group:
        assert works.output(build) == ["x"]


def test_a_fault_of_the_lab_itself(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens, the build ends, and says so."""

    async def broken(*_: Any) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(running, "run_phases", broken)
    build = works.run()
    assert build["buildStatus"] == "FAULT"
    assert reasons(build)["FINALIZING"][0] == "INTERNAL_ERROR"


def test_projects_of_one_name_in_two_regions(works: Works) -> None:
    other = works.cloud.client("codebuild", region_name="eu-west-1")
    role = works.codebuild.batch_get_projects(names=["endings"])["projects"][0]["serviceRole"]
    settings = {"source": {"type": "NO_SOURCE", "buildspec": spec("echo $AWS_REGION")}, "artifacts": NO_ARTIFACTS}
    other.create_project(name="endings", serviceRole=role, environment=ENVIRONMENT, **settings)
    build = other.start_build(projectName="endings")["build"]
    works.cloud.settle("codebuild")
    assert works.codebuild.batch_get_builds(ids=[build["id"]])["buildsNotFound"] == [build["id"]]
    found = other.batch_get_builds(ids=[build["id"]])["builds"][0]
    assert found["buildStatus"] == "SUCCEEDED"
    events = works.cloud.client("logs", region_name="eu-west-1").get_log_events(
        logGroupName="/aws/codebuild/endings", logStreamName=found["logs"]["streamName"], startFromHead=True
    )["events"]
    assert "eu-west-1\n" in [event["message"] for event in events]
