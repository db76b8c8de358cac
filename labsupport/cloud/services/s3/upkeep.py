"""What a start finds left of uploads that were cut off."""

from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.services.s3 import content
from labsupport.cloud.services.s3.base import Object, Version, service
from labsupport.cloud.services.s3.uploads import Part


def at_start(cloud: Cloud) -> None:
    content.sweep(cloud.home, lambda: _used(cloud))


def _used(cloud: Cloud) -> set[str]:
    """The ids of all pieces that records name."""
    pieces = [piece for struct in (Object, Version) for one in cloud.store.list(struct) for piece in one.pieces]
    return {piece.id for piece in [*pieces, *(part.piece for part in cloud.store.list(Part))]}


service.at_start = at_start
