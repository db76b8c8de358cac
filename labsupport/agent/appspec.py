"""The application specification file as records: "CodeDeploy AppSpec file reference". Pure.

The agent reads the server kind (`os`, `files`, `permissions`, `hooks`) from the revision; the service reads the kinds
for Lambda and ECS (`resources`, `hooks`). Refusals are in the words of AWS's agent, with file and place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from labsupport.agent.appspec_permissions import Permission, parse_permissions
from labsupport.agent.appspec_reading import FAILED, INVALID, AppspecError, Entry
from labsupport.agent.appspec_targets import Targets, parse_targets
from labsupport.files.yamlfile import DocumentError, read

# In the order in which a deployment comes to them; the others belong to the agent itself.
SCRIPTABLE = (
    "BeforeBlockTraffic",
    "AfterBlockTraffic",
    "ApplicationStop",
    "BeforeInstall",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
    "BeforeAllowTraffic",
    "AfterAllowTraffic",
)
RESERVED = ("Start", "BlockTraffic", "DownloadBundle", "Install", "AllowTraffic", "End")
FILE_EXISTS = ("DISALLOW", "OVERWRITE", "RETAIN")
# Seconds that AWS gives a script that names none, and all scripts of one event together.
LONGEST_EVENT = 3600


@dataclass(frozen=True)
class FileMapping:
    """`source` is relative to the revision ("" for all of it)."""

    source: str
    destination: str


@dataclass(frozen=True)
class Script:
    """`location` is relative to the revision."""

    location: str
    timeout: int = LONGEST_EVENT
    runas: str | None = None


@dataclass(frozen=True)
class Appspec:
    """`kind` is server, lambda or ecs; `targets` is for the latter two. `notes` tell what is odd but taken."""

    kind: str
    os: str = ""
    files: tuple[FileMapping, ...] = ()
    file_exists_behavior: str | None = None
    permissions: tuple[Permission, ...] = ()
    hooks: dict[str, tuple[Script, ...]] = field(default_factory=dict)
    targets: Targets | None = None
    notes: tuple[str, ...] = ()


def parse(
    source: bytes | str,
    name: str = "appspec.yml",
    platform: str | None = None,
    systems: Sequence[str] = ("linux", "windows"),
) -> Appspec:
    """The AppSpec that a file holds, in YAML or JSON.

    `platform` is CodeDeploy's `computePlatform` (Server, Lambda, ECS) if the file must be for that; without it, the
    keys tell the kind. `systems` are the values of `os` that are taken: an agent on Linux takes linux only.
    Raises AppspecError.
    """
    top = _top(source, name, by_service=platform in ("Lambda", "ECS"))
    for path, mark in top.document.duplicates:
        top.notes.append(f"{name}, line {mark.line}: {path[-1]} stands here a second time; the last counts")
    resources = "resources" in {key.lower() for key in top.value}
    if platform == "Server" or (platform is None and not resources):
        return _server(top, systems)
    _check_version(top.folded())
    targets = parse_targets(top.folded())
    if platform and targets.kind != platform.lower():
        raise top.error(f"{INVALID} It is for {targets.kind.capitalize()}, and the deployment is for {platform}")
    return Appspec(targets.kind, targets=targets, notes=tuple(top.notes))


def _top(source: bytes | str, name: str, by_service: bool) -> Entry:
    try:
        document = read(source, name)
    except DocumentError as error:
        cause = ", ".join(part for part in (error.cause, error.place, error.hint) if part)
        form = f"{INVALID} The input AppSpec file is a not well-formed yaml. The template cannot be parsed"
        because = form if by_service else "the application specification file could not be read"
        raise AppspecError(f"{FAILED} {because}: {cause}", error) from None
    top = Entry(document, document.value)
    if not isinstance(top.value, dict):
        raise top.error(
            INVALID
            if by_service
            else "the application specification file is empty or is not a mapping. Specify version, os "
            "and files in the AppSpec file, and then try again"
        )
    return top


def _server(top: Entry, systems: Sequence[str]) -> Appspec:
    """In the order of AWS's agent, so that of several faults the same one is told."""
    top.known("version", "os", "files", "file_exists_behavior", "permissions", "hooks")
    _check_version(top)
    system = _system(top, systems)
    hooks = {event: _scripts(event, entry) for event, entry in _hooks(top).items()}
    _check_events(top, hooks)
    return Appspec(
        "server",
        os=system,
        files=tuple(_mapping(entry, system) for entry in top.listed("files")),
        file_exists_behavior=_file_exists(top),
        permissions=parse_permissions(top, system),
        hooks={event: scripts for event, scripts in hooks.items() if event not in RESERVED},
        notes=tuple(top.notes),
    )


