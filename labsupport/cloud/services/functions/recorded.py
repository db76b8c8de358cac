"""How CloudTrail calls Lambda's operations: with the date of their API, `CreateFunction20150331`.

Lambda Developer Guide, "Logging AWS Lambda API calls using AWS CloudTrail", says that the name may include the date
and a version. Rules of EventBridge and searches of the trail have to know it.
"""

from functools import cache

from labsupport.cloud.core import model
from labsupport.cloud.services.functions.base import service

# Those of whose API there has been a second version.
_SECOND = {
    "AddPermission", "GetFunction", "GetFunctionConfiguration", "GetPolicy", "RemovePermission", "TagResource",
    "UntagResource", "UpdateFunctionCode", "UpdateFunctionConfiguration",
}  # fmt: skip


@cache
def event_name(operation: str) -> str:
    if operation == "Invoke":
        return operation
    date = model.operation(service.name, operation).http["requestUri"].split("/")[1].replace("-", "")
    return f"{operation}{date}{'v2' if operation in _SECOND else ''}"


service.event_name = event_name
