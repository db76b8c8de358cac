"""The running cloud, as its rooms see it: settings, store, clock, services, and the way in for its own calls."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labsupport.cloud.core.clock import Clock
from labsupport.cloud.core.service import Service
from labsupport.cloud.store.store import Store

PARTITION = "aws"
HOME_REGION = "us-east-1"
FIRST_ACCOUNT = "123456789012"
SECOND_ACCOUNT = "210987654321"


@dataclass(slots=True)
class Settings:
    """`auth` is `enforce`, or `open` for other people's test suites: nothing is refused."""

    home: Path
    auth: str = "enforce"
    account: str = FIRST_ACCOUNT
    region: str = HOME_REGION
    host: str = "127.0.0.1"
    port: int = 0
    tls_port: int = 0

    @property
    def endpoint(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def secure_endpoint(self) -> str:
        """The same over TLS, under the certificate of the lab's own authority."""
        return f"https://{self.host}:{self.tls_port}"

    @property
    def open(self) -> bool:
        return self.auth == "open"


@dataclass(frozen=True, slots=True)
class WayIn:
    """The gateway's functions for calls that come from inside.

    `perform(call, operation, params)` runs an operation; `authorise(call, action, resource, context)`
    refuses with AWS's error or returns; `caller(access_key_id)` is who holds a key; `record(call, name,
    params, result, error)` notes in the trail what is no operation of a model (a git push);
    `held(store, holder)` are the policies that bear on a user, group or role, for the simulator.
    """

    perform: Callable[..., Any]
    authorise: Callable[..., None]
    caller: Callable[..., Any]
    record: Callable[..., None]
    held: Callable[..., Any]


@dataclass(slots=True)
class Cloud:
    """Everything that a call may need. `app.py` puts it together.

    `service` finds a service by botocore's name (`None`: the lab has none of that name).
    """

    settings: Settings
    store: Store
    clock: Clock
    service: Callable[[str], Service | None]
    service_names: tuple[str, ...]
    way_in: WayIn
    routes: dict[str, str] = field(default_factory=dict)  # path prefix -> the service that answers it itself
    browsers: str = ""  # the service that answers what browsers ask by themselves
    listeners: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # detail type -> who is told
    wake: Callable[[], None] = lambda: None  # tells the scheduler that jobs were put
    rooms: dict[str, Any] = field(default_factory=dict)  # what a service holds while the process runs, by service

    @property
    def home(self) -> Path:
        return self.settings.home
