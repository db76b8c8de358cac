"""An instance's body: a folder that is its root, and the processes that carry its id in their environment."""

import asyncio
import contextlib
import logging
import os
import shutil
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.runner import reap
from labsupport.cloud.runner.bodies import body
from labsupport.cloud.runner.spec import MARKER, Running, Spec
from labsupport.cloud.services.ec2.base import Instance

log = logging.getLogger("labsupport.cloud.ec2")

_PACKAGE = Path(__file__).resolve().parents[4]
_FOLDERS = (
    "etc/rc.d", "home/ec2-user", "opt/codedeploy-agent", "srv", "tmp", "var/lib/cloud",
    "var/log/aws/codedeploy-agent", "var/run",
)  # fmt: skip
_AGENT_PID = "opt/codedeploy-agent/state/.pid/codedeploy-agent.pid"
_GRACE = 2.0  # seconds that processes have to end by themselves


@dataclass
class Room:
    """What runs on the instances of this cloud, by instance; kept by `cloud.rooms`."""

    agents: dict[str, Running] = field(default_factory=dict)
    watchers: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    scripts: "dict[asyncio.Task[None], tuple[str, Running]]" = field(default_factory=dict)


def room(cloud: Cloud) -> Room:
    found: Room = cloud.rooms.setdefault("ec2", Room())
    return found


def root(cloud: Cloud, instance_id: str) -> Path:
    return cloud.home / "instances" / instance_id / "root"


def make(cloud: Cloud, instance: Instance) -> None:
    """The folder, private to the lab's owner; what is there already stays."""
    top = root(cloud, instance.id)
    top.parent.mkdir(parents=True, exist_ok=True)
    for private in (top.parent.parent, top.parent):
        private.chmod(0o700)
    for name in _FOLDERS:
        (top / name).mkdir(parents=True, exist_ok=True)
    (top / "etc" / "hostname").write_text(f"ip-{instance.address.replace('.', '-')}\n")


def remove(cloud: Cloud, instance_id: str) -> None:
    shutil.rmtree(cloud.home / "instances" / instance_id, ignore_errors=True)


def environment(cloud: Cloud, instance: Instance) -> dict[str, str]:
    """All that a process of the instance gets to know; of the lab's own environment only where programs are."""
    top, url = root(cloud, instance.id), cloud.settings.endpoint
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(top / "home" / "ec2-user"),
        "TMPDIR": str(top / "tmp"),
        "LANG": "C.UTF-8",
        "INSTANCE_ROOT": str(top),
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"{url}/_imds/{instance.secret}/",
        "AWS_ENDPOINT_URL": url,
        "AWS_DEFAULT_REGION": instance.region,
    }


async def start_agent(cloud: Cloud, instance: Instance) -> Running:
    """The CodeDeploy agent, as the image's boot would start it. Raises StartError."""
    spec = Spec(
        folder=root(cloud, instance.id) / "opt" / "codedeploy-agent",
        # -P: nothing is imported from the folder that it stands in
        argv=(sys.executable, "-P", "-m", "labsupport.agent"),
        run_id=instance.id,
        environment={**environment(cloud, instance), "PYTHONPATH": str(_PACKAGE), "PYTHONDONTWRITEBYTECODE": "1"},
        sink=partial(log.warning, "%s: %s", instance.id),
        name="The CodeDeploy agent",
    )
    return await body("process")(spec)


async def run_script(cloud: Cloud, instance: Instance, script: Path, output: str) -> None:
    """Start a script of the boot as the instance, and let it run; what it says goes to a file of the instance."""
    top = root(cloud, instance.id)
    spec = Spec(
        folder=top,
        argv=("/bin/sh", "-c", 'exec "$0" >>"$1" 2>&1 </dev/null', str(script), str(top / output)),
        run_id=instance.id,
        environment=environment(cloud, instance),
        sink=partial(log.warning, "%s: %s", instance.id),
        name=script.name,
    )
    running = await body("process")(spec)
    task = asyncio.get_running_loop().create_task(_wait(running))
    scripts = room(cloud).scripts
    scripts[task] = (instance.id, running)
    task.add_done_callback(lambda _: scripts.pop(task, None))


async def _wait(running: Running) -> None:
    await running.wait()


def agent_process(cloud: Cloud, instance_id: str) -> psutil.Process | None:
    """The agent that runs on an instance, started by this cloud or by an earlier one that was killed."""
    try:
        pid = int((root(cloud, instance_id) / _AGENT_PID).read_text())
        process = psutil.Process(pid)
        return process if lives(process) and process.environ().get(MARKER) == instance_id else None
    except (OSError, ValueError, psutil.Error):
        return None


def end_agent(process: psutil.Process) -> None:
    """End an agent with the scripts that it runs; services that they have started go on. Blocks."""
    with contextlib.suppress(psutil.Error):
        processes = [*process.children(recursive=True), process]
        reap.end(lambda: [one for one in processes if lives(one)], grace=0.0)


def lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


async def end_all(cloud: Cloud, instance_ids: list[str]) -> None:
    """End everything that runs on the instances, services included, whoever started it."""
    here = room(cloud)
    for one in instance_ids:
        watcher = here.watchers.pop(one, None)
        if watcher:
            watcher.cancel()
    # What this cloud has started is known by its session too: just begun, it does not show its environment yet.
    own = [agent for one in instance_ids if (agent := here.agents.pop(one, None))]
    own += [script for name, script in here.scripts.values() if name in instance_ids]
    await asyncio.gather(*(one.stop(_GRACE) for one in own))
    await asyncio.to_thread(reap.reap, instance_ids, _GRACE)
