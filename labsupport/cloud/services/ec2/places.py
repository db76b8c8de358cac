"""Regions, zones, and the one default network of each region, which can be looked at and not changed."""

import ipaddress
import secrets
import socket
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.ec2.base import Instance, Params, derived, instances_of, operation
from labsupport.cloud.services.ec2.filters import filtered, paged

REGIONS = (
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
    "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1",
    "us-east-1", "us-east-2", "us-west-1", "us-west-2",
)  # fmt: skip
# AWS's default network is 172.31.0.0/16. Here the addresses are loopback's, so that every instance has a real one.
NETWORK = "127.31.0.0/16"
_RESERVED = 4  # the first addresses of a subnet are AWS's own


class Zone(NamedTuple):
    name: str
    id: str
    number: int


class Subnet(NamedTuple):
    id: str
    zone: Zone
    block: str


def zones(region: str) -> list[Zone]:
    area, direction, number = region.rsplit("-", 2)
    short = {"northeast": "ne", "northwest": "nw", "southeast": "se", "southwest": "sw"}.get(direction, direction[:1])
    prefix = f"{area.replace('-', '')}{short}{number}"
    return [Zone(f"{region}{letter}", f"{prefix}-az{at + 1}", at) for at, letter in enumerate("abc")]


def subnets(account: str, region: str) -> list[Subnet]:
    blocks = list(ipaddress.ip_network(NETWORK).subnets(new_prefix=20))
    return [Subnet(derived("subnet", account, zone.name), zone, str(blocks[zone.number])) for zone in zones(region)]


def vpc(account: str, region: str) -> str:
    return derived("vpc", account, region)


def default_group(account: str, region: str) -> str:
    return derived("sg", account, region)


def free_address(call: Call, subnet: Subnet) -> str:
    """A private address that no instance has. Where loopback has one address only (macOS), all share it."""
    if not _bindable("127.31.0.4"):
        return "127.0.0.1"
    taken = {one.address for one in call.store.list(Instance)}
    first, size = int(ipaddress.ip_network(subnet.block)[0]), ipaddress.ip_network(subnet.block).num_addresses
    if len(taken) > size - 100:
        raise AwsError("InsufficientFreeAddressesInSubnet", f"Insufficient free addresses in subnet {subnet.id}.", 400)
    while True:
        # Drawn rather than counted: two labs on one machine have the same network.
        address = str(ipaddress.ip_address(first + _RESERVED + secrets.randbelow(size - _RESERVED - 1)))
        if address not in taken:
            return address


@cache
def _bindable(address: str) -> bool:
    try:
        with socket.socket() as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def _text_of(name: str) -> Callable[[Params], str]:
    return lambda one: str(one[name])


def _no_tags(_: Any) -> dict[str, str]:
    return {}


@operation()
def describe_regions(call: Call, params: Params) -> Params:
    found = [
        {"RegionName": name, "Endpoint": f"ec2.{name}.amazonaws.com", "OptInStatus": "opt-in-not-required"}
        for name in REGIONS
    ]
    wanted = params.get("RegionNames", REGIONS)
    missing = [name for name in wanted if name not in REGIONS]
    if missing:
        raise AwsError("InvalidParameterValue", f"Invalid region provided: [{', '.join(missing)}]", 400)
    values = {
        "region-name": lambda one: one["RegionName"],
        "endpoint": lambda one: one["Endpoint"],
        "opt-in-status": lambda one: one["OptInStatus"],
    }
    return {"Regions": filtered([one for one in found if one["RegionName"] in wanted], params, values, _no_tags)}


@operation()
def describe_availability_zones(call: Call, params: Params) -> Params:
    names, ids = params.get("ZoneNames"), params.get("ZoneIds")
    here = zones(call.region)
    missing = [one for one in names or [] if one not in {zone.name for zone in here}]
    if missing:
        raise AwsError("InvalidParameterValue", f"Invalid availability zones: [{', '.join(missing)}]", 400)
    chosen = [zone for zone in here if (not names or zone.name in names) and (not ids or zone.id in ids)]
    values = {
        "zone-name": lambda zone: zone.name,
        "zone-id": lambda zone: zone.id,
        "region-name": lambda _: call.region,
        "state": lambda _: "available",
        "zone-type": lambda _: "availability-zone",
        "opt-in-status": lambda _: "opt-in-not-required",
    }
    return {"AvailabilityZones": [_zone(call, zone) for zone in filtered(chosen, params, values, _no_tags)]}


def _zone(call: Call, zone: Zone) -> Params:
    return {
        "State": "available",
        "OptInStatus": "opt-in-not-required",
        "Messages": [],
        "RegionName": call.region,
        "ZoneName": zone.name,
        "ZoneId": zone.id,
        "GroupName": f"{call.region}-zg-1",
        "NetworkBorderGroup": call.region,
        "ZoneType": "availability-zone",
    }


