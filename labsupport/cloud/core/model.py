"""botocore's service models, which are this cloud's specification of every operation.

They are held without their documentation and decoded only as far as they are used.
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
_OWN = Path(__file__).parent / "models"  # protocols that AWS's agents speak and botocore does not ship
_TEXT = rb'"documentation"\s*:\s*"[^"\\]*(?:\\.[^"\\]*)*"'
_DOCUMENTATION = re.compile(rb",\s*" + _TEXT + rb"|" + _TEXT + rb"\s*,?", re.DOTALL)


# The order in which botocore picks one of the protocols that a model lists.
_PREFERRED = ("json", "rest-json", "rest-xml", "smithy-rpc-v2-cbor", "query", "ec2")


class _Outline(msgspec.Struct):
    metadata: dict[str, Any]
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
    """The newest model of a service by botocore's name for it. LookupError: there is no such service."""
    model = msgspec.json.decode(_DOCUMENTATION.sub(b"", _read(service)), type=_Model)
    merge = _extras(service)
    description = {
        "metadata": _merged(model.metadata, merge.get("metadata", {})),
        "operations": Lazy(model.operations, merge.get("operations", {})),
        "shapes": Lazy(model.shapes, merge.get("shapes", {})),
    }
    loaded = ServiceModel(description, service)
    # botocore finds these by looking through all shapes, which would decode them all.
    vars(loaded)["error_shapes"] = [loaded.shape_for(name) for name, raw in model.shapes.items() if _is_error(raw)]
    return loaded


@functools.cache
def operation(service: str, name: str) -> OperationModel:
    """One operation's model, by botocore's names."""
    return load(service).operation_model(name)


def operation_names(service: str) -> frozenset[str]:
    """The names of all operations that a service has at AWS. Cheaper than `load`, and keeps nothing else."""
    return _outline(service)[0]


def protocol_of(service: str) -> str:
    """The protocol that botocore's own client speaks to a service, whatever the model names first."""
    return _outline(service)[1]


def full_name(service: str) -> str:
    """A service's name in words: "AWS Key Management Service"."""
    return _outline(service)[2]


@functools.cache
def _outline(service: str) -> tuple[frozenset[str], str, str]:
    outline = msgspec.json.decode(_read(service), type=_Outline)
    listed = outline.metadata.get("protocols", [outline.metadata["protocol"]])
    protocol = next(name for name in _PREFERRED if name in listed)
    return frozenset(outline.operations), protocol, outline.metadata["serviceFullName"]


def _is_error(raw: msgspec.Raw) -> bool:
    return b'"exception"' in bytes(raw) and bool(msgspec.json.decode(raw).get("exception"))


@functools.cache
def _folder(service: str) -> Path:
    """The folder of the newest API version."""
    versions = sorted(_DATA.glob(f"{service}/*/service-2.json*")) if service.replace("-", "").isalnum() else []
    if not versions:
        raise LookupError(f"botocore has no model of a service named {service!r}.")
    return versions[-1].parent


def _read(service: str) -> bytes:
    own = _OWN / f"{service}.json"
    if own.exists():
        return own.read_bytes()
    packed = _folder(service) / "service-2.json.gz"
    return zlib.decompress(packed.read_bytes(), wbits=31) if packed.exists() else packed.with_suffix("").read_bytes()


def _extras(service: str) -> dict[str, dict[str, Any]]:
    """What botocore's own loader lays over the model (S3's `Expires` is a timestamp there), and what the lab does:
    the names and codes of the query protocol, which old clients of SQS speak and its model tells no more."""
    if (_OWN / f"{service}.json").exists():
        return {}
    own = _OWN / f"{service}.extras.json"
    path = own if own.exists() else _folder(service) / "service-2.sdk-extras.json"
    return msgspec.json.decode(path.read_bytes(), type=_Extras).merge if path.exists() else {}


def _merged(base: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    for name, value in extra.items():
        both = isinstance(value, dict) and isinstance(base.get(name), dict)
        base[name] = _merged(base[name], value) if both else value
    return base
