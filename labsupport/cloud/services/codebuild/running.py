"""The task that runs a build from the queue to its end, whatever happens to it on the way."""

import asyncio
import logging
import re
from typing import Any

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.runner import reap
from labsupport.cloud.runner.spec import StartError
from labsupport.cloud.services.codebuild import images, progress, shown
from labsupport.cloud.services.codebuild.artifacts import upload
from labsupport.cloud.services.codebuild.base import FAULT, STOPPED, TIMED_OUT, Build, service
from labsupport.cloud.services.codebuild.commands import complete, open_build_shell, run_phases
from labsupport.cloud.services.codebuild.environment import variables
from labsupport.cloud.services.codebuild.log import BuildLog
from labsupport.cloud.services.codebuild.progress import PhaseError
from labsupport.cloud.services.codebuild.queue import Queue, queue_of
from labsupport.cloud.services.codebuild.reading import choose_runtimes, read_buildspec, tell
from labsupport.cloud.services.codebuild.run import Run, in_thread, remove
from labsupport.cloud.services.codebuild.sources import download

log = logging.getLogger("labsupport.cloud.codebuild")

_INTERRUPTED = "The lab was stopped while this build ran. Start the build again."
_OVERDUE = {"statusCode": "BUILD_TIMED_OUT", "message": "Build has timed out. "}
_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@service.task("build")
async def run_build(call: Call, key: str) -> None:
    build = call.store.get(Build, call.account, call.region, key)
    if build is None:
        return
    run = Run(call, build, BuildLog(call.cloud.clock))
    try:
        if build.begun:
            await _end_interrupted(run)
        elif build.ended is None:
            await _run(run)
    finally:
        await _clean_up(run)


async def _end_interrupted(run: Run) -> None:
    """The lab was killed while the build ran: its processes are ended, and it says so."""
    if run.folder.exists():
        await in_thread(reap.reap, [run.build.id])
    if run.build.ended is not None:
        return  # only what it left had still to be cleared away
    if run.build.group:
        run.log.send = run.send
        run.log.say(_INTERRUPTED)
        run.log.flush()
    progress.finish(run.call, run.build, FAULT, {"statusCode": "INTERNAL_ERROR", "message": _INTERRUPTED})


