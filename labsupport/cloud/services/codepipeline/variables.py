"""Variables in an action's configuration: `#{SourceVariables.CommitId}` (User Guide: "Variables reference"). Pure."""

import re
from typing import Any

from labsupport.cloud.core.errors import AwsError

_REFERENCE = re.compile(r"#\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z0-9@_-]+\.[A-Za-z0-9@_-]+")


def references(configuration: dict[str, str]) -> list[str]:
    return [found for value in configuration.values() for found in _REFERENCE.findall(value)]


def resolved(configuration: dict[str, str], known: dict[str, dict[str, str]]) -> dict[str, str]:
    """The configuration with every reference filled in; `known` is namespace -> name -> value."""

    def value(match: re.Match[str]) -> str:
        namespace, _, name = match[1].partition(".")
        if not _NAME.fullmatch(match[1]) or name not in known.get(namespace, {}):
            message = f"An action configuration variable '#{{{match[1]}}}' could not be resolved."
            raise AwsError("InvalidActionConfiguration", message)
        return known[namespace][name]

    return {key: _REFERENCE.sub(value, text) for key, text in configuration.items()}


def of_pipeline(execution_id: str, declared: dict[str, str]) -> dict[str, dict[str, Any]]:
    return {"codepipeline": {"PipelineExecutionId": execution_id}, "variables": declared}
