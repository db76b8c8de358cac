"""What AWS says when a request can't be read or breaks a constraint: each protocol and service in its own words.

See "Common errors" in each service's API reference, and "Error responses" in S3's.
"""

import functools
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from botocore.model import OperationModel, ServiceModel, Shape

from ..core.errors import AwsError
from .model import protocol_of

_BAD_XML = "The XML you provided was not well-formed or did not validate against our published schema"
_HIDES_VALUES = {"codepipeline"}  # its messages never repeat the value
_CODES = {"logs": "InvalidParameterException", "sqs": "InvalidParameterValue"}
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


class Violation(NamedTuple):
    """A constraint that a value breaks: where, what was given (quoted as AWS quotes it), and AWS's phrase."""

    path: tuple[str, ...]
    value: str
    kind: str  # required, length, range, pattern or enum
    text: str
    shape: str
    parent: str  # the structure whose member it is

    def under(self, part: str, parent: str = "") -> "Violation":
        return self._replace(path=(part, *self.path), parent=self.parent if self.path else parent)

    @property
    def member(self) -> str:
        return self.path[-1]


def malformed(service: ServiceModel, protocol: str, text: str, place: str = "") -> AwsError:
    """The error for bytes that don't fit the model's types; `place` is uri or body where that matters."""
    if place == "uri":
        return AwsError("InvalidURI", "Couldn't parse the specified URI.", 400)
    if protocol == "rest-xml":
        return AwsError("MalformedXML", _BAD_XML, 400) if place == "body" else AwsError("InvalidArgument", text, 400)
    if protocol in ("query", "ec2"):
        return AwsError("InvalidParameterValue" if service.service_name == "ec2" else "MalformedInput", text, 400)
    return AwsError("SerializationException", text, 400)


def refused(operation: OperationModel, violations: list[Violation]) -> AwsError:
    """The error for parameters that break the model's constraints."""
    own = _own_exception(operation, violations)
    if own is not None:
        return own
    service, protocol = operation.service_model, protocol_of(operation.service_model)
    if protocol == "ec2":
        return _ec2(violations[0])
    if protocol == "rest-xml":
        return _s3(operation, violations[0])
    if service.service_name == "sqs" and violations[0].kind == "required":
        return _missing_parameter(violations[0])
    plain = "ValidationError" if protocol == "query" or service.is_query_compatible else "ValidationException"
    code = _CODES.get(service.service_name, plain)
    return AwsError(code, _sentence(violations, service.service_name in _HIDES_VALUES), 400)


def _sentence(violations: list[Violation], hide: bool) -> str:
    count = len(violations)
    parts = (_part(violation, hide) for violation in violations)
    return f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(parts)}"


def _part(violation: Violation, hide: bool) -> str:
    value = "" if hide and violation.kind != "required" else violation.value
    place = ".".join(part[:1].lower() + part[1:] for part in violation.path)
    return f"Value {value}{' ' if value else ''}at '{place}' failed to satisfy constraint: {violation.text}"


def shown(shape: Shape, value: Any) -> str:
    """A value as AWS's messages quote it, which is Java's way; a sensitive one is left out."""
    return "" if shape.metadata.get("sensitive") else f"'{_java(shape, value)}'"


