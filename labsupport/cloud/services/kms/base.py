"""Keys, their material and aliases as records, and what the topics of KMS share (AWS KMS API Reference)."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.service import Service
from labsupport.cloud.services.kms.specs import ENCRYPT, SYMMETRIC
from labsupport.cloud.store.record import record

Params = dict[str, Any]
service = Service("kms")
DAY = 86400


class Material(msgspec.Struct, kw_only=True):
    """One of the backing keys that a key has had; `sealed` is empty while imported material is gone."""

    id: str  # 64 hexadecimal digits
    sealed: bytes = b""  # under the home folder's key file
    made: float
    state: str = "CURRENT"  # NON_CURRENT, PENDING_ROTATION
    rotated: float | None = None  # when it became the current one; the first never did
    rotation: str = ""  # AUTOMATIC, ON_DEMAND
    description: str = ""
    expires: float | None = None


@record("kms.key", key=("account", "region", "id"))
class Key(msgspec.Struct, kw_only=True):
    account: str
    region: str
    id: str
    material: bytes = b""  # as it was kept before keys were rotated: becomes the first of `materials`
    materials: list[Material] = []  # oldest first
    public: bytes = b""  # of a key pair, DER
    spec: str = SYMMETRIC
    usage: str = ENCRYPT
    origin: str = "AWS_KMS"
    policy: str
    description: str = ""
    created: float
    state: str = "Enabled"
    deletion: float | None = None
    window: int = 0  # days, of a primary key that waits for the end of its replicas
    manager: str = "CUSTOMER"
    tags: dict[str, str] = {}
    rotation_days: int | None = None
    next_rotation: float | None = None
    on_demand: int = 0  # rotations asked for
    multi_region: str = ""  # PRIMARY, REPLICA
    primary_region: str = ""

    def __post_init__(self) -> None:
        if self.material:
            first = hashlib.sha256(self.id.encode()).hexdigest()
            self.materials, self.material = [Material(id=first, sealed=self.material, made=self.created)], b""

    @property
    def arn(self) -> str:
        return self.arn_in(self.region)

    def arn_in(self, region: str) -> str:
        """A multi-Region key differs in the Region only."""
        return f"arn:aws:kms:{region}:{self.account}:key/{self.id}"

    @property
    def symmetric(self) -> bool:
        """Whether it is a symmetric encryption key: those are rotated and take an encryption context."""
        return self.spec == SYMMETRIC

    @property
    def current(self) -> Material | None:
        return next((one for one in self.materials if one.state == "CURRENT"), None)


@record("kms.alias", key=("account", "region", "name"))
class Alias(msgspec.Struct, kw_only=True):
    account: str
    region: str
    name: str  # alias/shop
    target: str  # key id
    created: float
    updated: float

    @property
    def arn(self) -> str:
        return f"arn:aws:kms:{self.region}:{self.account}:{self.name}"


def time(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def not_found(what: str) -> AwsError:
    return AwsError("NotFoundException", what)


def validation(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def unsupported(message: str) -> AwsError:
    return AwsError("UnsupportedOperationException", message)


def bad_origin(key: Key) -> AwsError:
    return unsupported(f"{key.arn} origin is {key.origin} which is not valid for this operation.")


def bad_marker() -> AwsError:
    return AwsError("InvalidMarkerException", "The marker is not valid.")


def refuse_dry_run(params: Params) -> None:
    """A dry run ends here: everything has been checked, nothing was done."""
    if params.get("DryRun"):
        raise AwsError("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")
