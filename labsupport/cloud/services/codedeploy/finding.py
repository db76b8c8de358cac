"""The instances of a deployment group, looked up in EC2 under the group's service role."""

from typing import Any, NamedTuple

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Role
from labsupport.cloud.core.ids import session_name
from labsupport.cloud.services.codedeploy.base import Group, Params

_STATES = ["pending", "running", "stopping", "stopped"]
_ROLE_ERRORS = (
    "does not give you permission to perform operations in the following AWS service: AmazonEC2. Contact your AWS "
    "administrator if you need help. If you are an AWS administrator, you can grant permissions to your users or "
    "groups by creating IAM policies."
)


class CannotDeploy(Exception):
    """A deployment cannot begin: the code and message of its error information."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Found(NamedTuple):
    id: str
    running: bool


def instances_of(call: Call, group: Group) -> list[Found]:
    """Raises CannotDeploy."""
    described = _describe(call, group.role, group.name, Filters=[{"Name": "instance-state-name", "Values": _STATES}])
    chosen = [one for one in described if _selected(group.settings, _tags(one))]
    return [Found(one["InstanceId"], one["State"]["Name"] in ("pending", "running")) for one in chosen]


def state_of(call: Call, role: str, instance_id: str) -> str:
    """An instance's state now; nothing if that cannot be found out."""
    try:
        found = _describe(call, role, instance_id, InstanceIds=[instance_id])
    except CannotDeploy:
        return ""
    return str(found[0]["State"]["Name"]) if found else "terminated"


def _describe(call: Call, role: str, session: str, **params: Any) -> list[Params]:
    client = call.aws("ec2", role=role, session=session_name(session))
    found: list[Params] = []
    token: Params = {}
    while True:
        try:
            page = client.describe_instances(**params, **token)
        except AwsError as error:
            raise _refused(call, role, error) from None
        found += [one for reservation in page["Reservations"] for one in reservation["Instances"]]
        if not page.get("NextToken"):
            return found
        token = {"NextToken": page["NextToken"]}


def _refused(call: Call, role: str, error: AwsError) -> CannotDeploy:
    known = call.store.get(Role, call.account, role.rsplit("/", 1)[-1])
    if known is None or known.arn != role:
        return CannotDeploy("IAM_ROLE_MISSING", f"The service role {role} does not exist.")
    if error.code == "AccessDenied":  # it cannot even be assumed
        message = f"AWS CodeDeploy does not have the permissions required to assume the role {role}."
        return CannotDeploy("IAM_ROLE_PERMISSIONS", message)
    if error.code == "UnauthorizedOperation":
        return CannotDeploy("IAM_ROLE_PERMISSIONS", f"The IAM role {role} {_ROLE_ERRORS}")
    return CannotDeploy("INTERNAL_ERROR", f"Amazon EC2 answered: {error.message or error.code}")


def _tags(instance: Params) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}


def _selected(settings: Params, tags: dict[str, str]) -> bool:
    """One filter of each group has to fit; a group without filters selects nothing."""
    groups = settings.get("ec2TagSet", {}).get("ec2TagSetList") or [settings.get("ec2TagFilters", [])]
    return all(any(_fits(one, tags) for one in group) for group in groups)


def _fits(given: Params, tags: dict[str, str]) -> bool:
    if given["Type"] == "KEY_ONLY":
        return given["Key"] in tags
    if given["Type"] == "VALUE_ONLY":
        return given["Value"] in tags.values()
    return tags.get(given["Key"]) == given["Value"]
