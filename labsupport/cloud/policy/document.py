"""A policy document, read once and compiled: statements whose patterns are ready to be compared.

`parse` is the only way to get one. The result never changes, so callers may keep it for as long as the text stays the
same (`functools.lru_cache` on the text).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.policy import rules_identity, rules_resource
from labsupport.cloud.policy.conditions import Check, Condition, compile_condition, keys_of
from labsupport.cloud.policy.grammar import (
    VERSIONS,
    BadShape,
    check_text,
    conditions_of,
    malformed,
    read_json,
    statements_of,
    strings,
)
from labsupport.cloud.policy.match import Test, action_test, resource_test
from labsupport.cloud.policy.principals import Principals, compile_principals
from labsupport.cloud.policy.variables import Template, compile_text, is_fixed, keys_in, resolve

Kind = Literal["identity", "resource", "trust", "boundary", "session", "scp", "rcp", "endpoint"]

_SYNTAX: dict[str, str] = {
    "resource": "Invalid policy syntax.",
    "endpoint": "Invalid policy syntax.",
    "trust": "Syntax error in policy.",
}
_NO_JSON = {
    "resource": "Policies must be valid JSON and the first byte must be '{'",
    "endpoint": "Policies must be valid JSON and the first byte must be '{'",
    "trust": "This policy contains invalid Json",
}
_LEADING_SPACE = {"resource": _NO_JSON["resource"], "trust": "JSON strings must not have leading spaces"}
_CONTROLS = ("scp", "rcp")
_SCP = "The provided policy document does not meet the requirements of the specified policy type."
_CACHED_ACTIONS = 1024


@dataclass(frozen=True, slots=True)
class Resource:
    """A pattern of `Resource` or `NotResource`; `test` is None while it waits for the request's variables.

    `beginning` and `ending` are what stands before the first and after the last of them and of all wildcards: most
    resources differ there already.
    """

    written: str
    template: Template
    test: Test | None
    beginning: str
    ending: str

    def matches(self, resource: str, context: Mapping[str, Any]) -> bool:
        """Whether the pattern covers the resource. With a variable that has no value it covers none."""
        if not (resource.startswith(self.beginning) and resource.endswith(self.ending)):
            return False
        if self.test is not None:
            return bool(self.test(resource))
        text = resolve(self.template, context)
        return text is not None and bool(resource_test(text)(resource))


@dataclass(frozen=True, slots=True)
class Statement:
    """A compiled statement. `principals` is None in identity policies; `resources` is empty where none are named.

    `everywhere`: whether it speaks of every resource, without a look at any. `beginnings`: a resource has to begin with
    one of them. `keys` are the condition keys that it reads, in lower case.
    """

    index: int
    sid: str
    deny: bool
    actions: tuple[str, ...]
    action_tests: tuple[Test, ...]
    not_action: bool
    resources: tuple[Resource, ...]
    not_resource: bool
    principals: Principals | None
    not_principal: bool
    conditions: tuple[Condition, ...]
    everywhere: bool
    beginnings: tuple[str, ...]
    keys: frozenset[str]
    checks: tuple[Check, ...]

    def covers_action(self, action: str) -> bool:
        """Whether the statement speaks of the action (in lower case)."""
        return any(test(action) for test in self.action_tests) is not self.not_action

    def covers_resource(self, resource: str, context: Mapping[str, Any]) -> bool:
        """Whether the statement speaks of the resource."""
        if self.everywhere:
            return True
        if self.beginnings and not resource.startswith(self.beginnings):
            return self.not_resource
        for pattern in self.resources:
            if pattern.matches(resource, context):
                return not self.not_resource
        return self.not_resource


@dataclass(frozen=True, slots=True)
class Document:
    """A compiled document. `keys` are the condition keys that it reads, in lower case, variables included."""

    version: str
    id: str
    statements: tuple[Statement, ...]
    keys: frozenset[str]
    _by_action: dict[str, tuple[Statement, ...]] = field(default_factory=dict, compare=False, repr=False)

    def about(self, action: str) -> tuple[Statement, ...]:
        """The statements that speak of an action (in lower case), found once per action."""
        found = self._by_action.get(action)
        if found is None:
            if len(self._by_action) >= _CACHED_ACTIONS:
                self._by_action.clear()
            found = tuple(statement for statement in self.statements if statement.covers_action(action))
            self._by_action[action] = found
        return found


def parse(text: str | dict[str, Any], kind: Kind, *, managed: bool = False, resource_required: bool = True) -> Document:
    """Read, check and compile a policy document.

    `managed`: a policy with an ARN of its own, which must name the language's version of 2012. `resource_required`:
    false for resource policies that name no resource. Raises AwsError MalformedPolicyDocument with AWS's reason, and
    nothing else, whatever the text. A text that has been read before is not read again.
    """
    if isinstance(text, str):
        return _parse_text(text, kind, managed, resource_required)
    return _parse(text, kind, managed, resource_required)


def _parse(text: str | dict[str, Any], kind: Kind, managed: bool, resource_required: bool) -> Document:
    try:
        source = _read(text, kind)
        _check(source, kind, managed, resource_required)
        return _compile(source)
    except BadShape:
        raise malformed(_SYNTAX.get(kind, _SCP if kind in _CONTROLS else rules_identity.SYNTAX)) from None
    except AwsError:
        if kind in _CONTROLS:
            raise malformed(_SCP) from None
        raise


_parse_text = lru_cache(maxsize=4096)(_parse)


def _read(text: str | dict[str, Any], kind: Kind) -> dict[str, Any]:
    if isinstance(text, str):
        if text[:1].isspace():
            raise malformed(_LEADING_SPACE.get(kind, rules_identity.LEGACY))
        try:
            source = read_json(text)
        except BadShape:
            raise malformed(_NO_JSON.get(kind, rules_identity.SYNTAX)) from None
    elif isinstance(text, dict):
        source = text
    else:
        raise BadShape
    check_text(source)
    return source


def _check(source: dict[str, Any], kind: Kind, managed: bool, resource_required: bool) -> None:
    if kind == "trust":
        rules_resource.check_trust(source)
    elif kind in ("resource", "rcp", "endpoint"):
        rules_resource.check_resource(source, resource_required=resource_required)
    else:
        rules_identity.check(source, managed=managed)


def _compile(source: dict[str, Any]) -> Document:
    version = source.get("Version", VERSIONS[0])
    variables = version != VERSIONS[0]
    statements = tuple(_statement(index, entry, variables) for index, entry in enumerate(statements_of(source)))
    return Document(version, source.get("Id", ""), statements, frozenset().union(*(one.keys for one in statements)))


def _statement(index: int, source: dict[str, Any], variables: bool) -> Statement:
    actions = strings(source.get("Action", source.get("NotAction")))
    resources = strings(source.get("Resource", source.get("NotResource", [])))
    principal = source.get("Principal", source.get("NotPrincipal"))
    conditions = tuple(compile_condition(*entry, variables=variables) for entry in conditions_of(source))
    patterns = tuple(_resource(pattern, variables) for pattern in resources)
    return Statement(
        index=index,
        sid=source.get("Sid", ""),
        deny=source["Effect"] == "Deny",
        actions=tuple(actions),
        action_tests=tuple(action_test(action) for action in actions),
        not_action="NotAction" in source,
        resources=patterns,
        not_resource="NotResource" in source,
        principals=None if principal is None else compile_principals(principal),
        not_principal="NotPrincipal" in source,
        conditions=conditions,
        everywhere=not resources or ("*" in resources and "NotResource" not in source),
        beginnings=tuple({pattern.beginning for pattern in patterns}),
        keys=_keys(patterns, conditions),
        checks=tuple(condition.check for condition in conditions),
    )


def _resource(written: str, variables: bool) -> Resource:
    """Variables count in an ARN's last part only; before the fifth colon they are plain text."""
    head = written.split(":", 5)[:-1] if written.count(":") >= 5 else []
    fixed = "".join(f"{part}:" for part in head)
    template = (
        *compile_text(fixed, variables=False, wildcards=True),
        *compile_text(written[len(fixed) :], variables=variables, wildcards=True),
    )
    test = resource_test("".join(map(str, template))) if is_fixed(template) else None
    ending = re.split(r"[*?}]", written)[-1] if head else ""
    return Resource(written, template, test, re.split(r"[*?$]", written)[0], ending)


def _keys(resources: tuple[Resource, ...], conditions: tuple[Condition, ...]) -> frozenset[str]:
    in_resources = (keys_in(pattern.template) for pattern in resources)
    return frozenset().union(*in_resources, *(keys_of(condition) for condition in conditions))
