"""Functions, versions and aliases as records, their names, and the errors about them (AWS Lambda API Reference)."""

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.service import Service
from labsupport.cloud.store.record import record

Params = dict[str, Any]
service = Service("lambda")

LATEST = "$LATEST"
LONGEST_NAME = 64
PAGE = 50
_NAME = re.compile(
    r"(?:arn:aws:lambda:(?P<region>[a-z0-9-]+):(?=\d{12}:function:))?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[a-zA-Z0-9_-]+)(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9_-]+))?",
    re.ASCII,
)


class Settings(msgspec.Struct, kw_only=True):
    """What a version of a function is: its code and its configuration. `others` are further settings, in AWS's form."""

    runtime: str
    role: str
    handler: str
    description: str = ""
    timeout: int = 3
    memory: int = 128
    variables: str = ""  # sealed; empty where there are none
    key: str = ""  # ARN of the customer's KMS key
    grant: str = ""  # by which the role may open the variables with that key
    code: str  # the id of the package
    size: int
    sha256: str  # of the package, in base 64
    modified: float
    revision: str
    others: Params = {}


@record("lambda.function", key=("account", "region", "name"))
class Function(msgspec.Struct, kw_only=True):
    account: str
    region: str
    name: str
    settings: Settings  # of $LATEST
    versions: int = 0  # ever published: numbers are not given twice
    created: bool = False  # it can be called
    updating: bool = False
    policies: dict[str, Params] = {}  # by qualifier, "" for the function itself: AWS's document
    reserved: int | None = None  # concurrent executions
    asynchronous: dict[str, Params] = {}  # by qualifier: PutFunctionEventInvokeConfig's settings
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"


@record("lambda.version", key=("account", "region", "function", "number"))
class Version(msgspec.Struct, kw_only=True):
    """A published version, which never changes. `number` has leading zeros, so that versions list in their order."""

    account: str
    region: str
    function: str
    number: str
    settings: Settings

    @property
    def name(self) -> str:
        return self.number.lstrip("0")


@record("lambda.alias", key=("account", "region", "function", "name"))
class Alias(msgspec.Struct, kw_only=True):
    account: str
    region: str
    function: str
    name: str
    version: str
    description: str = ""
    weights: dict[str, float] = {}  # of one further version
    revision: str


class Name(NamedTuple):
    """What a FunctionName and a Qualifier name together."""

    account: str
    region: str
    function: str
    qualifier: str  # empty where none is given

    @property
    def arn(self) -> str:
        plain = f"arn:aws:lambda:{self.region}:{self.account}:function:{self.function}"
        return f"{plain}:{self.qualifier}" if self.qualifier else plain


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValueException", message, Type="User")


def not_found(message: str) -> AwsError:
    return AwsError("ResourceNotFoundException", message, Type="User")


def conflict(message: str) -> AwsError:
    return AwsError("ResourceConflictException", message, Type="User")


def name_of(call: Call, given: str, qualifier: str = "") -> Name:
    """A name, `name:2`, a partial ARN (`123456789012:function:name`) or an ARN, and the Qualifier given beside it."""
    found = _NAME.fullmatch(given)
    if found is None:
        raise invalid(f"Invalid function name: {given}")
    within = found["qualifier"] or ""
    if within and qualifier and within != qualifier:
        raise invalid("The derived qualifier from the function name does not match the specified qualifier.")
    place = found["account"] or call.account, found["region"] or call.region
    return Name(*place, found["name"], within or qualifier)


def named(call: Call, params: Params) -> Name:
    return name_of(call, params["FunctionName"], params.get("Qualifier", ""))


def on_function(call: Call, params: Params) -> str:
    """The function itself, whichever version is meant."""
    return named(call, params)._replace(qualifier="").arn


def on_qualified(call: Call, params: Params) -> str:
    return named(call, params).arn


def find_function(call: Call, name: Name) -> Function | None:
    return call.store.get(Function, name.account, name.region, name.function)


def function_named(call: Call, name: Name) -> Function:
    if name.region != call.region:
        raise not_found(f"Functions from '{name.region}' are not reachable in this region ('{call.region}')")
    found = find_function(call, name)
    if found is None:
        raise not_found(f"Function not found: {name.arn}")
    return found


def function_of(call: Call, params: Params) -> Function:
    return function_named(call, named(call, params))


def find_version(call: Call, function: Function, version: str) -> Version | None:
    number = version.zfill(12)
    return call.store.get(Version, function.account, function.region, function.name, number)


def find_alias(call: Call, function: Function, name: str) -> Alias | None:
    return call.store.get(Alias, function.account, function.region, function.name, name)


def settings_of(call: Call, function: Function, version: str) -> Settings:
    """Of `$LATEST` or a published version."""
    if version in ("", LATEST):
        return function.settings
    found = find_version(call, function, version) if version.isdigit() else None
    if found is None:
        raise not_found(f"Function not found: {function.arn}:{version}")
    return found.settings


def check_revision(params: Params, current: str) -> None:
    """RevisionId: change it only if it is what the caller has seen."""
    if params.get("RevisionId", current) != current:
        message = (
            "The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to "
            "retrieve the latest RevisionId"
        )
        raise AwsError("PreconditionFailedException", message, Type="User")


def touched(call: Call, settings: Settings) -> None:
    settings.modified, settings.revision = call.epoch, ids.uuid4()


def stamp(epoch: float) -> str:
    """`2026-01-31T12:00:00.000+0000`."""
    moment = datetime.fromtimestamp(epoch, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def bad_marker() -> AwsError:
    return invalid("Invalid marker")


def _resource_policy(call: Call, resource: str) -> tuple[str, str, str, str] | None:
    """The policy of a function, or of the version or alias that is named: each has its own."""
    if not _NAME.fullmatch(resource):
        return None
    name = name_of(call, resource)
    function = find_function(call, name)
    document = function.policies.get(name.qualifier) if function else None
    if function is None or document is None:
        return None
    return msgspec.json.encode(document["document"]).decode(), "resource", function.account, "either"


def _resource_tags(call: Call, resource: str) -> dict[str, str]:
    found = find_function(call, name_of(call, resource)) if _NAME.fullmatch(resource) else None
    return found.tags if found else {}


service.resource_policy = _resource_policy
service.resource_tags = _resource_tags
