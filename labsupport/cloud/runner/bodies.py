"""The bodies that a command can run in, by name."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from labsupport.cloud.core.errors import not_simulated
from labsupport.cloud.runner import docker, process
from labsupport.cloud.runner.spec import Running, Spec

Body = Callable[[Spec], Awaitable[Running]]
BODIES: Mapping[str, Body] = MappingProxyType({"process": process.start, "docker": docker.start})


def body(name: str) -> Body:
    """The body of that name. Raises NotSimulated."""
    if name not in BODIES:
        raise not_simulated(f"Running commands by {name}")
    return BODIES[name]
