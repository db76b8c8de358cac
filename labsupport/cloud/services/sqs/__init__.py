"""Amazon Simple Queue Service: queues, their messages and who may use them."""

from labsupport.cloud.services.sqs import (
    dead_letters,
    handling,
    moving,
    permissions,
    queues,
    receiving,
    sending,
    tagging,
)
from labsupport.cloud.services.sqs.base import service

__all__ = ["dead_letters", "handling", "moving", "permissions", "queues", "receiving", "sending", "service", "tagging"]
