"""Single attributes of an instance (API Reference: "ModifyInstanceAttribute")."""

import base64
from collections.abc import Callable

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.ec2.base import Instance, Params, instance_arn, instances_named, invalid, operation
from labsupport.cloud.services.ec2.launching import user_data_of

_SHOWN: dict[str, tuple[str, Callable[[Instance], object]]] = {
    "instanceType": ("InstanceType", lambda one: {"Value": one.type}),
    "userData": ("UserData", lambda one: {"Value": one.user_data} if one.user_data else {}),
    "disableApiTermination": ("DisableApiTermination", lambda one: {"Value": one.protected}),
    "instanceInitiatedShutdownBehavior": ("InstanceInitiatedShutdownBehavior", lambda one: {"Value": one.on_shutdown}),
    "ebsOptimized": ("EbsOptimized", lambda _: {"Value": False}),
    "rootDeviceName": ("RootDeviceName", lambda _: {"Value": "/dev/xvda"}),
    "groupSet": ("Groups", lambda one: [{"GroupId": group, "GroupName": "default"} for group in one.groups]),
}
_ASIDE = ("InstanceId", "Attribute", "Value", "DryRun")


def _on_instance(call: Call, params: Params) -> str:
    return instance_arn(call.account, call.region, params["InstanceId"])


@operation(on=_on_instance)
def describe_instance_attribute(call: Call, params: Params) -> Params:
    (instance,) = instances_named(call, [params["InstanceId"]])
    if params["Attribute"] not in _SHOWN:
        raise not_simulated(f"The instance attribute {params['Attribute']}")
    name, value = _SHOWN[params["Attribute"]]
    return {"InstanceId": instance.id, name: value(instance)}


@operation(on=_on_instance)
def modify_instance_attribute(call: Call, params: Params) -> Params:
    (instance,) = instances_named(call, [params["InstanceId"]])
    changes = {name: value for name, value in params.items() if name not in _ASIDE}
    if "Attribute" in params:
        name = _SHOWN.get(params["Attribute"], (params["Attribute"],))[0]
        changes[name] = {"Value": params.get("Value")}
    if len(changes) != 1:
        raise AwsError("InvalidParameterCombination", "Fields for multiple attribute types specified", 400)
    name, given = next(iter(changes.items()))
    _change(instance, name, given.get("Value") if isinstance(given, dict) else given)
    call.store.put(instance)
    return {}


def _change(instance: Instance, name: str, value: object) -> None:
    if name == "DisableApiTermination":
        instance.protected = value in (True, "true", "True")
    elif name == "InstanceInitiatedShutdownBehavior":
        if value not in ("stop", "terminate"):
            raise invalid(f"Value ({value}) for parameter value is invalid. Expecting stop or terminate.")
        instance.on_shutdown = str(value)
    elif name in ("InstanceType", "UserData"):
        if instance.state != "stopped":
            message = f"The instance '{instance.id}' is not in the 'stopped' state."
            raise AwsError("IncorrectInstanceState", message, 400)
        _change_stopped(instance, name, value)
    else:
        raise not_simulated(f"Changing the instance attribute {name}")


def _change_stopped(instance: Instance, name: str, value: object) -> None:
    """User data that is changed runs no more: the first boot was before."""
    if name == "InstanceType":
        instance.type = str(value)
        return
    encoded = base64.b64encode(value).decode() if isinstance(value, bytes) else str(value or "")
    user_data_of(encoded)
    instance.user_data = encoded
