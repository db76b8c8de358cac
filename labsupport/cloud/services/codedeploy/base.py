"""Applications, deployment groups and deployments as records (CodeDeploy API Reference)."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from labsupport.cloud.core import tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.service import Service
from labsupport.cloud.store.record import record

Params = dict[str, Any]
service = Service("codedeploy")

APPLICATION = "arn:{partition}:codedeploy:{region}:{account}:application:{applicationName}"
GROUP = "arn:{partition}:codedeploy:{region}:{account}:deploymentgroup:{applicationName}/{deploymentGroupName}"
CONFIG = "arn:{partition}:codedeploy:{region}:{account}:deploymentconfig:{deploymentConfigName}"

PAGE = 100  # CodeDeploy's listings have no size to ask for
ENDED = ("Succeeded", "Failed", "Stopped")
EVENTS = (  # in the order of an in-place deployment without a load balancer
    "ApplicationStop",
    "DownloadBundle",
    "BeforeInstall",
    "Install",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
)


@record("codedeploy.application", key=("account", "region", "name"))
class Application(msgspec.Struct, kw_only=True):
    account: str
    region: str
    name: str
    id: str
    created: float
    tags: dict[str, str] = {}


@record("codedeploy.group", key=("account", "region", "application", "name"))
class Group(msgspec.Struct, kw_only=True):
    """`settings` are the members of DeploymentGroupInfo that were given as they are shown again."""

    account: str
    region: str
    application: str
    name: str
    id: str
    config: str
    role: str
    settings: Params = {}
    revision: Params = {}  # of the last successful deployment
    attempted: str = ""  # deployment ids
    succeeded: str = ""
    tags: dict[str, str] = {}


@record("codedeploy.deployment", key=("account", "region", "id"))
class Deployment(msgspec.Struct, kw_only=True):
    """`minimum` is how many instances have to stay healthy, of those that the deployment began with."""

    account: str
    region: str
    id: str
    application: str
    group: str
    group_id: str
    role: str
    config: str
    revision: Params
    previous: Params = {}
    description: str = ""
    creator: str = "user"
    status: str = "Created"
    error: Params = {}
    created: float
    started: float | None = None
    completed: float | None = None
    minimum: int = 0
    targets: int = 0
    ignore_stop: bool = False
    file_exists: str = ""
    rollback: Params = {}  # AutoRollbackConfiguration
    rollback_info: Params = {}
    style: Params = {}
    stopping: bool = False
    triggers: list[Params] = []

    @property
    def ended(self) -> bool:
        return self.status in ENDED


class Event(msgspec.Struct, kw_only=True):
    """One lifecycle event on one instance."""

    name: str
    status: str = "Pending"
    start: float | None = None
    end: float | None = None
    diagnostics: dict[str, str] = {}


@record("codedeploy.target", key=("account", "region", "deployment", "instance"))
class Target(msgspec.Struct, kw_only=True):
    """An instance in a deployment."""

    account: str
    region: str
    deployment: str
    instance: str
    status: str = "Pending"
    updated: float
    events: list[Event]

    @property
    def arn(self) -> str:
        return f"arn:aws:ec2:{self.region}:{self.account}:instance/{self.instance}"


@record("codedeploy.command", key=("account", "region", "instance", "deployment"))
class Command(msgspec.Struct, kw_only=True):
    """What an instance's agent has to do now for a deployment: the one lifecycle event that it is at."""

    account: str
    region: str
    instance: str
    deployment: str
    event: str
    created: float
    acknowledged: float | None = None


def no_application(name: str) -> AwsError:
    return AwsError("ApplicationDoesNotExistException", f"No application found for name: {name}")


def application_named(call: Call, name: str) -> Application:
    found = call.store.get(Application, call.account, call.region, name)
    if found is None:
        raise no_application(name)
    return found


def find_group(call: Call, application: str, name: str) -> Group | None:
    return call.store.get(Group, call.account, call.region, application, name)


def group_of(call: Call, deployment: Deployment) -> Group | None:
    """The group that a deployment was made for, by whatever name it goes now; not another one of its old name."""
    groups = call.store.list(Group, call.account, call.region)
    return next((one for one in groups if one.id == deployment.group_id), None)


def group_named(call: Call, application: str, name: str) -> Group:
    application_named(call, application)
    found = find_group(call, application, name)
    if found is None:
        raise AwsError("DeploymentGroupDoesNotExistException", f"No Deployment Group found for name: {name}")
    return found


def deployment_named(call: Call, deployment_id: str) -> Deployment:
    if not re.fullmatch(r"d-[A-Z0-9]{9}", deployment_id):
        message = f"Specified DeploymentId is not in the valid format: {deployment_id}"
        raise AwsError("InvalidDeploymentIdException", message)
    found = call.store.get(Deployment, call.account, call.region, deployment_id)
    if found is None:
        message = f"The deployment {deployment_id} could not be found"
        raise AwsError("DeploymentDoesNotExistException", message)
    return found


def targets_of(call: Call, deployment: Deployment) -> list[Target]:
    return list(call.store.list(Target, deployment.account, deployment.region, deployment.id))


def group_arn(call: Call, application: str, group: str) -> str:
    return call.arn(f"deploymentgroup:{application}/{group}")


def on_deployment(call: Call, params: Params) -> str:
    """A deployment is authorised as its deployment group."""
    found = call.store.get(Deployment, call.account, call.region, params["deploymentId"])
    return group_arn(call, found.application, found.group) if found else group_arn(call, "*", "*")


def time(epoch: float | None) -> datetime | None:
    return None if epoch is None else datetime.fromtimestamp(round(epoch, 3), UTC)


def bad_token() -> AwsError:
    return AwsError("InvalidNextTokenException", "The next token was specified in an invalid format.")


def check_batch(names: list[str], most: int = 100) -> None:
    if len(names) > most:
        message = f"The maximum number of names or IDs allowed for this request ({most}) was exceeded."
        raise AwsError("BatchLimitExceededException", message)


def checked_tags(given: dict[str, str]) -> dict[str, str]:
    too_many = AwsError("InvalidTagsToAddException", "The maximum number of tags for a resource is 50.")
    reserved = AwsError("InvalidTagsToAddException", "Tag keys that begin with aws: are reserved for AWS.")
    tags.check(given, too_many, reserved)
    return given


def tagged(call: Call, arn: str) -> Application | Group | None:
    """The application or deployment group of an ARN."""
    kind, _, name = arn.partition(f":codedeploy:{call.region}:{call.account}:")[2].partition(":")
    if kind == "application":
        return call.store.get(Application, call.account, call.region, name)
    return find_group(call, *name.partition("/")[::2]) if kind == "deploymentgroup" else None


def _resource_tags(call: Call, arn: str) -> dict[str, str]:
    found = tagged(call, arn)
    return found.tags if found else {}


service.resource_tags = _resource_tags
