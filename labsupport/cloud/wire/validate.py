"""Whether parameters are what the model allows: required, type, length, range, pattern, enum.

One function per shape is made once. It answers None for a good value, so that a good request pays for
no paths and no messages; those are put together only for what is wrong.
"""

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from botocore.model import OperationModel, ServiceModel, Shape

from . import patterns
from .model import protocol_of
from .refusals import Violation, malformed, refused, shown
from .values import Malformed

Check = Callable[[Any], list[Violation] | None]
Known = dict[str, Check]
# SQS takes some of the other's names where its model has one of them, and refuses unknown ones in words of its own;
# S3 takes the names of filter rules in either case, and has an error of its own for a region that it hasn't.
_NOT_BY_THE_MODEL = (
    "QueueAttributeName",
    "MessageSystemAttributeName",
    "FilterRuleName",
    "BucketLocationConstraint",
)
LONGEST_UNBOUNDED = 2048  # a pattern isn't tried on more than this where the model sets no length


class _Rule(NamedTuple):
    kind: str  # length, range, pattern or enum
    holds: Callable[[Any], bool]
    text: str


def validate(operation: OperationModel, params: dict[str, Any]) -> None:
    """AwsError in AWS's words for the service, if the parameters break a constraint of the model."""
    service = operation.service_model
    try:
        violations = _check(operation)(params)
    except Malformed as error:
        raise malformed(service, protocol_of(service), str(error)) from error
    except RecursionError as error:
        raise malformed(service, protocol_of(service), "The request is nested too deeply") from error
    if violations:
        raise refused(operation, violations)


@functools.cache
def _check(operation: OperationModel) -> Check:
    if operation.input_shape is None:
        return lambda params: None
    return check(operation.input_shape, _known(operation.service_model))


@functools.cache
def _known(_service: ServiceModel) -> Known:
    return {}


def check(shape: Shape, known: Known) -> Check:
    """What finds a value's violations of the shape, or answers None; Malformed if the type is wrong."""
    if shape.type_name == "structure":
        return _structure(shape, known)
    if shape.type_name == "list":
        return _list(shape, known)
    if shape.type_name == "map":
        return _map(shape, known)
    return _scalar(shape)


def _structure(shape: Any, known: Known) -> Check:
    if shape.is_document_type:
        return lambda value: None
    if shape.name in known:
        return known[shape.name]
    members: dict[str, Check] = {}
    streamed = {name for name, member in shape.members.items() if _is_streamed(member)}
    required = [name for name in shape.required_members if name not in streamed]

    def test(value: Any) -> list[Violation] | None:
        if type(value) is not dict:
            raise Malformed("Unexpected field type")
        found: list[Violation] = []
        for name in required:
            if value.get(name) is None:
                found.append(_missing(shape, name))
        for name, item in value.items():
            if item is not None:
                if name not in members:
                    raise Malformed(f"Unknown parameter {name} in {shape.name}")
                bad = members[name](item)
                if bad:
                    found += [violation.under(name, shape.name) for violation in bad]
        return found or None

    known[shape.name] = test
    for name, member in shape.members.items():
        members[name] = _anything if name in streamed else check(member, known)
    return test


def _is_streamed(member: Any) -> bool:
    return bool(member.serialization.get("streaming") or member.serialization.get("eventstream"))


def _anything(_: Any) -> None:
    return None


def _missing(shape: Any, name: str) -> Violation:
    return Violation((name,), "null", "required", "Member must not be null", shape.members[name].name, shape.name)


def _list(shape: Any, known: Known) -> Check:
    own = _rules(shape)
    inner = shape.member.type_name in ("structure", "list", "map")
    test_item = check(shape.member, known)

    def test(value: Any) -> list[Violation] | None:
        if type(value) is not list:
            raise Malformed("Expected list or null")
        found = _broken(shape, own, value)
        for index, item in enumerate(value, 1):
            bad = [_null(shape)] if item is None else test_item(item)
            if not bad:
                continue
            if inner and item is not None:
                found += [violation.under(f"{index}.member") for violation in bad]
            else:
                found.append(_together(shape, value, "Member must satisfy constraint", bad, _rules(shape.member)))
                break
        return found or None

    return test


