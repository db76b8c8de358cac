"""AWS::EC2::Instance."""

import base64
from typing import Any

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.tags import to_list
from labsupport.cloud.services.cloudformation.records import Params
from labsupport.cloud.services.cloudformation.work import Made, Provider, Work

_PATIENCE = 120  # looks at an instance that comes up or goes
_PAUSE = 0.1  # seconds between them
_AS_GIVEN = ("ImageId", "InstanceType", "UserData", "SubnetId", "SecurityGroupIds", "SecurityGroups", "KeyName",
             "EbsOptimized", "MetadataOptions", "DisableApiTermination",
             "InstanceInitiatedShutdownBehavior")  # fmt: skip
# What changes without another instance, and what stands where the template no longer says it.
_CHANGES: Params = {"InstanceType": "m1.small", "UserData": "", "DisableApiTermination": False,
                    "InstanceInitiatedShutdownBehavior": "stop"}  # fmt: skip
_STOPPED = {"InstanceType", "UserData"}
_KNOWN = (*_AS_GIVEN, "IamInstanceProfile", "AvailabilityZone", "Monitoring", "Tags")


def _failed(message: str) -> AwsError:
    return AwsError("NotStabilized", message, 400)


async def _create_instance(work: Work, props: Params) -> Made:
    ec2 = work.client("ec2")
    params: Params = {"MinCount": 1, "MaxCount": 1, "ClientToken": work.token()}
    params |= {key: props[key] for key in _AS_GIVEN if props.get(key)}
    if props.get("IamInstanceProfile"):
        params["IamInstanceProfile"] = {"Name": props["IamInstanceProfile"]}
    if props.get("AvailabilityZone"):
        params["Placement"] = {"AvailabilityZone": props["AvailabilityZone"]}
    if props.get("Monitoring"):
        params["Monitoring"] = {"Enabled": True}
    tags = work.tags(props.get("Tags")) | work.marks()
    params["TagSpecifications"] = [{"ResourceType": "instance", "Tags": to_list(tags)}]
    work.once(ec2.run_instances, lambda made: str(made["Instances"][0]["InstanceId"]), **params)
    return await _when(work, work.resource.physical, "running")


async def _when(work: Work, instance_id: str, wanted: str) -> Made:
    """The instance once it is in the wanted state."""
    for _ in range(_PATIENCE):
        instance = _look(work, instance_id)
        state = instance["State"]["Name"]
        if state == wanted:
            return Made(instance_id, _attributes(instance))
        if state in ("terminated", "shutting-down") and wanted != "terminated":
            reason = instance.get("StateReason", {}).get("Message", "")
            raise _failed(f"Instance {instance_id} has been terminated. {reason}".strip())
        await work.pause(_PAUSE)
    raise _failed(f"Instance {instance_id} did not become {wanted}")


def _look(work: Work, instance_id: str) -> Params:
    found: Params = work.client("ec2").describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
    return found


def _attributes(instance: Params) -> Params:
    return {
        "InstanceId": instance["InstanceId"],
        "PrivateIp": instance.get("PrivateIpAddress", ""),
        "PublicIp": instance.get("PublicIpAddress", ""),
        "PrivateDnsName": instance.get("PrivateDnsName", ""),
        "PublicDnsName": instance.get("PublicDnsName", ""),
        "AvailabilityZone": instance.get("Placement", {}).get("AvailabilityZone", ""),
        "VpcId": instance.get("VpcId", ""),
    }


async def _update_instance(work: Work, instance_id: str, old: Params, new: Params) -> Made:
    """A new type or user data needs the instance stopped for a while; the rest changes while it runs."""
    ec2: Any = work.client("ec2")
    changed = {key for key in _CHANGES if old.get(key) != new.get(key)}
    for key in sorted(changed - _STOPPED):
        ec2.modify_instance_attribute(InstanceId=instance_id, **{key: {"Value": new.get(key, _CHANGES[key])}})
    if changed & _STOPPED:
        await _restart(work, instance_id, changed & _STOPPED, new)
    wanted, left = work.retag(old.get("Tags"), new.get("Tags"))
    if wanted:
        ec2.create_tags(Resources=[instance_id], Tags=to_list(wanted))
    if left:
        ec2.delete_tags(Resources=[instance_id], Tags=[{"Key": key} for key in left])
    return Made(instance_id, _attributes(_look(work, instance_id)))


async def _restart(work: Work, instance_id: str, changed: set[str], new: Params) -> None:
    ec2: Any = work.client("ec2")
    ec2.stop_instances(InstanceIds=[instance_id])
    await _when(work, instance_id, "stopped")
    for key in sorted(changed):
        value = str(new.get(key, _CHANGES[key]))
        given = base64.b64decode(value) if key == "UserData" else value
        ec2.modify_instance_attribute(InstanceId=instance_id, **{key: {"Value": given}})
    ec2.start_instances(InstanceIds=[instance_id])
    await _when(work, instance_id, "running")


async def _delete_instance(work: Work, instance_id: str, props: Params) -> None:
    try:
        work.client("ec2").terminate_instances(InstanceIds=[instance_id])
        await _when(work, instance_id, "terminated")
    except AwsError as error:
        if not error.code.startswith("InvalidInstanceID"):
            raise


PROVIDERS = {
    "AWS::EC2::Instance": Provider(
        _create_instance, _delete_instance, _update_instance, _KNOWN,
        anew=("IamInstanceProfile", "SecurityGroupIds", "MetadataOptions", "Monitoring", "EbsOptimized"),
    )
}  # fmt: skip
