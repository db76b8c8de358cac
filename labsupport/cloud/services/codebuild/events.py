"""What CodeBuild tells EventBridge (User Guide: "Build notifications input format reference")."""

from typing import Any

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.codebuild import shown
from labsupport.cloud.services.codebuild.base import Build, PhaseRun, time

STATE, PHASE = "CodeBuild Build State Change", "CodeBuild Build Phase Change"


def build_changed(call: Call, build: Build) -> None:
    """The build has begun, or ended."""
    detail = {
        "build-status": build.status,
        **_common(build),
        "current-phase": build.phase.type,
        "current-phase-context": _context(build.phase),
        "version": "1",
    }
    call.emit(STATE, detail, [build.arn])


def phase_changed(call: Call, build: Build, phase: PhaseRun) -> None:
    """A phase is complete."""
    detail = {
        "completed-phase": phase.type,
        **_common(build),
        "completed-phase-status": phase.status or build.status,
        "completed-phase-context": _context(phase),
        "completed-phase-duration-seconds": phase.seconds,
        "completed-phase-start": _moment(phase.started),
        "completed-phase-end": _moment(phase.ended or phase.started),
        "version": "1",
    }
    call.emit(PHASE, detail, [build.arn])


def _common(build: Build) -> dict[str, Any]:
    return {"project-name": build.project, "build-id": build.arn, "additional-information": _additional(build)}


def _additional(build: Build) -> dict[str, Any]:
    described = shown.build(build)
    environment, version = described["environment"], described["sourceVersion"]
    return {
        "artifact": _artifact(build.artifacts),
        "cache": {"type": "NO_CACHE"},
        "environment": {
            "image": environment["image"],
            "privileged-mode": environment["privilegedMode"],
            "image-pull-credentials-type": environment["imagePullCredentialsType"],
            "compute-type": environment["computeType"],
            "type": environment["type"],
            "environment-variables": environment["environmentVariables"],
        },
        "timeout-in-minutes": described["timeoutInMinutes"],
        "queued-timeout-in-minutes": described["queuedTimeoutInMinutes"],
        "build-complete": described["buildComplete"],
        "build-number": build.number,
        "initiator": build.initiator,
        "build-start-time": _moment(build.started),
        "source": {name: build.settings["source"].get(name, "") for name in ("type", "location")},
        **({"source-version": version} if version else {}),
        "logs": _logs(build),
        "phases": [_phase(one) for one in build.phases],
    }


def _artifact(artifacts: dict[str, Any]) -> dict[str, str]:
    return {name.lower(): artifacts[name] for name in ("md5sum", "sha256sum", "location") if name in artifacts}


def _logs(build: Build) -> dict[str, str]:
    place = {"group-name": build.group, "stream-name": build.stream} if build.group else {}
    return {**place, "deep-link": shown.deep_link(build)}


def _phase(phase: PhaseRun) -> dict[str, Any]:
    begun = {"phase-type": phase.type, "start-time": _moment(phase.started)}
    if phase.ended is None:
        return begun
    ended = {"end-time": _moment(phase.ended), "duration-in-seconds": phase.seconds, "phase-status": phase.status}
    return {"phase-context": [_one_context(one) for one in phase.contexts], **begun, **ended}


def _context(phase: PhaseRun) -> str:
    return f"[{', '.join(map(_one_context, phase.contexts))}]"


def _one_context(context: dict[str, str]) -> str:
    return f"{context['statusCode']}: {context['message']}"


def _moment(epoch: float) -> str:
    """`Sep 1, 2017 4:12:29 PM`."""
    moment = time(epoch)
    return f"{moment:%b} {moment.day}, {moment.year} {moment.hour % 12 or 12}:{moment:%M:%S %p}" if moment else ""