def _check_version(top: Entry) -> None:
    entry = top.get("version")
    try:
        good = entry is not None and float(entry.text()) == 0.0
    except ValueError:
        good = False
    if not good:
        raise (entry or top).error(
            f"an invalid version value ({entry.text() if entry else ''}) was entered in the application specification "
            'file. Make sure your AppSpec file specifies "0.0" as the version, and then try again'
        )


def _system(top: Entry, systems: Sequence[str]) -> str:
    entry = top.get("os")
    system = entry.text() if entry else ""
    if system not in systems:
        raise (entry or top).error(
            f"the application specification file specifies an unsupported operating system ({system}). Specify either "
            '"linux" or "windows" in the os section of the AppSpec file, and then try again'
        )
    return system


def _hooks(top: Entry) -> dict[str, Entry]:
    hooks = top.get("hooks")
    if hooks is None:
        return {}
    if not isinstance(hooks.value, dict):
        raise hooks.error(
            "the hooks section of the application specification file is not a mapping of lifecycle events"
        )
    return {event: hooks.at(event, value) for event, value in hooks.value.items()}


def _scripts(event: str, entry: Entry) -> tuple[Script, ...]:
    if not isinstance(entry.value, list) or not entry.value:
        raise entry.error(
            f"the hook {event} in the application specification file has no list of scripts. List them, each with its "
            "location, in the hooks section of the AppSpec file or remove the hook, and then try again"
        )
    scripts = tuple(_script(entry.at(index, value)) for index, value in enumerate(entry.value))
    given = sum(script.timeout for script, value in zip(scripts, entry.value, strict=True) if value.get("timeout"))
    if given > LONGEST_EVENT:
        entry.note(f"the timeouts of {event} add up to {given} seconds; the event is stopped after {LONGEST_EVENT}")
    return scripts


def _script(entry: Entry) -> Script:
    location = entry.get("location") if isinstance(entry.value, dict) else None
    written = location.text().strip() if location else ""
    if not location or not written:
        raise entry.error(
            "the application specification file specifies a script with no location value. Specify the location in the "
            "hooks section of the AppSpec file, and then try again"
        )
    entry.known("location", "timeout", "runas", "sudo")
    runas = entry.get("runas")
    return Script(_within(location, written), _timeout(entry), runas.text().strip() if runas else None)


def _timeout(entry: Entry) -> int:
    timeout = entry.get("timeout")
    if timeout is None:
        return LONGEST_EVENT
    written = timeout.text().strip()
    if not written.isdecimal() or len(written) > 9 or int(written) == 0:
        raise timeout.error(
            "an invalid timeout value was provided for a script in the application specification file. Make "
            "corrections in the hooks section of the AppSpec file, and then try again"
        )
    return int(written)


def _check_events(top: Entry, hooks: dict[str, Any]) -> None:
    unknown = [event for event in hooks if event not in SCRIPTABLE + RESERVED]
    if unknown:
        listed = ", ".join(f'"{event}"' for event in unknown)
        entry = top.at("hooks", None).at(unknown[0], None)
        raise AppspecError(f"{top.document.name} file contains unknown lifecycle events: [{listed}]", entry.failure())
    for event in hooks:
        if event in RESERVED:
            top.at("hooks", None).at(event, None).note(f"{event} is reserved for the agent; its scripts do not run")


def _mapping(entry: Entry, system: str) -> FileMapping:
    source = entry.get("source") if isinstance(entry.value, dict) else None
    destination = entry.get("destination") if isinstance(entry.value, dict) else None
    if source is None:
        raise entry.error(
            "the application specification file specifies a destination file, but no source file. Update the files "
            "section of the AppSpec file, and then try again"
        )
    if destination is None:
        raise entry.error(
            f"the application specification file specifies only a source file ({source.text()}). Add the name of the "
            "destination file to the files section of the AppSpec file, and then try again"
        )
    entry.known("source", "destination")
    written = source.text().replace("\\", "/") if system == "windows" else source.text()
    return FileMapping(_within(source, written), destination.text())


def _within(entry: Entry, path: str) -> str:
    """A path of the revision, from its root, refused where it leads out of it."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in path:
        raise entry.error(
            f"the application specification file names a file outside the revision ({path}). Update the AppSpec file "
            "so that it names files of the revision only, and then try again"
        )
    return "/".join(parts)


def _file_exists(top: Entry) -> str | None:
    entry = top.get("file_exists_behavior")
    if entry is None:
        return None
    if entry.text() not in FILE_EXISTS:
        raise entry.error(
            f"an invalid file_exists_behavior value ({entry.text()}) was entered in the application specification "
            f"file. Specify {', '.join(FILE_EXISTS[:2])} or {FILE_EXISTS[2]}, and then try again"
        )
    return entry.text()
