"""Amazon EventBridge: events, rules that match them, targets that get them."""

from labsupport.cloud.services.events import delivery, rules, sending, targets
from labsupport.cloud.services.events.base import service

__all__ = ["delivery", "rules", "sending", "service", "targets"]
