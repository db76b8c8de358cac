"""The body that will run commands in containers: its place is here, and until it is built it says so."""

from labsupport.cloud.core.errors import not_simulated
from labsupport.cloud.runner.spec import Running, Spec


async def start(spec: Spec) -> Running:
    """Raises NotSimulated."""
    raise not_simulated(f"Running {spec.name or 'a command'} in a Docker container")