def _java(shape: Any, value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if shape.type_name == "list":
        return f"[{', '.join(_java(shape.member, item) for item in value)}]"
    if shape.type_name == "map":
        return "{" + ", ".join(f"{key}={_java(shape.value, item)}" for key, item in value.items()) + "}"
    if shape.type_name == "structure" and isinstance(value, dict):
        inner = (f"{name}={_java(shape.members[name], item)}" for name, item in value.items() if name in shape.members)
        return f"{shape.name}({', '.join(inner)})"
    if isinstance(value, bytes | bytearray):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    if isinstance(value, datetime):
        return str(int(value.timestamp()))
    return "***" if shape.metadata.get("sensitive") else str(value)


def _own_exception(operation: OperationModel, violations: list[Violation]) -> AwsError | None:
    """CodeCommit and CodeDeploy check for themselves: `RepositoryNameRequiredException`, `InvalidTagException`.

    A service that declares several `…RequiredException`s is such a one. Which exception belongs to a member
    follows from their names and the shape's name.
    """
    if not _checks_itself(operation.service_model):
        return None
    codes = [shape.error_code for shape in operation.error_shapes]
    for violation in violations:
        code = _matching(violation, _stems(codes, violation.kind == "required"))
        if code is not None:
            return AwsError(code, _explained(violation), None)
    return None


@functools.cache
def _checks_itself(service: ServiceModel) -> bool:
    return sum(shape.name.endswith("RequiredException") for shape in service.error_shapes) > 2


def _stems(codes: list[str], required: bool) -> dict[str, str]:
    """What each exception is about (`RepositoryName`), and the exception."""
    if required:
        return {code.removesuffix("RequiredException"): code for code in codes if code.endswith("RequiredException")}
    return {
        code.removeprefix("Invalid").removesuffix("Exception"): code for code in codes if code.startswith("Invalid")
    }


def _matching(violation: Violation, stems: dict[str, str]) -> str | None:
    by_words = {tuple(words_of(stem)): code for stem, code in stems.items()}
    for words in _names(violation):
        if tuple(words) in by_words:
            return by_words[tuple(words)]
    inside = [stem for stem in by_words if any(_contains(words, stem) for words in _names(violation))]
    return by_words[max(inside, key=len)] if inside else None


def _names(violation: Violation) -> Iterator[list[str]]:
    """What a member may be called in an exception, the likeliest first."""
    member, parent = words_of(violation.member), words_of(violation.parent)
    yield member
    yield words_of(violation.shape)
    yield parent + member
    yield [word.removesuffix("s") for word in member]


def _contains(words: list[str], stem: tuple[str, ...]) -> bool:
    """Whether the stem's words stand together in a name (`Role` in `serviceRoleArn`)."""
    size = len(stem)
    return any(tuple(words[start : start + size]) == stem for start in range(len(words) - size + 1))


def words_of(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _explained(violation: Violation) -> str:
    name = " ".join(words_of(violation.member)).capitalize()
    if violation.kind == "required":
        return f"{name} is required, but was not specified."
    if violation.kind == "pattern":
        return f"{name} contains invalid characters."
    value = f" {violation.value}" if violation.value else ""
    return f"{name}{value} is not valid: {violation.text[0].lower()}{violation.text[1:]}."


def _ec2(violation: Violation) -> AwsError:
    if violation.kind == "required":
        return _missing_parameter(violation)
    name = violation.member[:1].lower() + violation.member[1:]
    message = f"Value ({violation.value.strip(chr(39))}) for parameter {name} is invalid."
    bound = re.search(r"(?:greater|less) than or equal to \S+", violation.text)
    return AwsError("InvalidParameterValue", f"{message} Expecting a value {bound[0]}." if bound else message, 400)


def _missing_parameter(violation: Violation) -> AwsError:
    return AwsError("MissingParameter", f"The request must contain the parameter {violation.member}", 400)


def _s3(operation: OperationModel, violation: Violation) -> AwsError:
    member = operation.input_shape.members[violation.path[0]]
    traits = member.serialization
    if traits.get("location") not in ("header", "querystring"):
        return AwsError("MalformedXML", _BAD_XML, 400)
    name = traits.get("name", violation.path[0])
    if violation.kind == "required":
        what = "header" if traits["location"] == "header" else "parameter"
        return AwsError("InvalidRequest", f"Missing required {what} for this request: {name}", 400)
    if member.name == "StorageClass":
        return AwsError("InvalidStorageClass", "The storage class you specified is not valid", 400)
    if member.name == "ServerSideEncryption":
        text = "The encryption request you specified is not valid. Supported value: AES256."
        return AwsError("InvalidEncryptionAlgorithmError", text, 400)
    value = violation.value.strip("'")
    return AwsError("InvalidArgument", f"Invalid value for {name}", 400, ArgumentName=name, ArgumentValue=value)
