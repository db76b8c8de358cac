"""Parameter Store's records and what its topics share."""

import base64
import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.service import Service
from labsupport.cloud.store.record import record

Params = dict[str, Any]
service = Service("ssm")

MOST_VERSIONS = 100
STANDARD_BYTES = 4096
ADVANCED_BYTES = 8192


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
    """`/shop/color` -> `…:parameter/shop/color`, `color` -> `…:parameter/color`."""
    return call.arn("parameter/" + name.removeprefix("/"))


def plain_name(name: str) -> str:
    """The name in a name or an ARN, without a selector (`:3`, `:label`)."""
    found = parse(name)
    if found:
        inner = found.resource.removeprefix("parameter")
        name = inner if inner.count("/") > 1 else inner.removeprefix("/")
    return name.partition(":")[0]


def on_name(call: Call, params: Params) -> str:
    return arn_of(call, plain_name(params["Name"]))


def on_names(call: Call, params: Params) -> list[str]:
    return [arn_of(call, plain_name(name)) for name in params["Names"]]


def time(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def not_found(name: str = "") -> AwsError:
    return AwsError("ParameterNotFound", f"Parameter {name} not found." if name else "")


def find(call: Call, name: str) -> Parameter | None:
    return call.store.get(Parameter, call.account, call.region, name)


def check_name(name: str) -> None:
    """The rules of names and hierarchies (Systems Manager User Guide: "Creating Parameter Store parameters")."""
    if not re.fullmatch(r"[a-zA-Z0-9_.\-/]+", name):
        message = (
            'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of '
            "sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the "
            "following 3 symbols .-_"
        )
        raise AwsError("ValidationException", message)
    first = name.strip("/").partition("/")[0].lower()
    if first.startswith(("aws", "ssm")):
        reserved = "aws" if first.startswith("aws") else "ssm"
        if reserved == "aws":
            raise AwsError("AccessDeniedException", f"No access to reserved parameter name: {name}.")
        raise AwsError(
            "ValidationException", f'Parameter name: can\'t be prefixed with "{reserved}" (case-insensitive).'
        )
    if "/" in name and not name.startswith("/"):
        raise AwsError("ValidationException", "Parameter name must be a fully qualified name.")
    if name.count("/") > 15:
        message = f"A parameter can have at most 15 levels in its hierarchy: {name}"
        raise AwsError("HierarchyLevelLimitExceededException", message)


def sealed(call: Call, name: str, value: str, key_id: str) -> str:
    """A SecureString's value under a KMS key, bound to the parameter by its encryption context."""
    context = {"PARAMETER_ARN": arn_of(call, name)}
    answer = call.aws("kms").encrypt(KeyId=key_id, Plaintext=value.encode(), EncryptionContext=context)
    return base64.b64encode(answer["CiphertextBlob"]).decode()


def opened(call: Call, name: str, version: Version) -> str:
    context = {"PARAMETER_ARN": arn_of(call, name)}
    blob = base64.b64decode(version.value)
    answer = call.aws("kms").decrypt(CiphertextBlob=blob, EncryptionContext=context)
    plaintext: bytes = answer["Plaintext"]
    return plaintext.decode()


def shown(call: Call, parameter: Parameter, version: Version, decrypt: bool, selector: str = "") -> Params:
    secret = version.type == "SecureString" and decrypt
    return {
        "Name": parameter.name,
        "Type": version.type,
        "Value": opened(call, parameter.name, version) if secret else version.value,
        "Version": version.number,
        "Selector": f":{selector}" if selector else None,
        "LastModifiedDate": time(version.modified),
        "ARN": arn_of(call, parameter.name),
        "DataType": version.data_type,
    }


def selected(call: Call, name: str) -> tuple[Parameter, Version, str]:
    """The parameter and version of `name`, `name:3`, `name:label` or an ARN."""
    selector = (name.split(":")[6:] or [""])[0] if name.startswith("arn:") else name.partition(":")[2]
    parameter = find(call, plain_name(name))
    if parameter is None:
        raise not_found()
    if not selector:
        return parameter, parameter.newest, ""
    for version in parameter.versions:
        if selector == str(version.number) or selector in version.labels:
            return parameter, version, selector
    message = (
        f"Systems Manager could not find version {selector} of {parameter.name}. Verify the version and try again."
    )
    raise AwsError("ParameterVersionNotFound", message)