@operation()
def describe_vpcs(call: Call, params: Params) -> Params:
    shown: Params = {
        "VpcId": vpc(call.account, call.region),
        "OwnerId": call.account,
        "State": "available",
        "CidrBlock": NETWORK,
        "IsDefault": True,
        "InstanceTenancy": "default",
        "DhcpOptionsId": derived("dopt", call.account, call.region),
        "CidrBlockAssociationSet": [
            {
                "AssociationId": derived("vpc-cidr-assoc", call.account, call.region),
                "CidrBlock": NETWORK,
                "CidrBlockState": {"State": "associated"},
            }
        ],
    }
    values = {
        "vpc-id": lambda one: one["VpcId"],
        "is-default": lambda _: "true",
        "isDefault": lambda _: "true",
        "cidr": lambda one: one["CidrBlock"],
        "state": lambda one: one["State"],
        "owner-id": lambda one: one["OwnerId"],
    }
    _refuse_others(params.get("VpcIds"), [shown["VpcId"]], "InvalidVpcID.NotFound", "The vpc ID")
    found, token = paged(filtered([shown], params, values, _no_tags), _text_of("VpcId"), params)
    return {"Vpcs": found, "NextToken": token}


@operation()
def describe_subnets(call: Call, params: Params) -> Params:
    here = subnets(call.account, call.region)
    wanted = params.get("SubnetIds")
    _refuse_others(wanted, [one.id for one in here], "InvalidSubnetID.NotFound", "The subnet ID")
    values = {
        "subnet-id": lambda one: one.id,
        "vpc-id": lambda _: vpc(call.account, call.region),
        "availability-zone": lambda one: one.zone.name,
        "availability-zone-id": lambda one: one.zone.id,
        "default-for-az": lambda _: "true",
        "defaultForAz": lambda _: "true",
        "state": lambda _: "available",
        "cidr-block": lambda one: one.block,
        "owner-id": lambda _: call.account,
    }
    chosen = filtered([one for one in here if not wanted or one.id in wanted], params, values, _no_tags)
    found, token = paged(chosen, lambda one: one.id, params)
    used = [one.subnet for one in instances_of(call) if one.state != "terminated"]
    return {"Subnets": [_subnet(call, one, used.count(one.id)) for one in found], "NextToken": token}


def _subnet(call: Call, subnet: Subnet, used: int) -> Params:
    return {
        "SubnetId": subnet.id,
        "SubnetArn": call.arn(f"subnet/{subnet.id}"),
        "VpcId": vpc(call.account, call.region),
        "OwnerId": call.account,
        "State": "available",
        "CidrBlock": subnet.block,
        "AvailableIpAddressCount": 4091 - used,
        "AvailabilityZone": subnet.zone.name,
        "AvailabilityZoneId": subnet.zone.id,
        "DefaultForAz": True,
        "MapPublicIpOnLaunch": True,
        "AssignIpv6AddressOnCreation": False,
        "Ipv6CidrBlockAssociationSet": [],
    }


@operation()
def describe_security_groups(call: Call, params: Params) -> Params:
    group = default_group(call.account, call.region)
    _refuse_others(params.get("GroupIds"), [group], "InvalidGroup.NotFound", "The security group")
    _refuse_others(params.get("GroupNames"), ["default"], "InvalidGroup.NotFound", "The security group")
    shown: Params = {
        "GroupId": group,
        "GroupName": "default",
        "Description": "default VPC security group",
        "VpcId": vpc(call.account, call.region),
        "OwnerId": call.account,
        "SecurityGroupArn": call.arn(f"security-group/{group}"),
        "IpPermissions": [_any_traffic(UserIdGroupPairs=[{"GroupId": group, "UserId": call.account}])],
        "IpPermissionsEgress": [_any_traffic(IpRanges=[{"CidrIp": "0.0.0.0/0"}])],
    }
    values = {
        "group-id": lambda one: one["GroupId"],
        "group-name": lambda one: one["GroupName"],
        "vpc-id": lambda one: one["VpcId"],
        "description": lambda one: one["Description"],
        "owner-id": lambda one: one["OwnerId"],
    }
    found, token = paged(filtered([shown], params, values, _no_tags), _text_of("GroupId"), params)
    return {"SecurityGroups": found, "NextToken": token}


def _any_traffic(**to: list[Params]) -> Params:
    """An IpPermission: the lists of all kinds of peers are there, the empty ones too."""
    return {"IpProtocol": "-1", "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": [], **to}


def _refuse_others(wanted: list[str] | None, known: list[str], code: str, what: str) -> None:
    for one in wanted or []:
        if one not in known:
            raise AwsError(code, f"{what} '{one}' does not exist", 400)
