"""The one error of the cloud: AWS's code, AWS's message."""

from typing import Any


class AwsError(Exception):
    """A refusal or failure as AWS reports it.

    `code` is the error's name in AWS's model (`RepositoryDoesNotExistException`), `status` its HTTP
    status (`None`: what the model says, or 400). `members` are the further members of the error's
    shape, such as `reason`. `decision` is how a refused call was decided (for `lab why`; never sent).
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        status: int | None = None,
        decision: dict[str, Any] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.decision = decision
        self.members = members
        self.headers: dict[str, str] = {}  # of the answer, where the service tells more by them (S3)


def not_simulated(what: str) -> AwsError:
    """An operation or option that AWS has and the lab has not: said, never a silent success."""
    return AwsError("NotSimulated", f"{what} exists at AWS and is not simulated by this lab yet.", 501)