def _map(shape: Any, known: Known) -> Check:
    own = _rules(shape)
    inner = shape.value.type_name in ("structure", "list", "map")
    test_key, test_value = check(shape.key, known), check(shape.value, known)

    def test(value: Any) -> list[Violation] | None:
        if type(value) is not dict:
            raise Malformed("Expected map or null")
        found = _broken(shape, own, value)
        for key, item in value.items():
            bad_key, bad = test_key(key), [_null(shape)] if item is None else test_value(item)
            if bad_key:
                found.append(_together(shape, value, "Map keys must satisfy constraint", bad_key, _rules(shape.key)))
            if bad and inner and item is not None:
                found += [violation.under(f"{key}.member") for violation in bad]
            elif bad:
                found.append(_together(shape, value, "Map value must satisfy constraint", bad, _rules(shape.value)))
            if bad_key or bad:
                break
        return found or None

    return test


def _null(shape: Shape) -> Violation:
    return Violation((), "null", "required", "Member must not be null", shape.name, "")


def _together(shape: Shape, value: Any, start: str, bad: list[Violation], rules: list[_Rule]) -> Violation:
    """AWS reports a list of plain values as one, with everything that its members must satisfy."""
    order = {"length": 0, "range": 0, "enum": 1, "pattern": 2}
    texts = [rule.text for rule in sorted(rules, key=lambda rule: order[rule.kind])]
    texts += [violation.text for violation in bad if violation.text not in texts]
    return Violation((), shown(shape, value), bad[0].kind, f"{start}: [{', '.join(texts)}]", bad[0].shape, "")


def _scalar(shape: Shape) -> Check:
    types = _TYPES[shape.type_name]
    rules = _rules(shape)

    def test(value: Any) -> list[Violation] | None:
        if type(value) not in types:
            raise Malformed(f"{type(value).__name__} can not be converted to {shape.type_name}")
        for rule in rules:
            if not rule.holds(value):
                return _broken(shape, rules, value)
        return None

    return test


def _broken(shape: Shape, rules: list[_Rule], value: Any) -> list[Violation]:
    return [
        Violation((), shown(shape, value), rule.kind, rule.text, shape.name, "")
        for rule in rules
        if not rule.holds(value)
    ]


def _rules(shape: Shape) -> list[_Rule]:
    limits = shape.metadata
    rules: list[_Rule] = []
    if limits.get("enum") and shape.name not in _NOT_BY_THE_MODEL:
        rules.append(_enum(limits["enum"]))
    if limits.get("pattern") and shape.type_name == "string":
        rules += _pattern(limits["pattern"], limits.get("max"))
    if shape.type_name in ("integer", "long", "float", "double"):
        return rules + _range(limits)
    if shape.type_name in ("string", "blob", "list", "map"):
        return rules + _length(limits)
    return rules


def _enum(values: list[str]) -> _Rule:
    allowed = frozenset(values)
    return _Rule("enum", allowed.__contains__, f"Member must satisfy enum value set: [{', '.join(values)}]")


def _pattern(pattern: str, longest: int | None) -> list[_Rule]:
    text = f"Member must satisfy regular expression pattern: {pattern}"
    bound = int(longest) if longest is not None else LONGEST_UNBOUNDED

    def holds(value: str) -> bool:
        expression = patterns.compiled(pattern)
        return expression is None or len(value) > bound or expression.fullmatch(value) is not None

    return [_Rule("pattern", holds, text)]


def _length(limits: dict[str, Any]) -> list[_Rule]:
    rules = []
    if limits.get("max") is not None:
        rules.append(_at_most("length", limits["max"], len))
    if limits.get("min") is not None:
        rules.append(_at_least("length", limits["min"], len))
    return rules


def _range(limits: dict[str, Any]) -> list[_Rule]:
    rules = []
    if limits.get("max") is not None:
        rules.append(_at_most("range", limits["max"], float))
    if limits.get("min") is not None:
        rules.append(_at_least("range", limits["min"], float))
    return rules


def _at_most(kind: str, limit: float, size: Callable[[Any], float]) -> _Rule:
    word = "length" if kind == "length" else "value"
    return _Rule(kind, lambda value: size(value) <= limit, f"Member must have {word} less than or equal to {limit}")


def _at_least(kind: str, limit: float, size: Callable[[Any], float]) -> _Rule:
    word = "length" if kind == "length" else "value"
    return _Rule(kind, lambda value: size(value) >= limit, f"Member must have {word} greater than or equal to {limit}")


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (float, int),
    "double": (float, int),
    "timestamp": (datetime,),
    "blob": (bytes, bytearray),
}
