"""The phases that a buildspec fills: their commands, one after another, in the build's shell."""

import re

from labsupport.cloud.runner.shell import Shell, open_shell
from labsupport.cloud.runner.spec import StartError
from labsupport.cloud.services.codebuild import progress
from labsupport.cloud.services.codebuild.base import FAILED, SUCCEEDED
from labsupport.cloud.services.codebuild.buildspec import PHASES, Buildspec, OnFailure, Phase
from labsupport.cloud.services.codebuild.progress import PhaseError
from labsupport.cloud.services.codebuild.run import Run

_TAIL = 50  # lines of a failed command's output that on-failure looks through
# Git asks a helper to `store` and `erase`, too, which the AWS CLI's does not take that option for.
_GIT_CONFIGURATION = """\
[credential]
\thelper = "!f() { test $1 != get || aws codecommit credential-helper get --ignore-host-check; }; f"
\tUseHttpPath = true
"""


async def open_build_shell(run: Run, buildspec: Buildspec, variables: dict[str, str]) -> Shell:
    """The one shell of a build; with version 0.1 of buildspecs each command gets its own."""
    home = run.folder / "home"
    if buildspec.env.git_credential_helper:
        (home / ".gitconfig").write_text(_GIT_CONFIGURATION)
    run.shell = await open_shell(
        run.source,
        variables,
        run.build.id,
        run.log.output,
        shell=buildspec.env.shell,
        keep=buildspec.version != "0.1",
        scratch=run.folder / "tmp",
    )
    return run.shell


async def run_phases(run: Run, shell: Shell, buildspec: Buildspec) -> bool:
    """All four phases, those without commands too. Whether the artifacts are to be uploaded.

    After a failed INSTALL or PRE_BUILD the build is over, after a failed BUILD it goes on ("Build phase
    transitions"), unless the phase's on-failure says otherwise.
    """
    for name in PHASES:
        phase = buildspec.phases.get(name) or Phase(name)
        progress.enter(run.call, run.build, name.upper())
        run.log.say(f"Entering phase {name.upper()}")
        error = await _run_phase(run, shell, phase)
        complete(run, error)
        if error is None:
            continue
        await shell.set("CODEBUILD_BUILD_SUCCEEDING", "0")
        action = phase.on_failure.action if phase.on_failure else ""
        if action == "ABORT" or (action != "CONTINUE" and name in ("install", "pre_build")):
            return False
    return True


def complete(run: Run, error: PhaseError | None) -> None:
    """End the phase that runs, in the log and in the build."""
    status = FAILED if error else SUCCEEDED
    code, message = (error.code, run.log.masked(error.message)) if error else ("", "")
    run.log.say(f"Phase complete: {run.build.phase.type} State: {status}")
    run.log.say(f"Phase context status code: {code} Message: {message}")
    run.log.flush()
    context = {"statusCode": code, "message": message} if error else None
    progress.end(run.call, run.build, status, context)


async def _run_phase(run: Run, shell: Shell, phase: Phase) -> PhaseError | None:
    """The commands, again where on-failure is RETRY and the error fits; then, in any case, the `finally` commands."""
    retry = phase.on_failure if phase.on_failure and phase.on_failure.action == "RETRY" else OnFailure("RETRY", 0)
    error, output = await _run_commands(run, shell, phase.commands)
    for number in range(1, retry.retries + 1):
        if error is None or not re.search(retry.pattern, "\n".join([error.message, *output])):
            break
        run.log.say(f"Retrying phase {phase.name.upper()}: attempt {number} of {retry.retries}")
        error, output = await _run_commands(run, shell, phase.commands)
    late, _ = await _run_commands(run, shell, phase.finally_commands)
    return error or late


async def _run_commands(run: Run, shell: Shell, commands: list[str]) -> tuple[PhaseError | None, list[str]]:
    for command in commands:
        error, output = await _run_command(run, shell, command)
        if error:
            return error, output
    return None, []


async def _run_command(run: Run, shell: Shell, command: str) -> tuple[PhaseError | None, list[str]]:
    run.log.say(f"Running command {command}")
    tail: list[str] = []

    def hand_on(line: str) -> None:
        run.log.output(line)
        tail.append(line)
        del tail[:-_TAIL]

    try:
        status = await shell.run(command, sink=hand_on)
    except StartError as error:
        message = f"Error while executing command: {command}. Reason: {error}"
        return PhaseError("COMMAND_EXECUTION_ERROR", message), tail
    run.log.output("")
    if status.ok:
        return None, tail
    run.log.say(f"Command did not exit successfully {command} exit status {status.code}")
    message = f"Error while executing command: {command}. Reason: exit status {status.code}"
    return PhaseError("COMMAND_EXECUTION_ERROR", message), tail
