"""The machine images that can be started."""

from labsupport.cloud.core import images
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.ec2.base import Params, operation
from labsupport.cloud.services.ec2.filters import filtered, paged


def image_named(call: Call, wanted: str) -> images.Image:
    """The image of an id; AWS's error where there is none."""
    if wanted.startswith("resolve:ssm:"):
        raise not_simulated("An image id that a parameter of Systems Manager holds")
    if not wanted.startswith("ami-"):
        raise AwsError("InvalidAMIID.Malformed", f'Invalid id: "{wanted}" (expecting "ami-...")', 400)
    found = images.find(call.region, wanted)
    if found is None:
        raise AwsError("InvalidAMIID.NotFound", f"The image id '[{wanted}]' does not exist", 400)
    return found


@operation()
def describe_images(call: Call, params: Params) -> Params:
    chosen = list(images.IMAGES)
    if params.get("ImageIds"):
        chosen = [image_named(call, one) for one in params["ImageIds"]]
    owners = params.get("Owners", [])
    shown = [_shown(call, one) for one in chosen if not owners or {"amazon", images.OWNER} & set(owners)]
    values = {
        "image-id": lambda one: one["ImageId"],
        "name": lambda one: one["Name"],
        "description": lambda one: one["Description"],
        "owner-id": lambda one: one["OwnerId"],
        "owner-alias": lambda one: one["ImageOwnerAlias"],
        "architecture": lambda one: one["Architecture"],
        "state": lambda one: one["State"],
        "is-public": lambda _: "true",
        "image-type": lambda one: one["ImageType"],
        "root-device-type": lambda one: one["RootDeviceType"],
        "virtualization-type": lambda one: one["VirtualizationType"],
        "hypervisor": lambda one: one["Hypervisor"],
        "creation-date": lambda one: one["CreationDate"],
    }
    found = filtered(shown, params, values, lambda _: {})
    if "MaxResults" not in params:
        return {"Images": found}
    part, token = paged(found, lambda one: one["ImageId"], params, lowest=1)
    return {"Images": part, "NextToken": token}


def _shown(call: Call, image: images.Image) -> Params:
    return {
        "ImageId": images.image_id(call.region, image),
        "Name": image.name,
        "Description": image.description,
        "ImageLocation": f"amazon/{image.name}",
        "ImageOwnerAlias": "amazon",
        "OwnerId": images.OWNER,
        "CreationDate": image.created,
        "State": "available",
        "Public": True,
        "Architecture": "x86_64",
        "ImageType": "machine",
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "RootDeviceName": "/dev/xvda",
        "RootDeviceType": "ebs",
        "VirtualizationType": "hvm",
        "Hypervisor": "xen",
        "EnaSupport": True,
        "ImdsSupport": "v2.0" if image.name.startswith("al2023") else None,
        "BootMode": "uefi-preferred",
    }
