"""One line of a `Condition`: an operator, a key, values; and whether a request meets it.

AWS: "IAM JSON policy elements: Condition operators" and "Single-valued vs. multivalued context keys".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from labsupport.cloud.policy.match import Test, never
from labsupport.cloud.policy.operators import NULL, OPERATORS, Operator, expected_text
from labsupport.cloud.policy.variables import Template, compile_text, is_fixed, keys_in, resolve

Quantifier = Literal["", "ForAllValues", "ForAnyValue"]
Check = Callable[[Mapping[str, Any]], bool]
_QUANTIFIERS: dict[str, Quantifier] = {"forallvalues": "ForAllValues", "foranyvalue": "ForAnyValue"}
_IF_EXISTS = "ifexists"


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the policy; `test` is None while it waits for the request's variables."""

    written: str
    template: Template
    test: Test | None


@dataclass(frozen=True, slots=True)
class Condition:
    """`name` and `key` as the document writes them; `lookup` is the key in lower case, as contexts hold it.

    `check` tells whether a request meets the condition; the common case, one value against fixed ones, is quick.
    """

    name: str
    operator: Operator
    quantifier: Quantifier
    if_exists: bool
    key: str
    lookup: str
    values: tuple[Value, ...]
    check: Check = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "check", _check_of(self))


def find_operator(name: str) -> tuple[Operator, Quantifier, bool] | None:
    """The operator of a name such as `ForAnyValue:StringLikeIfExists`, or None if there is no such thing."""
    before, colon, rest = name.lower().rpartition(":")
    quantifier = _QUANTIFIERS.get(before, "") if colon else ""
    if colon and not quantifier:
        return None
    if_exists = rest.endswith(_IF_EXISTS)
    operator = OPERATORS.get(rest.removesuffix(_IF_EXISTS))
    if operator is None or (operator is NULL and if_exists):
        return None
    return operator, quantifier, if_exists


def compile_condition(name: str, key: str, values: list[str], *, variables: bool) -> Condition:
    """A condition that the grammar has checked."""
    found = find_operator(name)
    if found is None:
        raise ValueError(f"no condition operator is called {name}")
    operator, quantifier, if_exists = found
    compiled = tuple(_value(operator, value, variables) for value in values)
    return Condition(name, operator, quantifier, if_exists, key, key.lower(), compiled)


def holds(condition: Condition, context: Mapping[str, Any]) -> bool:
    """Whether the request meets the condition."""
    return condition.check(context)


def _check_of(condition: Condition) -> Check:
    """The test of a condition; quick where a single value of the request meets values that wait for nothing."""
    tests = tuple(value.test for value in condition.values if value.test)
    if condition.quantifier or condition.operator is NULL or len(tests) < len(condition.values):
        return lambda context: _holds_for(condition, values_of(context.get(condition.lookup)), context)
    return _exact_check(condition) if condition.operator.exact else _single_check(condition, tests)


def _exact_check(condition: Condition) -> Check:
    lookup, negated = condition.lookup, condition.operator.negated
    wanted = frozenset("".join(map(str, value.template)) for value in condition.values)

    def check(context: Mapping[str, Any]) -> bool:
        found = context.get(lookup)
        if type(found) is str:
            return (found in wanted) is not negated
        return _holds_for(condition, values_of(found), context)

    return check


def _single_check(condition: Condition, tests: tuple[Test, ...]) -> Check:
    lookup, negated = condition.lookup, condition.operator.negated

    def check(context: Mapping[str, Any]) -> bool:
        found = context.get(lookup)
        if type(found) is not str:
            return _holds_for(condition, values_of(found), context)
        for test in tests:
            if test(found):
                return not negated
        return negated

    return check


def _holds_for(condition: Condition, values: tuple[str, ...], context: Mapping[str, Any]) -> bool:
    if condition.operator is NULL:
        missing = "false" if values else "true"
        return any(test(missing) for test in _tests(condition, context))
    if not values or (condition.quantifier and values == ("",)):
        return holds_without_key(condition)
    tests = _tests(condition, context)
    negated = condition.operator.negated
    if not condition.quantifier:
        return any(test(value) for value in values for test in tests) is not negated
    each = (any(test(value) for test in tests) is not negated for value in values)
    return all(each) if condition.quantifier == "ForAllValues" else any(each)


def holds_without_key(condition: Condition) -> bool:
    """The answer when the request has no value for the key.

    `ForAnyValue` looks at single values, so without any it fails even with `IfExists`.
    """
    if condition.quantifier:
        return condition.quantifier == "ForAllValues"
    return condition.if_exists or condition.operator.negated


def values_of(value: Any) -> tuple[str, ...]:
    """The request's values for a key, as text; none for a missing key."""
    if isinstance(value, str):
        return (value,)
    if value is None:
        return ()
    if isinstance(value, (list, tuple, set, frozenset)):
        return tuple(_text(item) for item in value)
    return (_text(value),)


def keys_of(condition: Condition) -> set[str]:
    """All condition keys that the condition reads, variables included."""
    return {condition.lookup}.union(*(keys_in(value.template) for value in condition.values))


def explain(condition: Condition, context: Mapping[str, Any]) -> dict[str, Any]:
    """The condition with what it expected, what it found and how it came out; JSON-able."""
    found = values_of(context.get(condition.lookup))
    expected = [resolve(value.template, context) for value in condition.values]
    return {
        "operator": condition.name,
        "words": condition.operator.words,
        "key": condition.key,
        "written": [value.written for value in condition.values],
        "expected": [None if text is None else expected_text(condition.operator, text) for text in expected],
        "actual": list(found),
        "missing": not found,
        "matched": holds(condition, context),
    }


def _value(operator: Operator, written: str, variables: bool) -> Value:
    template = compile_text(written, variables=variables and operator.variables, wildcards=operator.wildcards)
    fixed = is_fixed(template)
    return Value(written, template, operator.read("".join(map(str, template))) if fixed else None)


def _tests(condition: Condition, context: Mapping[str, Any]) -> list[Test]:
    return [value.test or _resolved(condition.operator, value, context) for value in condition.values]


def _resolved(operator: Operator, value: Value, context: Mapping[str, Any]) -> Test:
    """A variable without a value is equal to nothing and like nothing."""
    text = resolve(value.template, context)
    return never if text is None else operator.read(text)


def _text(value: Any) -> str:
    if value is True or value is False:
        return "true" if value else "false"
    return str(value)
