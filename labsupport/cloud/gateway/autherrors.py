"""How AWS refuses a caller: one table of codes, wordings and HTTP statuses for each family of services.

The families are those that differ in their answers: `json` (CodeCommit, KMS and the other services with
AWS's JSON protocol), `query` (IAM, STS, SNS, CloudFormation), `s3` and `ec2`.
AWS documents the codes under "Common Error Types" and, for EC2 and S3, under "Error codes".
"""

from typing import Any, Literal, NamedTuple

from labsupport.cloud.core.errors import AwsError

Family = Literal["json", "query", "s3", "ec2"]
Kind = Literal["missing", "incomplete", "mismatch", "unknown key", "expired token", "invalid token"]


class Refusal(NamedTuple):
    """What a service of one family says to one kind of failure."""

    code: str
    message: str
    status: int


_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
    "Key and signing method. Consult the service documentation for details."
)
_S3_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)
_MISSING = "Request is missing Authentication Token"
_INCOMPLETE = "The request signature does not conform to AWS standards."
_INVALID = "The security token included in the request is invalid."
_EXPIRED = "The security token included in the request is expired"
_NOT_VALIDATED = "AWS was not able to validate the provided access credentials"

# The JSON services answer 400 throughout, the query services mostly 403, EC2 401.
REFUSALS: dict[Kind, dict[Family, Refusal]] = {
    "missing": {
        "json": Refusal("MissingAuthenticationTokenException", _MISSING, 400),
        "query": Refusal("MissingAuthenticationToken", _MISSING, 403),
        "s3": Refusal("AccessDenied", "Access Denied", 403),
        "ec2": Refusal("MissingParameter", "The request must contain the parameter AWSAccessKeyId", 400),
    },
    "incomplete": {
        "json": Refusal("IncompleteSignatureException", _INCOMPLETE, 400),
        "query": Refusal("IncompleteSignature", _INCOMPLETE, 400),
        "s3": Refusal("AuthorizationHeaderMalformed", "The authorization header is malformed", 400),
        "ec2": Refusal("IncompleteSignature", _INCOMPLETE, 400),
    },
    "mismatch": {
        "json": Refusal("InvalidSignatureException", _MISMATCH, 400),
        "query": Refusal("SignatureDoesNotMatch", _MISMATCH, 403),
        "s3": Refusal("SignatureDoesNotMatch", _S3_MISMATCH, 403),
        "ec2": Refusal("AuthFailure", _NOT_VALIDATED, 401),
    },
    "unknown key": {
        "json": Refusal("UnrecognizedClientException", _INVALID, 400),
        "query": Refusal("InvalidClientTokenId", _INVALID, 403),
        "s3": Refusal("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403),
        "ec2": Refusal("AuthFailure", _NOT_VALIDATED, 401),
    },
    "expired token": {
        "json": Refusal("ExpiredTokenException", _EXPIRED, 400),
        "query": Refusal("ExpiredToken", _EXPIRED, 403),
        "s3": Refusal("ExpiredToken", "The provided token has expired.", 400),
        "ec2": Refusal("RequestExpired", "Request has expired.", 400),
    },
    "invalid token": {
        "json": Refusal("UnrecognizedClientException", _INVALID, 400),
        "query": Refusal("InvalidClientTokenId", _INVALID, 403),
        "s3": Refusal("InvalidToken", "The provided token is malformed or otherwise invalid.", 400),
        "ec2": Refusal("AuthFailure", _NOT_VALIDATED, 401),
    },
}


def refusal(kind: Kind, family: Family, message: str = "", **members: Any) -> AwsError:
    """The error of a family for one kind of failure; `message` in place of the usual wording."""
    code, usual, status = REFUSALS[kind][family]
    return AwsError(code, message or usual, status, **members)


def missing_token(family: Family) -> AwsError:
    """A request that names no caller, sent to an operation that needs one."""
    return refusal("missing", family)


def unknown_key(family: Family, access_key_id: str) -> AwsError:
    """An access key id that nobody has, or that is inactive."""
    members = {"AWSAccessKeyId": access_key_id} if family == "s3" else {}
    return refusal("unknown key", family, **members)


def expired_token(family: Family, token: str = "") -> AwsError:
    """A session whose time is over. S3 checks this before the signature, so the gateway may too."""
    return refusal("expired token", family, **({"Token-0": token} if family == "s3" and token else {}))


def invalid_token(family: Family, token: str = "") -> AwsError:
    """A session token that doesn't belong to the key, is missing beside it, or comes with a long-term key."""
    return refusal("invalid token", family, **({"Token-0": token} if family == "s3" and token else {}))
