"""Parameter Store's records and what its topics share."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from labsupport.cloud.core import images
from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.service import Service
from labsupport.cloud.services.ssm.sealing import opened
from labsupport.cloud.store.record import record

Params = dict[str, Any]
service = Service("ssm")

MOST_VERSIONS = 100
STANDARD_BYTES = 4096
ADVANCED_BYTES = 8192
LEVELS = 15
_PUBLIC = "/aws/service/"
PUBLIC_IMAGES = _PUBLIC + "ami-amazon-linux-latest/"


class Version(msgspec.Struct, kw_only=True):
    number: int
    value: str  # of a SecureString: the ciphertext in base 64
    type: str
    key_id: str = ""
    description: str = ""
    pattern: str = ""
    data_type: str = "text"
    tier: str = "Standard"
    modified: float
    by: str
    labels: list[str] = []


@record("ssm.parameter", key=("account", "region", "name"))
class Parameter(msgspec.Struct, kw_only=True):
    account: str
    region: str
    name: str
    versions: list[Version]  # oldest first
    tags: dict[str, str] = {}

    @property
    def newest(self) -> Version:
        return self.versions[-1]


def arn_of(call: Call, name: str) -> str:
    """`/shop/color` -> `…:parameter/shop/color`, `color` -> `…:parameter/color`. AWS's own belong to no account."""
    if name.startswith(_PUBLIC):
        return f"arn:aws:ssm:{call.region}::parameter{name}"
    return call.arn("parameter/" + name.removeprefix("/"))


def plain_name(name: str) -> str:
    """The name in a name or an ARN, without a selector (`:3`, `:label`)."""
    found = parse(name)
    if found:
        inner = found.resource.removeprefix("parameter")
        name = inner if inner.count("/") > 1 else inner.removeprefix("/")
    return name.partition(":")[0]


def on_one(call: Call, name: str) -> str:
    """The ARN for a name; one that is an ARN stands for itself: another account's is that account's."""
    found = parse(name)
    return str(found._replace(resource=found.resource.partition(":")[0])) if found else arn_of(call, plain_name(name))


def on_name(call: Call, params: Params) -> str:
    return on_one(call, params["Name"])


def on_names(call: Call, params: Params) -> list[str]:
    return [on_one(call, name) for name in params["Names"]]


def time(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def not_found(name: str) -> AwsError:
    return AwsError("ParameterNotFound", f"Parameter {name} not found.")


def validation(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def no_version(selector: str, name: str) -> AwsError:
    message = f"Systems Manager could not find version {selector} of {name}. Verify the version and try again."
    return AwsError("ParameterVersionNotFound", message)


def find(call: Call, name: str) -> Parameter | None:
    """The parameter of a name or an ARN. `/color` and `color` have the same ARN: the one that is there counts."""
    arn, plain = parse(name), plain_name(name)
    if arn and (arn.region != call.region or arn.account not in ("", call.account)):
        return None
    found = call.store.get(Parameter, call.account, call.region, plain)
    if found is None and arn and not plain.startswith("/"):
        found = call.store.get(Parameter, call.account, call.region, "/" + plain)
    return found


def parameter_named(call: Call, name: str) -> Parameter:
    found = find(call, name)
    if found is None:
        raise not_found(plain_name(name))
    return found


def public(call: Call, name: str) -> Parameter | None:
    """A parameter that AWS publishes: the ids of machine images (User Guide: "Working with public parameters")."""
    image = images.published(name)
    if image is None:
        return None
    value, since = images.image_id(call.region, image), datetime.fromisoformat(image.created).timestamp()
    version = Version(number=1, value=value, type="String", data_type="aws:ec2:image", modified=since, by="")
    return Parameter(account="", region=call.region, name=name, versions=[version])


def check_name(name: str) -> None:
    """The rules of names and hierarchies (Systems Manager User Guide: "Requirements and constraints for parameter
    names")."""
    first = name.strip("/").partition("/")[0].lower()
    if first.startswith("aws"):
        raise AwsError("AccessDeniedException", f"No access to reserved parameter name: {name}.")
    if first.startswith("ssm") or not re.fullmatch(r"/?[a-zA-Z0-9_.-]+(/[a-zA-Z0-9_.-]+)*", name):
        raise validation(
            'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of '
            "sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the "
            "following 3 symbols .-_"
        )
    if "/" in name and not name.startswith("/"):
        raise validation("Parameter name must be a fully qualified name.")
    if name.count("/") > LEVELS:
        message = f"A hierarchy can have a maximum of {LEVELS} levels: {name}"
        raise AwsError("HierarchyLevelLimitExceededException", message)


def shown(call: Call, parameter: Parameter, version: Version, decrypt: bool, selector: str = "") -> Params:
    secret = version.type == "SecureString" and decrypt
    return {
        "Name": parameter.name,
        "Type": version.type,
        "Value": opened(call, arn_of(call, parameter.name), version.value) if secret else version.value,
        "Version": version.number,
        "Selector": f":{selector}" if selector else None,
        "LastModifiedDate": time(version.modified),
        "ARN": arn_of(call, parameter.name),
        "DataType": version.data_type,
    }


def selected(call: Call, name: str) -> tuple[Parameter, Version, str]:
    """The parameter and version of `name`, `name:3`, `name:label` or an ARN."""
    selector = (name.split(":")[6:] or [""])[0] if name.startswith("arn:") else name.partition(":")[2]
    parameter = find(call, name) or public(call, plain_name(name))
    if parameter is None:
        raise not_found(plain_name(name))
    if not selector:
        return parameter, parameter.newest, ""
    for version in parameter.versions:
        if selector == str(version.number) or selector in version.labels:
            return parameter, version, selector
    raise no_version(selector, parameter.name)