async def _run(run: Run) -> None:
    """Let the build run until it ends by itself, is stopped, or is out of time."""
    queue = queue_of(run.call.cloud)
    work = asyncio.ensure_future(_perform(run, queue))
    end = asyncio.ensure_future(_ending(run, queue))
    try:
        await asyncio.wait([work, end], return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
        else:
            await _cancelled(work)
            _cut_short(run, end.result())
    except Exception as error:
        log.exception("build %s failed", run.build.id)
        message = f"The lab failed while it ran this build ({type(error).__name__}); its own log says where."
        progress.finish(run.call, run.build, FAULT, {"statusCode": "INTERNAL_ERROR", "message": message})
    finally:
        await _cancelled(work)
        await _cancelled(end)
        queue.leave(run.build.id)


async def _cancelled(task: "asyncio.Future[Any]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _ending(run: Run, queue: Queue) -> str:
    """Wait for StopBuild, or for one of the two timeouts."""
    clock, settings = run.call.cloud.clock, run.settings
    queued = settings.get("queuedTimeoutInMinutes", shown.QUEUED_TIMEOUT) * 60.0
    running = settings.get("timeoutInMinutes", shown.TIMEOUT) * 60.0
    stop = asyncio.ensure_future(_stop_asked(run))
    began = asyncio.ensure_future(queue.turn(run.build.id))
    overdue = asyncio.ensure_future(clock.sleep_until(run.build.started + queued))
    try:
        await asyncio.wait([stop, began, overdue], return_when=asyncio.FIRST_COMPLETED)
        if began.done() and not stop.done():
            overdue.cancel()
            overdue = asyncio.ensure_future(clock.sleep_until((run.began or clock.epoch()) + running))
            await asyncio.wait([stop, overdue], return_when=asyncio.FIRST_COMPLETED)
        return STOPPED if stop.done() else TIMED_OUT
    finally:
        for waiting in (stop, began, overdue):
            waiting.cancel()


async def _stop_asked(run: Run) -> None:
    signal = run.call.signal or asyncio.Event()
    while not _stop_noted(run):
        await signal.wait()
        signal.clear()


def _stop_noted(run: Run) -> bool:
    build = run.build
    current = run.call.store.get(Build, build.account, build.region, build.id)
    return current is None or current.stop


def _cut_short(run: Run, status: str) -> None:
    if run.build.ended is not None:
        return
    context = _OVERDUE if status == TIMED_OUT else None
    run.log.say(f"Phase complete: {run.build.phase.type} State: {status}")
    if context:
        run.log.say(f"Phase context status code: {context['statusCode']} Message: {context['message']}")
    run.log.flush()
    progress.finish(run.call, run.build, status, context)


async def _perform(run: Run, queue: Queue) -> None:
    """The phases one after another."""
    try:
        await _wait_in_queue(run, queue)
        progress.enter(run.call, run.build, "PROVISIONING")
        _provision(run)
    except PhaseError as error:
        progress.end(run.call, run.build, error.status, error.context)
        progress.finish(run.call, run.build, progress.outcome(run.build))
        return
    if await _inside(run):
        await _upload_artifacts(run)
    _finalize(run)


async def _wait_in_queue(run: Run, queue: Queue) -> None:
    await queue.turn(run.build.id)
    run.began = run.call.cloud.clock.epoch()
    try:
        run.assume()
    except AwsError as error:
        message = f"CodeBuild is not authorized to perform: sts:AssumeRole on {run.settings['serviceRole']}"
        raise PhaseError("ACCESS_DENIED", f"{message}. Error message: {error.message}", status="CLIENT_ERROR") from None
    run.build.begun = True
    _open_log(run)


def _open_log(run: Run) -> None:
    """Make the stream, and the group where there is none yet, under the service role.

    A role that may not do so fails the build while it is queued, as at AWS.
    """
    build, config = run.build, run.settings.get("logsConfig", {}).get("cloudWatchLogs", {})
    if config.get("status", "ENABLED") != "ENABLED":
        return
    group = config.get("groupName") or f"/aws/codebuild/{build.project}"
    stream = f"{config['streamName']}/{build.uuid}" if config.get("streamName") else build.uuid
    try:
        _make_stream(run, group, stream)
    except AwsError as error:
        message = (
            f"Service role {run.settings['serviceRole']} does not allow AWS CodeBuild to create Amazon CloudWatch Logs "
            f"log streams for build {build.arn}. Error message: {error.message}"
        )
        raise PhaseError("ACCESS_DENIED", message, status="CLIENT_ERROR") from None
    build.group, build.stream = group, stream
    run.log.send = run.send
    run.log.hide([run.credentials["SecretAccessKey"], run.credentials["SessionToken"]])


def _make_stream(run: Run, group: str, stream: str) -> None:
    logs = run.client("logs")
    try:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    except AwsError as error:
        if error.code == "ResourceAlreadyExistsException":  # the lab was stopped right here before
            return
        if error.code != "ResourceNotFoundException":
            raise
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName=stream)


def _provision(run: Run) -> None:
    image = run.settings["environment"]["image"]
    if images.is_unknown(image):
        message = (
            f"Unable to pull customer's container image. CannotPullContainerError: {image} is not among the images "
            "that CodeBuild provides"
        )
        raise PhaseError("BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE", message, status="CLIENT_ERROR")
    for name in ("home", "tmp"):
        (run.folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    run.log.say("Running on CodeBuild On-demand")
    run.log.say(f"The commands run with this machine's tools, in place of the image {image}")
    run.log.say("Waiting for agent ping")
    run.log.say("Waiting for DOWNLOAD_SOURCE")


async def _inside(run: Run) -> bool:
    """From the sources to the last command. Whether the artifacts are to be uploaded."""
    progress.enter(run.call, run.build, "DOWNLOAD_SOURCE")
    try:
        await _prepare(run)
    except PhaseError as error:
        if error.inside:
            complete(run, error)
        else:
            run.log.add(run.log.masked(error.message))
            progress.end(run.call, run.build, error.status, error.context)
        return False
    complete(run, None)
    if run.shell is None or run.buildspec is None:
        return False
    going_on = await run_phases(run, run.shell, run.buildspec)
    names = [name for name in run.buildspec.env.exported_variables if _VARIABLE.fullmatch(name)]
    run.build.exported = await run.shell.variables(names) if names else {}
    return going_on


async def _prepare(run: Run) -> None:
    await download(run)
    run.log.say("Phase is DOWNLOAD_SOURCE")
    for name, folder in run.sources.items():
        run.log.say(f"CODEBUILD_SRC_DIR{'_' + name if name else ''}={folder}")
    run.buildspec = await read_buildspec(run)
    run.log.say("Processing environment variables")
    found = await variables(run, run.buildspec.env)
    choose_runtimes(run, run.buildspec, found)
    run.log.say(f"Moving to directory {run.source}")
    try:
        await open_build_shell(run, run.buildspec, found)
    except (AwsError, StartError) as error:
        message = error.message if isinstance(error, AwsError) else str(error)
        raise PhaseError("CLIENT_ERROR", message) from None
    run.log.say("Registering with agent")
    tell(run, run.buildspec)


async def _upload_artifacts(run: Run) -> None:
    progress.enter(run.call, run.build, "UPLOAD_ARTIFACTS")
    error = None
    if run.shell and run.buildspec:
        try:
            await upload(run, run.shell, run.buildspec)
        except PhaseError as failed:
            error = failed
    complete(run, error)


def _finalize(run: Run) -> None:
    progress.enter(run.call, run.build, "FINALIZING")
    run.log.flush()
    context = None
    if run.log.refused:
        context = {"statusCode": run.log.refused.code, "message": run.log.refused.message}
    progress.end(run.call, run.build, "SUCCEEDED", context)
    progress.finish(run.call, run.build, progress.outcome(run.build))


async def _clean_up(run: Run) -> None:
    """End all that the commands have left running, and remove the folder."""
    run.log.flush()
    if run.shell:
        await run.shell.stop()
    await in_thread(remove, run.folder)
