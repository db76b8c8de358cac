"""Events that services publish, as EventBridge receives them (EventBridge User Guide: "Events")."""

from datetime import UTC, datetime
from typing import Any

import msgspec


class Event(msgspec.Struct, kw_only=True):
    id: str
    account: str
    region: str
    source: str  # aws.codecommit
    detail_type: str
    detail: dict[str, Any]
    resources: list[str]
    time: float


def envelope(event: Event) -> dict[str, Any]:
    """The JSON that rules match and targets get."""
    return {
        "version": "0",
        "id": event.id,
        "detail-type": event.detail_type,
        "source": event.source,
        "account": event.account,
        "time": datetime.fromtimestamp(event.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": event.region,
        "resources": event.resources,
        "detail": event.detail,
    }
