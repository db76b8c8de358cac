"""botocore's service models, without their documentation and decoded only as far as they are used.

EC2's model alone is four megabytes of JSON. Its documentation is cut from the bytes before they are
decoded, and operations and shapes stay JSON until somebody asks for one, so a service that answers a
few operations costs little memory and little time.
"""

import functools
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore
import msgspec
from botocore.model import OperationModel, ServiceModel

_DATA = Path(botocore.__file__).parent / "data"
_TEXT = rb'"documentation"\s*:\s*"[^"\\]*(?:\\.[^"\\]*)*"'
_DOCUMENTATION = re.compile(rb",\s*" + _TEXT + rb"|" + _TEXT + rb"\s*,?", re.DOTALL)


class _Names(msgspec.Struct):
    operations: dict[str, msgspec.Raw]


class _Model(msgspec.Struct):
    metadata: dict[str, Any]
    operations: dict[str, msgspec.Raw]
    shapes: dict[str, msgspec.Raw]


class _Extras(msgspec.Struct):
    merge: dict[str, dict[str, Any]]


class Lazy(Mapping[str, Any]):
    """A mapping whose values are JSON until they are looked up."""

    def __init__(self, raw: dict[str, msgspec.Raw], merge: dict[str, Any]) -> None:
        self._values: dict[str, Any] = dict(raw)
        self._merge = merge

    def __getitem__(self, name: str) -> Any:
        value = self._values[name]
        if type(value) is msgspec.Raw:
            value = self._values[name] = _merged(msgspec.json.decode(value), self._merge.get(name, {}))
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@functools.cache
def load(service: str) -> ServiceModel:
    """The newest model of a service by botocore's name for it. LookupError: botocore has no such service."""
    folder = _folder(service)
    model = msgspec.json.decode(_DOCUMENTATION.sub(b"", _read(folder)), type=_Model)
    merge = _extras(folder)
    description = {
        "metadata": model.metadata,
        "operations": Lazy(model.operations, merge.get("operations", {})),
        "shapes": Lazy(model.shapes, merge.get("shapes", {})),
    }
    loaded = ServiceModel(description, service)
    # botocore finds these by looking through all shapes, which would decode them all.
    vars(loaded)["error_shapes"] = [loaded.shape_for(name) for name, raw in model.shapes.items() if _is_error(raw)]
    return loaded


@functools.cache
def operation_names(service: str) -> frozenset[str]:
    """The names of all operations that a service has at AWS. Cheaper than `load`, and keeps nothing else."""
    return frozenset(msgspec.json.decode(_read(_folder(service)), type=_Names).operations)


def operation(service: str, name: str) -> OperationModel:
    """One operation's model, by botocore's names."""
    return load(service).operation_model(name)


def protocol_of(service: ServiceModel) -> str:
    """The protocol that botocore's own client speaks to this service, whatever the model names first."""
    return service.resolved_protocol


def _is_error(raw: msgspec.Raw) -> bool:
    return b'"exception":true' in bytes(raw) and bool(msgspec.json.decode(raw).get("exception"))


def _folder(service: str) -> Path:
    """The folder of the newest API version."""
    versions = sorted(_DATA.glob(f"{service}/*/service-2.json*")) if service.replace("-", "").isalnum() else []
    if not versions:
        raise LookupError(f"botocore has no model of a service named {service!r}.")
    return versions[-1].parent


def _read(folder: Path) -> bytes:
    packed = folder / "service-2.json.gz"
    if packed.exists():
        return zlib.decompress(packed.read_bytes(), wbits=31)
    return (folder / "service-2.json").read_bytes()


def _extras(folder: Path) -> dict[str, dict[str, Any]]:
    """What botocore's own loader lays over the model (S3's `Expires` is a timestamp there)."""
    path = folder / "service-2.sdk-extras.json"
    return msgspec.json.decode(path.read_bytes(), type=_Extras).merge if path.exists() else {}


def _merged(base: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    for name, value in extra.items():
        both = isinstance(value, dict) and isinstance(base.get(name), dict)
        base[name] = _merged(base[name], value) if both else value
    return base
