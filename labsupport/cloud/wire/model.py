"""The models, by the names that this room goes by; they are loaded in `core`, since services need them too."""

from botocore.model import ServiceModel

from ..core.model import load, operation, operation_names

__all__ = ["load", "operation", "operation_names", "protocol_of"]


def protocol_of(service: ServiceModel) -> str:
    """The protocol that botocore's own client speaks to this service, whatever the model names first."""
    return service.resolved_protocol
