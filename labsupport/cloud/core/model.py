"""botocore's service models, which are this cloud's specification of every operation."""

import gzip
from functools import cache
from pathlib import Path
from typing import Any

import botocore
import msgspec
from botocore.model import ServiceModel

_DATA = Path(botocore.__file__).parent / "data"
_OWN = Path(__file__).parent / "models"  # protocols that AWS's agents speak and botocore does not ship


@cache
def load(service: str) -> ServiceModel:
    """The newest model of a service (botocore's name), without its documentation, which is most of its size."""
    return ServiceModel(_without_documentation(msgspec.json.decode(_read(service))), service)


@cache
def operation_names(service: str) -> frozenset[str]:
    return frozenset(load(service).operation_names)


# The order in which botocore picks one of the protocols that a model lists.
_PREFERRED = ("json", "rest-json", "rest-xml", "smithy-rpc-v2-cbor", "query", "ec2")


@cache
def protocol_of(service: str) -> str:
    """The protocol that clients speak to a service."""
    metadata = load(service).metadata
    listed = metadata.get("protocols", [metadata["protocol"]])
    return next(name for name in _PREFERRED if name in listed)


def _read(service: str) -> bytes:
    own = _OWN / f"{service}.json"
    if own.exists():
        return own.read_bytes()
    newest = max((_DATA / service).iterdir())
    packed = newest / "service-2.json.gz"
    return gzip.decompress(packed.read_bytes()) if packed.exists() else (newest / "service-2.json").read_bytes()


def _without_documentation(node: Any) -> Any:
    if isinstance(node, dict):
        node.pop("documentation", None) if isinstance(node.get("documentation"), str) else None
        for value in node.values():
            _without_documentation(value)
    elif isinstance(node, list):
        for value in node:
            _without_documentation(value)
    return node
