"""The agent's way: poll for a command, fetch the specification, acknowledge, work, report; and all over again."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from labsupport.agent import diagnostics, specification
from labsupport.agent.calls import ServiceError
from labsupport.agent.commands import Agent, execute, is_noop
from labsupport.agent.diagnostics import AFTER_RESTART, UNKNOWN, CommandError
from labsupport.agent.envelope import NoContent
from labsupport.agent.metadata import NoCredentials
from labsupport.agent.specification import BadSpecification
from labsupport.agent.tracking import Tracking
from labsupport.agent.transport import Unreachable

_POLL_TIMEOUT = 60.0  # seconds; the service answers a poll after twenty at the latest
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between tries that fail
_INSIST_FOR = 3600.0  # seconds for which a call is tried again while nobody answers
LONELY = 900.0  # seconds without any answer after which an idle agent ends: a cloud that comes back starts it again
Trouble = (ServiceError, NoCredentials, *Unreachable)


@dataclass
class Poller:
    """`busy` are the commands that are being worked on: the service may offer one twice. `belongs` tells whether the
    instance is still there."""

    agent: Agent
    host: str
    tracking: Tracking
    belongs: Callable[[], bool] = lambda: True
    busy: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until `stopping` is set, the instance is gone, or nobody has answered for long."""
        self.answer_for_interrupted()
        pause, heard = _FIRST_PAUSE, time.monotonic()
        while not self.stopping.is_set() and self.belongs():
            begun = time.monotonic()
            if begun - heard > LONELY and not self.busy:
                self.agent.journal.warn(f"Nobody has answered for {LONELY:.0f} seconds: the agent ends")
                return
            try:
                command = self.poll()
            except Trouble as error:
                self.agent.journal.error(f"Error polling for host commands: {type(error).__name__} - {error}")
                heard = heard if isinstance(error, Unreachable) else time.monotonic()
                self.stopping.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE if isinstance(error, NoCredentials | ServiceError) else 1.0)
                continue
            pause, heard = _FIRST_PAUSE, time.monotonic()
            if command:
                self.take(command)
            elif time.monotonic() - begun < 1:
                self.stopping.wait(_FIRST_PAUSE)  # it has answered at once, perhaps because it is about to stop

    def poll(self) -> dict[str, Any] | None:
        answer = self.agent.services.command("PollHostCommand", _POLL_TIMEOUT, HostIdentifier=self.host)
        command = answer.get("HostCommand")
        if command and command.get("HostIdentifier") != self.host:
            raise ServiceError("Mismatch", f"Host Identifier mismatch: {self.host} != {command['HostIdentifier']}", 200)
        return command or None

    def take(self, command: dict[str, Any]) -> None:
        """Work on a command in a thread of its own: another deployment's may come meanwhile."""
        name = command["HostCommandIdentifier"]
        with self.lock:
            if name in self.busy:
                return
            self.busy.add(name)
        threading.Thread(target=self.work, args=(command,), daemon=True).start()

    def work(self, command: dict[str, Any]) -> None:
        journal, name = self.agent.journal, command["HostCommandIdentifier"]
        try:
            self.do(command)
        except Trouble as error:
            journal.error(f"{command['CommandName']} was not begun: {type(error).__name__} - {error}")
        finally:
            with self.lock:
                self.busy.discard(name)

    def do(self, command: dict[str, Any]) -> None:
        name, event = command["HostCommandIdentifier"], command["CommandName"]
        try:
            spec = self.specification(command)
        except (BadSpecification, NoContent) as error:
            self.report(name, "Failed", diagnostics.failure(CommandError(UNKNOWN, str(error))))
            return
        self.tracking.begin(spec.deployment, name)
        if self.acknowledge(name, is_noop(self.agent, event, spec)):
            self.finish(name, event, spec)
        self.tracking.end(spec.deployment)

    def finish(self, name: str, event: str, spec: specification.Specification) -> None:
        self.agent.journal.info(f"{event} of deployment {spec.deployment} begins")
        try:
            log = execute(self.agent, event, spec)
        except Exception as error:  # whatever it is, somebody waits to be told
            known = error if isinstance(error, CommandError) else CommandError(UNKNOWN, str(error))
            self.agent.journal.error(f"{event} of deployment {spec.deployment} failed: {known.message}")
            self.report(name, "Failed", diagnostics.failure(known))
        else:
            self.agent.journal.info(f"{event} of deployment {spec.deployment} succeeded")
            self.report(name, "Succeeded", diagnostics.success(log))

    def specification(self, command: dict[str, Any]) -> specification.Specification:
        params = {"DeploymentExecutionId": command["DeploymentExecutionId"], "HostIdentifier": self.host}
        answer = self.insist("GetDeploymentSpecification", params)
        if answer.get("DeploymentSystem") != "CodeDeploy":
            raise BadSpecification(f"Deployment System mismatch: CodeDeploy != {answer.get('DeploymentSystem')}")
        return specification.read((answer.get("DeploymentSpecification") or {}).get("GenericEnvelope") or {})

    def acknowledge(self, name: str, noop: bool) -> bool:
        """Whether the command is still wanted."""
        note = {"Format": "JSON", "Payload": f'{{"IsCommandNoop": {str(noop).lower()}}}'}
        answer = self.insist("PutHostCommandAcknowledgement", {"HostCommandIdentifier": name, "Diagnostics": note})
        return answer.get("CommandStatus") not in ("Succeeded", "Failed")

    def report(self, name: str, status: str, found: dict[str, str]) -> None:
        """Tell how a command ended."""
        params = {"HostCommandIdentifier": name, "CommandStatus": status, "Diagnostics": found}
        try:
            self.insist("PutHostCommandComplete", params)
        except Trouble as error:
            self.agent.journal.error(f"PutHostCommandComplete was refused: {type(error).__name__} - {error}")

    def insist(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Call as often as it takes while nobody answers: the service may be away for a while."""
        pause, until = _FIRST_PAUSE, time.monotonic() + _INSIST_FOR
        while True:
            try:
                return self.agent.services.command(operation, **params)
            except (ServiceError, *Unreachable) as error:
                refused = isinstance(error, ServiceError) and error.status < 500
                if refused or time.monotonic() > until or self.stopping.is_set():
                    raise
                self.agent.journal.warn(f"{operation} did not arrive: {type(error).__name__} - {error}")
            self.stopping.wait(pause)
            pause = min(pause * 2, 1.0)

    def answer_for_interrupted(self) -> None:
        """Commands that an agent before this one began cannot be gone on with: half of a script may have run."""
        for deployment, name in self.tracking.interrupted():
            self.agent.journal.warn(f"A command of deployment {deployment} was interrupted; it is reported as failed")
            text = "Failed: Failing in-progress lifecycle event after an agent restart."
            self.report(name, "Failed", diagnostics.failure(CommandError(AFTER_RESTART, text)))
            self.tracking.end(deployment)
