"""Service-linked roles as other services need them: made in the caller's name, who has to be allowed to."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Role


def ensure(call: Call, principal: str, name: str, refused: str) -> None:
    """The role AWSServiceRoleFor`name` of the caller's account, which is made where it is not there yet.

    `refused` is the code of the error of who lacks iam:CreateServiceLinkedRole.
    """
    if call.store.get(Role, call.account, f"AWSServiceRoleFor{name}") is not None:
        return
    try:
        call.aws("iam").create_service_linked_role(AWSServiceName=principal)
    except AwsError as error:
        if error.code == "AccessDenied":
            raise AwsError(refused, error.message, decision=error.decision) from None
        raise
