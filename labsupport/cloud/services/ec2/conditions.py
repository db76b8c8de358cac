"""EC2's own condition keys (Service Authorization Reference: "Condition keys for Amazon EC2"), for what the lab has
of the things that they are about."""

from collections.abc import Callable
from typing import Any

from labsupport.cloud.core import images
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import InstanceProfile
from labsupport.cloud.services.ec2.base import Instance, Params, service
from labsupport.cloud.services.ec2.places import subnets, vpc

DEFAULT_TYPE = "m1.small"


def _keys(call: Call, resource: str, params: Params, wanted: frozenset[str]) -> Params:
    """Those of the resource that is asked about, as its type has them."""
    found: Params = {"ec2:region": call.region}
    kind, _, name = resource.rpartition(":")[2].partition("/")
    find = _OF_KIND.get(kind)
    if find is not None and (not wanted or any(key.startswith("ec2:") for key in wanted)):
        found |= find(call, name, params)
    return found


def _of_instance(call: Call, name: str, params: Params) -> Params:
    """An instance's that is there; for the ones that RunInstances asks for, what they would be."""
    instance = call.store.get(Instance, call.account, call.region, name)
    if instance is None:
        return _asked_for(call, params) if call.operation == "RunInstances" else {}
    keys = {
        "ec2:instanceid": instance.id,
        "ec2:instancetype": instance.type,
        "ec2:availabilityzone": instance.zone,
        **_always(instance.metadata),
    }
    if instance.profile:
        keys["ec2:instanceprofile"] = instance.profile
    if call.operation == "ModifyInstanceAttribute":
        keys |= _attributes(params)
    return keys


def _asked_for(call: Call, params: Params) -> Params:
    keys: Params = {"ec2:instancetype": params.get("InstanceType", DEFAULT_TYPE)}
    keys |= _always(params.get("MetadataOptions", {}))
    keys["ec2:ebsoptimized"] = str(bool(params.get("EbsOptimized"))).lower()
    zone = params.get("Placement", {}).get("AvailabilityZone")
    if zone:
        keys["ec2:availabilityzone"] = zone
    profile = params.get("IamInstanceProfile") or {}
    if profile:
        named = call.store.get(InstanceProfile, call.account, profile.get("Name", ""))
        keys["ec2:instanceprofile"] = profile.get("Arn") or (named.arn if named else "")
    return keys


def _always(metadata: dict[str, Any]) -> Params:
    """What all instances here have in common, and how their metadata is reached."""
    keys: Params = {"ec2:rootdevicetype": "ebs", "ec2:tenancy": "default", "ec2:ebsoptimized": "false"}
    for name in ("HttpTokens", "HttpEndpoint", "HttpPutResponseHopLimit"):
        if name in metadata:
            keys[f"ec2:metadata{name.lower()}"] = str(metadata[name])
    if "InstanceMetadataTags" in metadata:
        keys["ec2:instancemetadatatags"] = metadata["InstanceMetadataTags"]
    return keys


def _attributes(params: Params) -> Params:
    """Which attribute a request changes, and to what."""
    keys: Params = {}
    for name, value in params.items():
        if name in ("InstanceId", "DryRun", "Attribute", "Value"):
            continue
        given = value.get("Value") if isinstance(value, dict) else value
        keys["ec2:attribute"] = name
        if isinstance(given, str | bool):
            keys[f"ec2:attribute/{name.lower()}"] = str(given).lower() if isinstance(given, bool) else given
    if "Attribute" in params:
        name = params["Attribute"][:1].upper() + params["Attribute"][1:]
        keys |= {"ec2:attribute": name, f"ec2:attribute/{name.lower()}": params.get("Value", "")}
    return keys


def _of_image(call: Call, name: str, params: Params) -> Params:
    if images.find(call.region, name) is None:
        return {}
    return {
        "ec2:imageid": name,
        "ec2:imagetype": "machine",
        "ec2:owner": "amazon",
        "ec2:public": "true",
        "ec2:rootdevicetype": "ebs",
    }


def _of_subnet(call: Call, name: str, params: Params) -> Params:
    keys: Params = {"ec2:vpc": call.arn(f"vpc/{vpc(call.account, call.region)}")}
    for one in subnets(call.account, call.region):
        if one.id == name:
            keys |= {"ec2:subnetid": name, "ec2:availabilityzone": one.zone.name}
    return keys


def _of_group(call: Call, name: str, params: Params) -> Params:
    keys: Params = {"ec2:vpc": call.arn(f"vpc/{vpc(call.account, call.region)}")}
    return keys if name == "*" else {**keys, "ec2:securitygroupid": name}


def _of_interface(call: Call, name: str, params: Params) -> Params:
    keys: Params = {"ec2:vpc": call.arn(f"vpc/{vpc(call.account, call.region)}")}
    if params.get("SubnetId"):
        keys["ec2:subnet"] = call.arn(f"subnet/{params['SubnetId']}")
    return keys


_OF_KIND: dict[str, Callable[[Call, str, Params], Params]] = {
    "instance": _of_instance,
    "image": _of_image,
    "subnet": _of_subnet,
    "security-group": _of_group,
    "network-interface": _of_interface,
}

service.keys = _keys
