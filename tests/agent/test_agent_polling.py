"""The agent's way from poll to report, against a service that answers as it is told to."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labsupport.agent.calls import ServiceError
from labsupport.agent.commands import Agent
from labsupport.agent.journal import Journal
from labsupport.agent.metadata import NoCredentials
from labsupport.agent.polling import Poller
from labsupport.agent.settings import Settings
from labsupport.agent.tracking import Tracking

HOST = "arn:aws:ec2:us-east-1:123456789012:instance/i-0"
SPEC = {
    "DeploymentId": "d-1",
    "DeploymentGroupId": "g",
    "DeploymentGroupName": "prod",
    "ApplicationName": "shop",
    "Revision": {"RevisionType": "S3", "S3Revision": {"Bucket": "b", "Key": "k", "BundleType": "zip"}},
}


def command(event: str, identifier: str = "c-1", host: str = HOST) -> dict[str, Any]:
    return {
        "HostCommand": {
            "HostCommandIdentifier": identifier,
            "HostIdentifier": host,
            "DeploymentExecutionId": "1/2/3/d-1",
            "CommandName": event,
        }
    }


class Service:
    """Plays the command service. `script` holds its answers, or errors, by operation; after them the usual one."""

    def __init__(self) -> None:
        self.script: dict[str, list[Any]] = {}
        self.usual: dict[str, Any] = {
            "PollHostCommand": {},
            "PutHostCommandAcknowledgement": {"CommandStatus": "InProgress"},
            "PutHostCommandComplete": {},
        }
        self.give(SPEC)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.when: Callable[[str], None] = lambda operation: None

    def give(self, spec: dict[str, Any], system: str = "CodeDeploy") -> None:
        envelope = {"Format": "TEXT/JSON", "Payload": json.dumps(spec)}
        answer = {"DeploymentSystem": system, "DeploymentSpecification": {"GenericEnvelope": envelope}}
        self.usual["GetDeploymentSpecification"] = answer

    def command(self, operation: str, timeout: float = 0, **params: Any) -> dict[str, Any]:
        self.calls.append((operation, params))
        self.when(operation)
        answers = self.script.get(operation)
        answer = answers.pop(0) if answers else self.usual[operation]
        if isinstance(answer, Exception):
            raise answer
        found: dict[str, Any] = answer
        return found

    def called(self, operation: str) -> list[dict[str, Any]]:
        return [params for name, params in self.calls if name == operation]


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def poller(service: Service, tmp_path: Path) -> Poller:
    settings = Settings(tmp_path, "", "", {"PATH": "/usr/bin:/bin"})
    settings.log_file.parent.mkdir(parents=True)
    agent = Agent(settings, service, Journal(settings.log_file))  # type: ignore[arg-type]
    return Poller(agent, HOST, Tracking(tmp_path / "ongoing"))


def diagnostics(params: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(params["Diagnostics"]["Payload"])
    return found


def run_until(poller: Poller, service: Service, polls: int) -> None:
    """Let the agent run until it has polled so often."""

    def count(operation: str) -> None:
        if operation == "PollHostCommand" and len(service.called("PollHostCommand")) >= polls:
            poller.stopping.set()

    service.when = count
    poller.run()


def test_a_command_is_fetched_acknowledged_done_and_reported(poller: Poller, service: Service) -> None:
    poller.work(command("ApplicationStop")["HostCommand"])
    assert [name for name, _ in service.calls] == [
        "GetDeploymentSpecification",
        "PutHostCommandAcknowledgement",
        "PutHostCommandComplete",
    ]
    acknowledged, complete = service.calls[1][1], service.calls[2][1]
    assert diagnostics(acknowledged) == {"IsCommandNoop": True}, "nothing was ever installed here"
    assert (complete["HostCommandIdentifier"], complete["CommandStatus"]) == ("c-1", "Succeeded")
    assert diagnostics(complete)["error_code"] == 0
    assert poller.tracking.interrupted() == []


@pytest.mark.parametrize("status", ["Succeeded", "Failed"])
def test_a_command_that_has_ended_meanwhile_is_left_alone(poller: Poller, service: Service, status: str) -> None:
    service.usual["PutHostCommandAcknowledgement"] = {"CommandStatus": status}
    poller.work(command("DownloadBundle")["HostCommand"])
    assert service.called("PutHostCommandComplete") == []
    assert poller.tracking.interrupted() == []


@pytest.mark.parametrize(
    ("event", "spec", "system", "message"),
    [
        ("Install", SPEC, "CodeDeploy", "did not find an AppSpec file"),
        ("Dance", SPEC, "CodeDeploy", "Unsupported command type: Dance."),
        ("Install", {**SPEC, "DeploymentId": ""}, "CodeDeploy", "has no DeploymentId"),
        ("Install", SPEC, "Other", "Deployment System mismatch: CodeDeploy != Other"),
        ("Install", {**SPEC, "DeploymentGroupId": "x" * 300}, "CodeDeploy", "File name too long"),
    ],
)
def test_what_cannot_be_done_is_reported(
    poller: Poller, service: Service, event: str, spec: dict[str, Any], system: str, message: str
) -> None:
    service.give(spec, system)
    poller.work(command(event)["HostCommand"])
    (complete,) = service.called("PutHostCommandComplete")
    assert complete["CommandStatus"] == "Failed"
    assert diagnostics(complete)["error_code"] == 5
    assert message in diagnostics(complete)["message"]


def test_a_report_is_made_however_long_nobody_answers(poller: Poller, service: Service) -> None:
    service.script["PutHostCommandComplete"] = [ConnectionRefusedError(), ServiceError("Busy", "", 503), {}]
    poller.work(command("ApplicationStop")["HostCommand"])
    assert len(service.called("PutHostCommandComplete")) == 3
    assert poller.tracking.interrupted() == []


def test_a_report_that_is_refused_is_given_up(poller: Poller, service: Service) -> None:
    service.script["PutHostCommandComplete"] = [ServiceError("ClientException", "no such command", 400)]
    poller.work(command("ApplicationStop")["HostCommand"])
    assert len(service.called("PutHostCommandComplete")) == 1
    assert "no such command" in poller.agent.settings.log_file.read_text()


@pytest.mark.parametrize(
    "trouble",
    [ConnectionRefusedError("refused"), NoCredentials("no role"), ServiceError("AccessDeniedException", "no", 400)],
)
def test_polling_goes_on_whatever_happens(poller: Poller, service: Service, trouble: Exception) -> None:
    service.script["PollHostCommand"] = [trouble, trouble]
    run_until(poller, service, 3)
    log = poller.agent.settings.log_file.read_text()
    assert log.count(f"Error polling for host commands: {type(trouble).__name__}") == 2


def test_an_agent_ends_with_its_instance(poller: Poller, service: Service) -> None:
    there = iter([True, True, False])
    poller.belongs = lambda: next(there)
    poller.run()
    assert len(service.called("PollHostCommand")) == 2


def test_an_agent_that_nobody_answers_ends(poller: Poller, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(0, 100_000, 300))
    monkeypatch.setattr("labsupport.agent.polling.time.monotonic", lambda: next(seconds))
    service.script["PollHostCommand"] = [ConnectionRefusedError()] * 100
    monkeypatch.setattr(poller.stopping, "wait", lambda _: False)
    poller.run()
    assert 1 <= len(service.called("PollHostCommand")) < 10
    assert "Nobody has answered for 900 seconds" in poller.agent.settings.log_file.read_text()


def test_a_command_for_another_host_is_not_taken(poller: Poller, service: Service) -> None:
    service.script["PollHostCommand"] = [command("Install", host=HOST + "f")]
    run_until(poller, service, 2)
    assert service.called("GetDeploymentSpecification") == []
    assert "Host Identifier mismatch" in poller.agent.settings.log_file.read_text()


def test_a_command_that_is_offered_twice_is_done_once(poller: Poller, service: Service) -> None:
    service.script["PollHostCommand"] = [command("ApplicationStop"), command("ApplicationStop")]
    working, offered = threading.Event(), threading.Event()

    def hold(operation: str) -> None:
        if operation == "PutHostCommandAcknowledgement":
            working.set()
            assert offered.wait(10)
        if operation == "PollHostCommand" and len(service.called(operation)) == 2:
            assert working.wait(10)
        if operation == "PollHostCommand" and len(service.called(operation)) == 3:
            poller.stopping.set()
            offered.set()

    service.when = hold
    poller.run()
    assert len(service.called("PutHostCommandAcknowledgement")) == 1


def test_an_interrupted_command_is_reported_by_the_next_agent(poller: Poller, service: Service) -> None:
    poller.tracking.begin("d-9", "c-9")
    run_until(poller, service, 1)
    (complete,) = service.called("PutHostCommandComplete")
    assert service.calls[0][0] == "PutHostCommandComplete", "before anything else"
    assert (complete["HostCommandIdentifier"], complete["CommandStatus"]) == ("c-9", "Failed")
    assert diagnostics(complete)["message"] == "Failed: Failing in-progress lifecycle event after an agent restart."
    assert diagnostics(complete)["error_code"] == 7
    assert poller.tracking.interrupted() == []


def test_what_was_interrupted_long_ago_is_forgotten(poller: Poller) -> None:
    poller.tracking.begin("d-9", "c-9")
    os.utime(poller.tracking.folder / "d-9", (0, 0))
    assert poller.tracking.interrupted() == []
    assert not (poller.tracking.folder / "d-9").exists()
