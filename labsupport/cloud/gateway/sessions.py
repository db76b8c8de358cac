"""What temporary credentials can't be used for, whatever policies say (IAM User Guide: "Compare AWS STS
credentials")."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError

_TO_ANYONE = "GetCallerIdentity"


def check(call: Call, operation: str) -> None:
    """Refuse what this kind of session cannot call.

    Sessions of users (GetSessionToken) call IAM only with MFA, and of STS only AssumeRole and GetCallerIdentity; those
    of federated users neither IAM nor STS but for GetCallerIdentity; those of roles don't make further users' sessions.
    """
    session = call.caller.session
    if session is None or call.cloud.settings.open or call.service.name not in ("iam", "sts"):
        return
    if call.service.name == "sts":
        if operation in _withheld(call):
            raise AwsError("AccessDenied", f"Cannot call {operation} with session credentials", 403)
    elif not (session.role or session.task_policy) and (session.federated or not session.mfa):
        raise AwsError("InvalidClientTokenId", "The security token included in the request is invalid", 403)


def _withheld(call: Call) -> set[str]:
    if call.caller.kind == "session":
        return {"GetSessionToken", "GetFederationToken"}
    allowed = {_TO_ANYONE} if call.caller.kind == "federated" else {_TO_ANYONE, "AssumeRole"}
    return set(call.service.operations) - allowed
