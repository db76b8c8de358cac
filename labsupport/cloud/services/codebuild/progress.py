"""A build's way through its phases: each step is one transaction, and the events about it go with it."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.codebuild import events
from labsupport.cloud.services.codebuild.base import FAILED, SUCCEEDED, Build, PhaseRun

# These run where the build runs; each of them ends with a context, be it an empty one.
_INSIDE = ("DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD", "UPLOAD_ARTIFACTS", "FINALIZING")
_NOTHING = {"statusCode": "", "message": ""}


class PhaseError(Exception):
    """The phase that runs has failed: a context's status code and message.

    `inside` tells whether the build's own agent found that, which then writes it to the log as its own;
    `status` is the phase's.
    """

    def __init__(self, code: str, message: str, inside: bool = True, status: str = FAILED) -> None:
        self.code, self.message, self.inside, self.status = code, message, inside, status
        super().__init__(f"{code}: {message}")

    @property
    def context(self) -> dict[str, str]:
        return {"statusCode": self.code, "message": self.message}


def enter(call: Call, build: Build, phase: str) -> None:
    """Begin a phase; the one before has succeeded unless it was ended otherwise."""
    with call.transaction():
        _end(call, build, SUCCEEDED, None)
        build.phases.append(PhaseRun(type=phase, started=call.epoch))
        save(call, build)


def end(call: Call, build: Build, status: str, context: dict[str, str] | None = None) -> None:
    """End the phase that runs."""
    with call.transaction():
        _end(call, build, status, context)
        save(call, build)


def finish(call: Call, build: Build, status: str, context: dict[str, str] | None = None) -> None:
    """End the build, and the phase that runs with the same status."""
    with call.transaction():
        if context and build.phase.ended is not None:  # it happened between two phases
            build.phases.append(PhaseRun(type="FINALIZING", started=call.epoch))
        _end(call, build, status, context)
        build.phases.append(PhaseRun(type="COMPLETED", started=call.epoch))
        build.status, build.ended = status, call.epoch
        save(call, build)
        events.phase_changed(call, build, build.phase)
        events.build_changed(call, build)


def outcome(build: Build) -> str:
    """The status that a build has at the end of its phases."""
    return SUCCEEDED if all(phase.status in ("", SUCCEEDED) for phase in build.phases) else FAILED


def _end(call: Call, build: Build, status: str, context: dict[str, str] | None) -> None:
    phase = build.phase
    if phase.ended is not None:
        return
    phase.ended, phase.status = call.epoch, status
    if context or (status == SUCCEEDED and phase.type in _INSIDE):
        phase.contexts = [context or _NOTHING]
    events.phase_changed(call, build, phase)


def save(call: Call, build: Build) -> None:
    """Keep the build, and what others have noted in its record meanwhile."""
    current = call.store.get(Build, build.account, build.region, build.id)
    build.stop = build.stop or (current is not None and current.stop)
    call.store.put(build)
