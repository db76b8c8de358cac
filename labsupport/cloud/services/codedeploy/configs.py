"""Deployment configurations: how many instances have to stay healthy (User Guide: "Deployment configurations").

A custom one says that itself. Of AWS's three, OneAtATime is a limit on how many are deployed to at once, which no
custom configuration can say.
"""

import math

import msgspec

from labsupport.cloud.core import ids, paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.codedeploy.base import CONFIG, PAGE, Group, Params, bad_token, service, time
from labsupport.cloud.store.record import record

DEFAULT = "CodeDeployDefault.OneAtATime"
_BEFORE = 1_412_553_600.0  # AWS's own are as old as the service
_PREDEFINED: dict[str, tuple[str, int]] = {
    "CodeDeployDefault.AllAtOnce": ("HOST_COUNT", 0),
    "CodeDeployDefault.HalfAtATime": ("FLEET_PERCENT", 50),
    DEFAULT: ("MOST_CONCURRENCY", 1),
}
# AWS's own for the compute platforms that are not here: refused by name instead of being called unknown.
_OTHERS = {
    "Lambda": (
        "AllAtOnce", "Canary10Percent5Minutes", "Canary10Percent10Minutes", "Canary10Percent15Minutes",
        "Canary10Percent30Minutes", "Linear10PercentEvery1Minute", "Linear10PercentEvery2Minutes",
        "Linear10PercentEvery3Minutes", "Linear10PercentEvery10Minutes",
    ),
    "ECS": (
        "AllAtOnce", "Canary10Percent5Minutes", "Canary10Percent15Minutes", "Linear10PercentEvery1Minutes",
        "Linear10PercentEvery3Minutes",
    ),
}  # fmt: skip


@record("codedeploy.config", key=("account", "region", "name"))
class Config(msgspec.Struct, kw_only=True):
    account: str
    region: str
    name: str
    id: str
    kind: str  # HOST_COUNT, FLEET_PERCENT, MOST_CONCURRENCY
    value: int
    created: float


def config_named(call: Call, name: str) -> Config:
    if name in _PREDEFINED:
        kind, value = _PREDEFINED[name]
        number = f"00000000-0000-0000-0000-{list(_PREDEFINED).index(name) + 1:012d}"
        return Config(
            account=call.account, region=call.region, name=name, id=number, kind=kind, value=value, created=_BEFORE
        )
    if _other_platform(name):
        raise not_simulated(f"The deployment configuration {name} (compute platform {_other_platform(name)})")
    found = call.store.get(Config, call.account, call.region, name)
    if found is None:
        message = f"No Deployment Configuration found for name: {name}"
        raise AwsError("DeploymentConfigDoesNotExistException", message)
    return found


def _other_platform(name: str) -> str | None:
    """The compute platform of one of AWS's configurations that are not here."""
    for platform, kinds in _OTHERS.items():
        if name in [f"CodeDeployDefault.{platform}{kind}" for kind in kinds]:
            return platform
    return None


def minimum_healthy(config: Config, total: int) -> int:
    """How many of `total` instances have to stay healthy; what AWS gives out itself always lets one be deployed to."""
    if config.kind == "MOST_CONCURRENCY":
        return max(total - config.value, 0)
    if config.kind == "HOST_COUNT":
        return config.value
    share = math.ceil(total * config.value / 100)
    return min(share, total - 1) if config.name in _PREDEFINED else share


@service.operation(on=CONFIG)
def create_deployment_config(call: Call, params: Params) -> Params:
    name = params["deploymentConfigName"]
    if params.get("computePlatform", "Server") != "Server":
        raise not_simulated(f"A deployment configuration for {params['computePlatform']}")
    if params.get("zonalConfig"):
        raise not_simulated("A zonal deployment configuration")
    if params.get("trafficRoutingConfig"):
        message = "Traffic routing is for deployments to Lambda functions and Amazon ECS services"
        raise AwsError("InvalidTrafficRoutingConfigurationException", message)
    if name.startswith("CodeDeployDefault."):
        message = "Deployment configuration names that begin with CodeDeployDefault. are reserved"
        raise AwsError("InvalidDeploymentConfigNameException", message)
    if call.store.get(Config, call.account, call.region, name):
        message = f"Deployment Configuration already exists: {name}"
        raise AwsError("DeploymentConfigAlreadyExistsException", message)
    kind, value = _minimum(params.get("minimumHealthyHosts") or {})
    config = Config(
        account=call.account, region=call.region, name=name, id=ids.uuid4(), kind=kind, value=value, created=call.epoch
    )
    call.store.put(config)
    return {"deploymentConfigId": config.id}


def _minimum(given: Params) -> tuple[str, int]:
    kind, value = given.get("type"), given.get("value")
    if kind is None or value is None:
        raise AwsError("InvalidMinimumHealthyHostValueException", "The minimum healthy hosts have to be specified")
    if value < 0 or (kind == "FLEET_PERCENT" and value > 99):
        message = f"The minimum healthy hosts value {value} is not valid for the type {kind}"
        raise AwsError("InvalidMinimumHealthyHostValueException", message)
    return kind, value


@service.operation(on=CONFIG)
def get_deployment_config(call: Call, params: Params) -> Params:
    config = config_named(call, params["deploymentConfigName"])
    return {
        "deploymentConfigInfo": {
            "deploymentConfigId": config.id,
            "deploymentConfigName": config.name,
            "minimumHealthyHosts": {"type": config.kind, "value": config.value},
            "createTime": time(config.created),
            "computePlatform": "Server",
        }
    }


@service.operation()
def list_deployment_configs(call: Call, params: Params) -> Params:
    own = [one.name for one in call.store.list(Config, call.account, call.region)]
    every = sorted([*_PREDEFINED, *own])
    found, token = paging.page(every, str, params.get("nextToken"), PAGE, bad_token())
    return {"deploymentConfigsList": found, "nextToken": token}


@service.operation(on=CONFIG)
def delete_deployment_config(call: Call, params: Params) -> Params:
    name = params["deploymentConfigName"]
    if name in _PREDEFINED or _other_platform(name):
        raise AwsError("InvalidOperationException", f"{name} is predefined and cannot be deleted")
    if any(group.config == name for group in call.store.list(Group, call.account, call.region)):
        raise AwsError("DeploymentConfigInUseException", f"Deployment Configuration is in use: {name}")
    found = call.store.get(Config, call.account, call.region, name)
    if found:
        call.store.delete(found)
    return {}
