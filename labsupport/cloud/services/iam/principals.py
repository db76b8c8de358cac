"""Trust policies: kept with the unique ids of those they name, and shown with their ARNs."""

from labsupport.cloud.core import principals
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.policy import document
from labsupport.cloud.services.iam.base import check_size, encoded

LARGEST = 2048  # characters


def checked_trust(call: Call, text: str) -> str:
    """A role's trust policy, as it is kept. MalformedPolicyDocument says what is wrong with it."""
    document.parse(text, "trust")
    check_size(text, LARGEST, "ACLSizePerRole")
    try:
        return principals.stored(call.store, text)
    except principals.Nobody as nobody:
        message = f'Invalid principal in policy: "AWS":"{nobody.name}"'
        raise AwsError("MalformedPolicyDocumentException", message, 400) from None


def shown_trust(call: Call, text: str) -> str:
    return encoded(principals.shown(call.store, text))
