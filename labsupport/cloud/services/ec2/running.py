"""Instances on their way from state to state, and their processes when the cloud starts and stops.

An orderly stop of the cloud is like the power going off in the machine room: all processes of the instances end, the
instances stay `running` in the records. When the cloud starts again they boot: their agents start, and
`/etc/rc.d/rc.local` runs where it is executable. As on any machine, a service that nothing starts at boot is gone until
the next deployment starts it. A cloud that was killed has not touched the instances: they are found and adopted.
"""

import asyncio
import logging
import os

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.runner.spec import StartError
from labsupport.cloud.services.ec2 import machine
from labsupport.cloud.services.ec2.base import Instance, Secret, change_state, service, shown
from labsupport.cloud.services.ec2.launching import user_data_of
from labsupport.cloud.store.jobs import Job

log = logging.getLogger("labsupport.cloud.ec2")

_AFTER_A_CRASH = 1.0  # seconds until an agent that ended by itself is started again
_LOOK = 5.0  # seconds between looks at an agent that is not a child of this process
_ENDING = {"stopping": "stopped", "shutting-down": "terminated"}


@service.task("advance")
async def advance(call: Call, instance_id: str) -> float | None:
    """Do what an instance's state asks for, until it has come to rest."""
    instance = call.store.get(Instance, call.account, call.region, instance_id)
    if instance is None:
        return None
    if instance.state in _ENDING:
        await _halt(call, instance)
        return None
    if instance.rebooting:
        await machine.end_all(call.cloud, [instance_id])
        with call.transaction():
            _update(call, instance_id, rebooting=False)
    if instance.state in ("pending", "running"):
        await _boot(call, instance)
    return None


def _update(call: Call, instance_id: str, **changes: object) -> Instance | None:
    """Set some fields of the record as it is now: it may have changed while this task waited."""
    current = call.store.get(Instance, call.account, call.region, instance_id)
    if current is not None:
        for name, value in changes.items():
            setattr(current, name, value)
        call.store.put(current)
    return current


async def _halt(call: Call, instance: Instance) -> None:
    await machine.end_all(call.cloud, [instance.id])
    terminated = instance.state == "shutting-down"
    if terminated:
        await asyncio.to_thread(machine.remove, call.cloud, instance.id)
    with call.transaction():
        current = call.store.get(Instance, call.account, call.region, instance.id)
        if current is None or current.state != instance.state:
            return  # somebody asked for something else meanwhile; that has woken this task again
        change_state(call, current, _ENDING[instance.state])
        if terminated:
            call.store.delete(Secret(secret=current.secret, account="", region="", instance=""))
            _forget_old(call)


def _forget_old(call: Call) -> None:
    for one in list(call.store.list(Instance, call.account, call.region)):
        if not shown(one, call.epoch):
            call.store.delete(one)


async def _boot(call: Call, instance: Instance) -> None:
    """Start the agent unless it runs, and at a first boot the user data."""
    cloud, url = call.cloud, call.cloud.settings.endpoint
    if instance.id in machine.room(cloud).watchers and instance.state == "running":
        return
    found = await asyncio.to_thread(machine.agent_process, cloud, instance.id)
    if found and instance.endpoint != url:
        await asyncio.to_thread(machine.end_agent, found)  # it knows an address at which nobody answers any more
        found = None
    try:
        if found is None:
            await _start(call, instance)
        else:
            _watch(call, instance.id, _until_gone(found))
    except (StartError, OSError) as error:
        log.exception("instance %s cannot boot", instance.id)
        _fail(call, instance, error)
        return
    with call.transaction():
        current = _update(call, instance.id, endpoint=url, booted=True)
        if current and current.state == "pending":
            change_state(call, current, "running")


async def _start(call: Call, instance: Instance) -> None:
    cloud = call.cloud
    await asyncio.to_thread(machine.make, cloud, instance)
    agent = await machine.start_agent(cloud, instance)
    machine.room(cloud).agents[instance.id] = agent
    _watch(call, instance.id, agent.wait())
    top = machine.root(cloud, instance.id)
    if not instance.booted and user_data_of(instance.user_data):
        script = top / "var/lib/cloud/user-data"
        script.write_text(user_data_of(instance.user_data), "utf-8", "surrogateescape")
        script.chmod(0o700)
        await machine.run_script(cloud, instance, script, "var/log/cloud-init-output.log")
    local = top / "etc/rc.d/rc.local"
    if os.access(local, os.X_OK):
        await machine.run_script(cloud, instance, local, "var/log/rc.local.log")


def _fail(call: Call, instance: Instance, error: Exception) -> None:
    """An instance that cannot boot is terminated, as AWS does with one that fails at its launch."""
    with call.transaction():
        current = call.store.get(Instance, call.account, call.region, instance.id)
        if current and current.state in ("pending", "running"):
            current.reason = ("Server.InternalError", f"Server.InternalError: {error}")
            current.transition = "Server.InternalError"
            change_state(call, current, "shutting-down")
            call.start("advance", instance.id)


def _watch(call: Call, instance_id: str, end: "asyncio.Future[object] | object") -> None:
    """Start the agent again when it ends by itself, as the machine's init would."""
    cloud, job = call.cloud, Job("ec2", "advance", call.account, call.region, instance_id)

    async def watch() -> None:
        await end  # type: ignore[misc]
        here = machine.room(cloud)
        here.agents.pop(instance_id, None)
        here.watchers.pop(instance_id, None)
        log.warning("the agent of %s has ended and is started again", instance_id)
        with cloud.store.transaction():
            cloud.store.jobs.put(job, cloud.clock.epoch() + _AFTER_A_CRASH)
        cloud.wake()

    machine.room(cloud).watchers[instance_id] = asyncio.get_running_loop().create_task(watch())


async def _until_gone(process: machine.psutil.Process) -> None:
    """A process that is not this one's child tells nobody that it ends."""
    while machine.lives(process):
        await asyncio.sleep(_LOOK)


def at_start(cloud: Cloud) -> None:
    """Let every instance come to rest again: adopted, booted, or on with what the last cloud had begun."""
    with cloud.store.transaction():
        for one in cloud.store.list(Instance):
            if one.state not in ("stopped", "terminated"):
                cloud.store.jobs.put(Job("ec2", "advance", one.account, one.region, one.id), cloud.clock.epoch())


async def at_stop(cloud: Cloud) -> None:
    await machine.end_all(cloud, [one.id for one in cloud.store.list(Instance) if one.state != "terminated"])
    scripts = list(machine.room(cloud).scripts)
    if scripts:
        await asyncio.wait(scripts)


service.at_start = at_start
service.at_stop = at_stop
