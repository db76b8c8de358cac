"""Look-ups in mappings, before anything is made. Pure.

A look-up by parameters and pseudo parameters that finds nothing is refused with the request (CloudFormation
User Guide, "Troubleshoot AMI mapping errors"): no stack begins, so none has to be rolled back.
"""

from contextlib import suppress
from dataclasses import replace
from typing import Any

from labsupport.cloud.services.cloudformation.functions import Scope, resolve
from labsupport.cloud.services.cloudformation.references import functions


class _NotYet(Exception):
    """A value that only a resource or another stack can tell."""


def check(value: Any, scope: Scope) -> None:
    """Refuse each Fn::FindInMap in a value that finds nothing, where its keys are known already."""
    known = replace(scope, ref=_later, attribute=_later, export=_later)
    for name, argument in functions(value, scope.conditions):
        if name == "Fn::FindInMap":
            with suppress(_NotYet):
                resolve({name: argument}, known)


def _later(*_: str) -> Any:
    raise _NotYet
