"""The agents that wait for a command: each instance's open poll, which a new command answers at once."""

import asyncio
from dataclasses import dataclass, field

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.services.codedeploy.base import Command

Host = tuple[str, str, str]  # account, region, instance


@dataclass
class Hosts:
    """One waiting poll for each instance, and when commands were last offered to it; kept by `cloud.rooms`.

    A cloud that starts anew has offered nothing yet: its predecessor's answers may have reached nobody.
    """

    waiting: dict[Host, asyncio.Event] = field(default_factory=dict)
    offered: dict[tuple[str, ...], float] = field(default_factory=dict)


def hosts(cloud: Cloud) -> Hosts:
    found: Hosts = cloud.rooms.setdefault("codedeploy.hosts", Hosts())
    return found


def offered_at(call: Call, command: Command) -> float:
    """When a command was last offered, in seconds since 1970; 0 if never."""
    return hosts(call.cloud).offered.get(_key(command), 0.0)


def note_offered(call: Call, command: Command) -> None:
    hosts(call.cloud).offered[_key(command)] = call.epoch


def forget_offered(call: Call, command: Command) -> None:
    hosts(call.cloud).offered.pop(_key(command), None)


def _key(command: Command) -> tuple[str, ...]:
    return command.account, command.region, command.instance, command.deployment, command.event


def wake_host(call: Call, instance: str) -> None:
    waiting = hosts(call.cloud).waiting.get((call.account, call.region, instance))
    if waiting:
        waiting.set()


def take_turn(call: Call, instance: str) -> asyncio.Event:
    """A poll begins to wait; one that was there before ends: its agent is gone, or asks twice."""
    key = (call.account, call.region, instance)
    wake_host(call, instance)
    fresh = hosts(call.cloud).waiting[key] = asyncio.Event()
    return fresh


def has_turn(call: Call, instance: str, mine: asyncio.Event) -> bool:
    return hosts(call.cloud).waiting.get((call.account, call.region, instance)) is mine


def give_up_turn(call: Call, instance: str, mine: asyncio.Event) -> None:
    if has_turn(call, instance, mine):
        del hosts(call.cloud).waiting[(call.account, call.region, instance)]
