"""Archived objects: not to be read until they have been restored for a while.

User Guide: "Restoring an archived object". A restoration is a matter of times alone: when it is ready and until when,
by the lab's clock.
"""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.s3.base import OBJECT, Object, Params, service
from labsupport.cloud.services.s3.context import conditions
from labsupport.cloud.services.s3.dates import DAY, LATEST, to_midnight
from labsupport.cloud.services.s3.happenings import tell
from labsupport.cloud.services.s3.objects import found_object

_HOURS = {
    "GLACIER": {"Expedited": 0.05, "Standard": 4.0, "Bulk": 8.0},
    "DEEP_ARCHIVE": {"Standard": 12.0, "Bulk": 48.0},
}


@service.operation(on=OBJECT, context=conditions, data_event=True)
def restore_object(call: Call, params: Params) -> Params:
    wanted = params.get("RestoreRequest", {})
    bucket, found = found_object(call, params)
    if wanted.get("Type") == "SELECT" or "OutputLocation" in wanted:
        raise not_simulated("S3 Select on archived objects")
    if found.storage not in _HOURS:
        message = "Restore is not allowed for the object's current storage class"
        raise AwsError("InvalidObjectState", message, 403, StorageClass=found.storage)
    if wanted.get("Days", 0) < 1:
        raise AwsError("MalformedXML", "Days has to be a positive integer.", 400)
    if found.ready > call.epoch:
        raise AwsError("RestoreAlreadyInProgress", "Object restore is already in progress", 409)
    if found.until <= call.epoch:
        found.ready = call.epoch + 3600 * _hours(found, wanted)
        tell(call, bucket, "ObjectRestore:Post", found, {"size": found.size, "etag": found.etag})
    ends = max(found.ready, call.epoch) + wanted["Days"] * DAY
    found.until = min(ends + to_midnight(ends), LATEST)
    call.store.put(found)
    return {}


def _hours(found: Object, wanted: Params) -> float:
    tier = wanted.get("GlacierJobParameters", {}).get("Tier") or wanted.get("Tier") or "Standard"
    hours = _HOURS[found.storage].get(tier)
    if hours is None:
        message = f"Retrieval option {tier} is not supported by the storage class {found.storage}"
        raise AwsError("InvalidArgument", message, 400)
    return hours
