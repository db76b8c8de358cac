"""An exception in the middle of a check, told as a finding: whose it is decides the outcome."""

import traceback
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as CannotConnect

from labsupport.course.declare import Finding, Outcome
from labsupport.course.world import GitRefused, NoClone
from labsupport.home import Unreachable

DENIED = (
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "KMSAccessDeniedException",
)
BAD_KEYS = ("InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClientException", "SignatureDoesNotMatch",
            "AuthFailure", "ExpiredToken", "ExpiredTokenException", "InvalidSignatureException")  # fmt: skip
MISSING = ("NoSuch", "NotFound", "DoesNotExist", "NotExist")
COUNTS_NOT = "This does not count against you."


def finding_of(error: Exception) -> Finding:
    """What an expectation found whose look ended with an exception."""
    if isinstance(error, ClientError):
        return _answered(error)
    if isinstance(error, Unreachable):
        return Finding(Outcome.LAB_FAILED, str(error), "In a notebook: lab.start() starts the cloud. Nothing is lost.")
    if isinstance(error, HTTPClientError | CannotConnect | ConnectionError):
        return Finding(
            Outcome.LAB_FAILED,
            "The cloud does not answer any more.",
            "lab.start() in a notebook starts it again (in a terminal: lab serve). Nothing that it held is lost.",
        )
    if isinstance(error, NoClone | GitRefused):
        return Finding(Outcome.NOT_YET, str(error), "Clone the repository again, or: git status, in your clone.")
    return _of_the_lab(error)


def _answered(error: ClientError) -> Finding:
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    if code == "NotSimulated":
        return Finding(Outcome.LAB_FAILED, message, f"Nothing is wrong with your work. {COUNTS_NOT}")
    if status >= 500:
        return Finding(
            Outcome.LAB_FAILED,
            f"The cloud failed at {error.operation_name}: {code}: {message}",
            f"Check again; $LAB_HOME/logs/cloud.log says what happened. {COUNTS_NOT}",
        )
    if code in BAD_KEYS:
        return Finding(
            Outcome.LAB_FAILED,
            f"The cloud does not take the lab's own key any more ({code}: {message})",
            "Was the access key deleted or deactivated? aws iam list-access-keys --user-name learner --profile root",
        )
    if code in DENIED:
        return Finding(
            Outcome.NOT_RIGHT,
            f"Looking was refused: {message}",
            "A policy refuses what you could do at the start. lab why (in a notebook: lab.why()) says which statement.",
        )
    if any(part in code for part in MISSING) or "does not exist" in message:
        return Finding(Outcome.NOT_YET, message or code, "It is not there, or not any more: make it (again).")
    return _of_the_lab(error)


def _of_the_lab(error: Exception) -> Finding:
    """A mistake of the check itself, with the line that it happened in, for who mends it."""
    last = traceback.extract_tb(error.__traceback__)[-1:] or None
    where = f" ({Path(last[0].filename).name}, line {last[0].lineno})" if last else ""
    kind = "botocore" if isinstance(error, BotoCoreError) else type(error).__name__
    return Finding(
        Outcome.LAB_FAILED,
        f"The check itself went wrong: {kind}: {error}{where}",
        f"Nothing of yours is the cause that we know of: please report it. {COUNTS_NOT}",
    )
