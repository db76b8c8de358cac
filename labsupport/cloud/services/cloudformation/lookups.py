"""Look-ups in mappings, before anything is made. Pure.

A look-up by parameters and pseudo parameters that finds nothing is refused with the request (CloudFormation
User Guide, "Troubleshoot AMI mapping errors"): no stack begins, so none has to be rolled back.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from labsupport.cloud.services.cloudformation.functions import Scope, resolve
from labsupport.cloud.services.cloudformation.references import taken


class _NotYet(Exception):
    """A value that only a resource or another stack can tell."""


def check(value: Any, scope: Scope) -> None:
    """Refuse each Fn::FindInMap in a value that finds nothing, where its keys are known already."""
    known = replace(scope, ref=_later, attribute=_later, export=_later)
    for one in _lookups(value, scope.conditions):
        with suppress(_NotYet):
            resolve(one, known)


def _later(*_: str) -> Any:
    raise _NotYet


def _lookups(value: Any, conditions: dict[str, bool]) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for item in value:
            yield from _lookups(item, conditions)
    elif isinstance(value, dict):
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Fn::FindInMap":
                yield value
            value = {name: taken(name, argument, conditions)}
        for item in value.values():
            yield from _lookups(item, conditions)
