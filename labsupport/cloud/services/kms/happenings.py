"""What KMS does by itself: noted in the trail as a service's own event, and told to EventBridge."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.kms.base import Key


def happened(call: Call, key: Key, name: str, detail_type: str) -> None:
    """`name` is CloudTrail's (DeleteKey), `detail_type` EventBridge's (KMS Developer Guide: "Monitoring with Amazon
    EventBridge")."""
    call.resources = [key.arn]
    call.cloud.way_in.record(call, name, None, None, details={"keyId": key.id})
    call.emit(detail_type, {"key-id": key.id}, [key.arn])
