"""Batches: up to ten entries, each done or reported by itself."""

import re
from collections.abc import Callable, Iterator

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.sqs.base import Params

MOST = 10
# Its entries' errors are reported by the codes of the time when SQS spoke the query protocol.
_CODES = {
    "InvalidParameterValueException": "InvalidParameterValue",
    "MissingRequiredParameterException": "MissingParameter",
}


def entries_of(params: Params, shape: str) -> list[Params]:
    """The entries of a request, if it can be taken at all."""
    entries: list[Params] = params["Entries"]
    if not entries:
        raise AwsError("EmptyBatchRequest", f"There should be at least one {shape} in the request.")
    if len(entries) > MOST:
        message = f"Maximum number of entries per request are {MOST}. You have sent {len(entries)}."
        raise AwsError("TooManyEntriesInBatchRequest", message)
    for name in _names(entries):
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name):
            message = (
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most "
                "80 letters long."
            )
            raise AwsError("InvalidBatchEntryId", message)
    names = list(_names(entries))
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise AwsError("BatchEntryIdsNotDistinct", f"Id {repeated} repeated.")
    return entries


def _names(entries: list[Params]) -> Iterator[str]:
    return (entry["Id"] for entry in entries)


def each(entries: list[Params], do: Callable[[Params], Params]) -> Params:
    """What becomes of each entry. An error of KMS or a refusal is one of the whole request."""
    good: list[Params] = []
    bad: list[Params] = []
    for entry in entries:
        try:
            good.append({"Id": entry["Id"], **do(entry)})
        except AwsError as error:
            if error.code.startswith("Kms") or error.decision or (error.status or 400) >= 500:
                raise
            code = _CODES.get(error.code, error.code)
            bad.append({"Id": entry["Id"], "SenderFault": True, "Code": code, "Message": error.message})
    return {"Successful": good, "Failed": bad}
