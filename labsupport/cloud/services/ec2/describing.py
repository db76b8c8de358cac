"""Instances as they are described."""

from labsupport.cloud.core import paging, tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.ec2.base import CODES, Instance, Params, instances_named, instances_of, operation, time
from labsupport.cloud.services.ec2.filters import filtered, paged
from labsupport.cloud.services.ec2.places import vpc

_VALUES = {
    "instance-id": lambda one: one.id,
    "instance-state-name": lambda one: one.state,
    "instance-state-code": lambda one: CODES[one.state],
    "instance-type": lambda one: one.type,
    "image-id": lambda one: one.image,
    "availability-zone": lambda one: one.zone,
    "architecture": lambda _: "x86_64",
    "private-ip-address": lambda one: _address(one) or [],
    "ip-address": lambda one: _public_address(one) or [],
    "private-dns-name": lambda one: host_name(one),
    "reservation-id": lambda one: one.reservation,
    "owner-id": lambda one: one.account,
    "subnet-id": lambda one: one.subnet,
    "network-interface.subnet-id": lambda one: one.subnet,
    "vpc-id": lambda one: vpc(one.account, one.region),
    "instance.group-id": lambda one: one.groups,
    "group-id": lambda one: one.groups,
    "instance.group-name": lambda _: "default",
    "iam-instance-profile.arn": lambda one: one.profile or [],
    "iam-instance-profile.id": lambda one: one.profile_id or [],
    "client-token": lambda one: one.token,
    "root-device-type": lambda _: "ebs",
    "virtualization-type": lambda _: "hvm",
    "monitoring-state": lambda one: "enabled" if one.monitored else "disabled",
    "reason": lambda one: one.transition,
    "state-reason-code": lambda one: one.reason[0],
}


def reservation(call: Call, instances: list[Instance]) -> Params:
    group = [{"GroupId": instances[0].groups[0], "GroupName": "default"}]
    return {
        "ReservationId": instances[0].reservation,
        "OwnerId": call.account,
        "Groups": [],
        "Instances": [shown(one, group) for one in sorted(instances, key=lambda one: one.index)],
    }


def shown(instance: Instance, groups: list[Params]) -> Params:
    gone = instance.state == "terminated"
    description: Params = {
        "InstanceId": instance.id,
        "ImageId": instance.image,
        "InstanceType": instance.type,
        "State": state(instance.state),
        "LaunchTime": time(instance.launched),
        "AmiLaunchIndex": instance.index,
        "Placement": {"AvailabilityZone": instance.zone, "GroupName": "", "Tenancy": "default"},
        "Monitoring": {"State": "enabled" if instance.monitored else "disabled"},
        "PrivateDnsName": "" if gone else host_name(instance),
        "PrivateIpAddress": _address(instance),
        "PublicIpAddress": _public_address(instance),
        "PublicDnsName": "",  # there is no name server that would know one
        "StateTransitionReason": instance.transition,
        "SubnetId": None if gone else instance.subnet,
        "VpcId": None if gone else vpc(instance.account, instance.region),
        "SecurityGroups": [] if gone else groups,
        "Architecture": "x86_64",
        "ClientToken": instance.token,
        "EbsOptimized": False,
        "EnaSupport": True,
        "Hypervisor": "xen",
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "RootDeviceName": "/dev/xvda",
        "RootDeviceType": "ebs",
        "VirtualizationType": "hvm",
        "SourceDestCheck": True,
        "MetadataOptions": instance.metadata,
        "Tags": tags.to_list(instance.tags),
    }
    if instance.profile:
        description["IamInstanceProfile"] = {"Arn": instance.profile, "Id": instance.profile_id}
    if instance.reason[0]:
        description["StateReason"] = {"Code": instance.reason[0], "Message": instance.reason[1]}
    return description


def state(name: str) -> Params:
    return {"Code": CODES[name], "Name": name}


def _address(instance: Instance) -> str | None:
    return None if instance.state == "terminated" else instance.address


def _public_address(instance: Instance) -> str | None:
    return instance.address if instance.state in ("pending", "running") else None


def host_name(instance: Instance) -> str:
    domain = "ec2.internal" if instance.region == "us-east-1" else f"{instance.region}.compute.internal"
    return f"ip-{instance.address.replace('.', '-')}.{domain}"


@operation()
def describe_instances(call: Call, params: Params) -> Params:
    named = params.get("InstanceIds")
    if named and "MaxResults" in params:
        message = "The parameter instancesSet cannot be used with the parameter maxResults"
        raise AwsError("InvalidParameterCombination", message, 400)
    chosen = filtered(instances_named(call, named) if named else instances_of(call), params, _VALUES, _tags)
    part, token = paged(chosen, _order, params)
    by_reservation: dict[str, list[Instance]] = {}
    for one in part:
        by_reservation.setdefault(one.reservation, []).append(one)
    return {"Reservations": [reservation(call, group) for group in by_reservation.values()], "NextToken": token}


def _order(instance: Instance) -> str:
    return f"{instance.launched:017.6f}/{instance.reservation}/{instance.index:04d}/{instance.id}"


def _tags(instance: Instance) -> dict[str, str]:
    return instance.tags


@operation()
def describe_instance_status(call: Call, params: Params) -> Params:
    named, everything = params.get("InstanceIds"), params.get("IncludeAllInstances", False)
    chosen = instances_named(call, named) if named else instances_of(call)
    values = {name: _VALUES[name] for name in ("instance-state-name", "instance-state-code", "availability-zone")} | {
        "instance-status.status": _status,
        "system-status.status": _status,
    }
    here = [one for one in chosen if everything or one.state == "running"]
    bad = AwsError("InvalidNextToken", "The specified NextToken is not valid.", 400)
    listed = sorted(filtered(here, params, values, _tags), key=lambda one: one.id)
    part, token = paging.page(listed, lambda one: one.id, params.get("NextToken"), params.get("MaxResults", 1000), bad)
    return {"InstanceStatuses": [_shown_status(one) for one in part], "NextToken": token}


def _status(instance: Instance) -> str:
    return "ok" if instance.state == "running" else "not-applicable"


def _shown_status(instance: Instance) -> Params:
    summary: Params = {"Status": _status(instance)}
    if instance.state == "running":
        summary["Details"] = [{"Name": "reachability", "Status": "passed"}]
    return {
        "InstanceId": instance.id,
        "AvailabilityZone": instance.zone,
        "InstanceState": state(instance.state),
        "InstanceStatus": summary,
        "SystemStatus": summary,
        "Events": [],
    }
