"""The AppSpec kinds for Lambda and ECS: which function or service, and the functions that validate it. Pure.

Their keys may be written in small letters or not, as in AWS's own examples.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from labsupport.agent.appspec_reading import INVALID, AppspecError, Entry

LAMBDA_HOOKS = ("BeforeAllowTraffic", "AfterAllowTraffic")
ECS_HOOKS = ("BeforeInstall", "AfterInstall", "AfterAllowTestTraffic", "BeforeAllowTraffic", "AfterAllowTraffic")


@dataclass(frozen=True)
class Targets:
    """`name` is the resource's name in the file; `function` or `service` holds its properties, in AWS's spelling."""

    kind: str
    name: str
    function: dict[str, str] = field(default_factory=dict)
    service: dict[str, Any] = field(default_factory=dict)
    hooks: dict[str, str] = field(default_factory=dict)


def parse_targets(top: Entry) -> Targets:
    """Raises AppspecError."""
    top.known("version", "resources", "hooks")
    resources = top.listed("resources")
    if len(resources) != 1 or not isinstance(resources[0].value, dict) or len(resources[0].value) != 1:
        raise _invalid(top.get("resources") or top, "Its resources section must hold one resource")
    name, value = next(iter(resources[0].value.items()))
    resource = resources[0].at(name, value).folded()
    kind = resource.get("type")
    properties = resource.get("properties")
    if kind is None or properties is None or not isinstance(properties.value, dict):
        raise _invalid(resource, f"The resource {name} needs a Type and Properties")
    if kind.text() == "AWS::Lambda::Function":
        return Targets("lambda", name, function=_function(properties.folded()), hooks=_hooks(top, LAMBDA_HOOKS))
    if kind.text() == "AWS::ECS::Service":
        return Targets("ecs", name, service=_service(properties.folded()), hooks=_hooks(top, ECS_HOOKS))
    raise _invalid(kind, f"The type {kind.text()} is neither AWS::Lambda::Function nor AWS::ECS::Service")


def _invalid(entry: Entry, cause: str) -> AppspecError:
    return entry.error(f"{INVALID} {cause}")


def _required(entry: Entry, key: str, where: str) -> Entry:
    found = entry.get(key.lower())
    if found is None or found.value in ("", {}):
        raise _invalid(entry, f"{where} needs {key}")
    return found


def _function(entry: Entry) -> dict[str, str]:
    keys = ("Name", "Alias", "CurrentVersion", "TargetVersion")
    entry.known(*(key.lower() for key in keys))
    return {key: _required(entry, key, "A Lambda function").text() for key in keys}


def _service(entry: Entry) -> dict[str, Any]:
    entry.known(
        "taskdefinition", "loadbalancerinfo", "platformversion", "networkconfiguration", "capacityproviderstrategy"
    )
    balancer = _required(entry, "LoadBalancerInfo", "An ECS service").folded()
    port = _required(balancer, "ContainerPort", "LoadBalancerInfo")
    if not port.text().isdecimal() or not 0 < int(port.text()[:6]) < 65536:
        raise _invalid(port, f"ContainerPort must be a number from 1 to 65535, not {port.text()}")
    service: dict[str, Any] = {
        "TaskDefinition": _required(entry, "TaskDefinition", "An ECS service").text(),
        "LoadBalancerInfo": {
            "ContainerName": _required(balancer, "ContainerName", "LoadBalancerInfo").text(),
            "ContainerPort": int(port.text()),
        },
    }
    if version := entry.get("platformversion"):
        service["PlatformVersion"] = version.text()
    if network := entry.get("networkconfiguration"):
        service["NetworkConfiguration"] = {"AwsvpcConfiguration": _network(network.folded())}
    if strategy := entry.get("capacityproviderstrategy"):
        service["CapacityProviderStrategy"] = strategy.value
    return service


def _network(entry: Entry) -> dict[str, Any]:
    """All of the settings or none, as the reference says."""
    inner = _required(entry, "AwsvpcConfiguration", "NetworkConfiguration").folded()
    public = _required(inner, "AssignPublicIp", "AwsvpcConfiguration")
    if public.text() not in ("ENABLED", "DISABLED"):
        raise _invalid(public, f"AssignPublicIp must be ENABLED or DISABLED, not {public.text()}")
    lists = {}
    for key in ("Subnets", "SecurityGroups"):
        _required(inner, key, "AwsvpcConfiguration")
        lists[key] = [item.text() for item in inner.listed(key.lower())]
    return {**lists, "AssignPublicIp": public.text()}


def _hooks(top: Entry, events: tuple[str, ...]) -> dict[str, str]:
    hooks: dict[str, str] = {}
    for item in top.listed("hooks"):
        if not isinstance(item.value, dict):
            raise _invalid(item, "Each hook is a lifecycle event with the name of a Lambda function")
        for event, function in item.value.items():
            entry = item.at(event, function)
            if event not in events:
                raise _invalid(entry, f"Unknown lifecycle event {event}: it is one of {', '.join(events)}")
            if event in hooks or not isinstance(function, str) or not function:
                raise _invalid(entry, f"{event} takes the name of one Lambda function, not {json.dumps(function)}")
            hooks[event] = function
    return hooks
