"""Which versions of which languages a build gets: `runtime-versions` against what the image has. Pure."""

import re
from collections.abc import Mapping, Sequence

from labsupport.cloud.services.codebuild.buildspec import Buildspec
from labsupport.cloud.services.codebuild.fields import BuildspecError

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def select_runtimes(
    buildspec: Buildspec,
    available: Mapping[str, Sequence[str]],
    variables: Mapping[str, str],
    required: bool = False,
    name: str = "buildspec.yml",
) -> dict[str, str]:
    """The version of each runtime that the install phase asks for, out of those that the image has.

    `latest` and `3.x` mean the newest that fits; `$NAME` is taken from `variables`. `required` is for images that
    choose nothing by themselves. Raises BuildspecError with CodeBuild's message.
    """
    install = buildspec.phases.get("install")
    wanted = install.runtime_versions if install else {}
    if required and not wanted:
        raise BuildspecError("This build image requires selecting at least one runtime version.", name)
    return {runtime: _version(runtime, written, available, variables, name) for runtime, written in wanted.items()}


def _version(
    runtime: str, written: str, available: Mapping[str, Sequence[str]], variables: Mapping[str, str], name: str
) -> str:
    if runtime not in available:
        known = ", ".join(sorted(available))
        message = f"Unknown runtime named '{runtime}'. This build image has the following runtimes: {known}"
        raise BuildspecError(message, name)
    version = _VARIABLE.sub(lambda match: variables.get(match[1] or match[2], ""), written).strip()
    versions = sorted(available[runtime], key=_order)
    fitting = [known for known in versions if _fits(version, known)]
    if not fitting:
        known = ", ".join(versions)
        message = f"Unknown runtime version named '{version}' of {runtime}."
        raise BuildspecError(f"{message} This build image has the following versions: {known}", name)
    return fitting[-1]


def _fits(wanted: str, known: str) -> bool:
    return wanted in ("latest", known) or (wanted.endswith(".x") and known.startswith(wanted[:-1]))


def _order(version: str) -> list[tuple[int, str]]:
    return [
        (int(part) if part.isdigit() and len(part) < 10 else 0, part)
        for part in re.split(r"[.\-]|(?<=\D)(?=\d)", version)
    ]
