"""The Install event: what lay there from the last deployment goes, the revision's files come.

Paths are the instance's own (`/srv/shop`); `Settings.on_machine` gives their real places. What is installed is written
down in the cleanup file while it happens, so that the next deployment, or this one begun again, can take it away.
"""

import grp
import json
import os
import pwd
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from labsupport.agent.appspec import Appspec, FileMapping
from labsupport.agent.appspec_permissions import Permission
from labsupport.agent.appspec_reading import FAILED
from labsupport.agent.diagnostics import UNKNOWN, CommandError
from labsupport.agent.revisions import Revisions
from labsupport.agent.settings import Settings


@dataclass
class Plan:
    """What to do, in order. `copies` and `folders` are keyed by where on the instance."""

    steps: list[dict[str, str]] = field(default_factory=list)
    copies: dict[str, Path] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    set_on: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Installer:
    settings: Settings
    revisions: Revisions
    appspec: Appspec
    file_exists: str
    warn: Callable[[str], None]

    def install(self) -> None:
        """Raises CommandError."""
        self.revisions.instructions.mkdir(parents=True, exist_ok=True)
        self.clean_up()
        try:
            plan = self.plan()
            self.revisions.install_file.write_text(json.dumps({"instructions": plan.steps}, indent=1))
            with self.revisions.cleanup_file.open("w") as cleanup:
                for step in plan.steps:
                    self._do(step, cleanup.write)
        except OSError as error:
            place = self.settings.on_instance(Path(os.fsdecode(error.filename))) if error.filename else ""
            raise CommandError(UNKNOWN, f"{error.strerror} - {place}") from None

    def clean_up(self) -> None:
        """Remove what the last deployment of the group installed, folders only if nothing else is in them."""
        path = self.revisions.cleanup_file
        if not path.exists():
            return
        whole = path.read_text().rpartition("\n")[0]
        for line in reversed(whole.split("\n") if whole else []):
            place = self.settings.on_machine(line)
            try:
                if place.is_dir() and not place.is_symlink():
                    place.rmdir()
                else:
                    place.unlink(missing_ok=True)
            except OSError as error:
                self.warn(f"{line} stays: {error.strerror}")
        path.unlink()

    def plan(self) -> Plan:
        plan = Plan()
        for mapping in self.appspec.files:
            self._plan_mapping(plan, mapping)
        for permission in self.appspec.permissions:
            self._plan_permission(plan, permission)
        return plan

    def _plan_mapping(self, plan: Plan, mapping: FileMapping) -> None:
        source = self.revisions.archive / mapping.source
        if source.is_dir() and not source.is_symlink():
            destination = _plain(mapping.destination)
            self._plan_ancestors(plan, destination)
            self._plan_folder(plan, source, destination)
        else:
            destination = _plain(f"{mapping.destination}/{source.name}")
            self._plan_ancestors(plan, destination)
            self._plan_copy(plan, source, destination)

    def _plan_ancestors(self, plan: Plan, destination: str) -> None:
        parts = destination.strip("/").split("/")[:-1]
        for count in range(1, len(parts) + 1):
            folder = "/" + "/".join(parts[:count])
            if not self.settings.on_machine(folder).exists():
                _plan_mkdir(plan, folder)

    def _plan_folder(self, plan: Plan, source: Path, destination: str) -> None:
        if not self.settings.on_machine(destination).is_dir():
            _plan_mkdir(plan, destination)
        for entry in sorted(source.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                self._plan_folder(plan, entry, _plain(f"{destination}/{entry.name}"))
            else:
                self._plan_copy(plan, entry, _plain(f"{destination}/{entry.name}"))

    def _plan_copy(self, plan: Plan, source: Path, destination: str) -> None:
        there = self.settings.on_machine(destination)
        if os.path.lexists(there):
            if self.file_exists == "DISALLOW":
                raise CommandError(UNKNOWN, f"{FAILED} a specified file already exists at this location: {destination}")
            if self.file_exists == "RETAIN":
                return
        name = self.settings.on_instance(source)
        if destination in plan.copies:
            raise CommandError(
                UNKNOWN,
                f"{FAILED} the application specification file specifies two source files named {name} and "
                f"{self.settings.on_instance(plan.copies[destination])} for the same destination ({destination}). "
                "Remove one of the source file paths from the AppSpec file, and then try again.",
            )
        if destination in plan.folders:
            raise CommandError(
                UNKNOWN,
                f"{FAILED} the application specification file calls for installing the file {name}, but a file with "
                f"that name already exists at the location ({destination}). Update your AppSpec file or directory "
                "structure, and then try again.",
            )
        plan.copies[destination] = source
        plan.steps.append({"type": "copy", "source": name, "destination": destination})

    def _plan_permission(self, plan: Plan, permission: Permission) -> None:
        named = _plain(permission.object)
        if named in plan.copies:
            found = [named] if "file" in permission.types else []
        else:
            candidates = list(plan.copies) if "file" in permission.types else []
            candidates += sorted(plan.folders) if "directory" in permission.types else []
            found = [one for one in candidates if _covers(permission, named, one)]
        for path in found:
            if path in plan.set_on:
                raise CommandError(
                    UNKNOWN,
                    f"{FAILED} the permissions setting for ({path}) is specified more than once in the application "
                    "specification file. Update the files section of the AppSpec file, and then try again.",
                )
            plan.set_on.add(path)
            plan.steps += _permission_steps(permission, path)

    def _do(self, step: dict[str, str], note: Callable[[str], object]) -> None:
        """One step; what it makes is noted first, so that nothing can be left behind unnoted."""
        kind = step["type"]
        if kind == "copy":
            note(step["destination"] + "\n")
            self._copy(self.settings.on_machine(step["source"]), self.settings.on_machine(step["destination"]))
        elif kind == "mkdir":
            note(step["directory"] + "\n")
            self.settings.on_machine(step["directory"]).mkdir(exist_ok=True)
        elif kind == "chmod":
            self.settings.on_machine(step["file"]).chmod(int(step["mode"], 8))
        elif kind == "chown":
            self._own(step)
        else:
            self.warn(
                f"{step['file']}: {kind} {step['value']} is not done, this instance is a folder of another machine"
            )

    def _copy(self, source: Path, destination: Path) -> None:
        if os.path.lexists(destination) and self.file_exists == "OVERWRITE":
            destination.unlink()
        if source.is_symlink():
            destination.symlink_to(os.readlink(source))
        else:
            shutil.copy2(source, destination)

    def _own(self, step: dict[str, str]) -> None:
        try:
            user = pwd.getpwnam(step["owner"]).pw_uid if step["owner"] else -1
            group = grp.getgrnam(step["group"]).gr_gid if step["group"] else -1
            os.chown(self.settings.on_machine(step["file"]), user, group)
        except (KeyError, PermissionError):
            wanted = ":".join(part for part in (step["owner"], step["group"]) if part)
            self.warn(f"{step['file']} cannot be given to {wanted} here: it stays with the user of the lab")


def _plan_mkdir(plan: Plan, folder: str) -> None:
    if folder in plan.copies:
        raise CommandError(
            UNKNOWN,
            f"{FAILED} the application specification file includes an mkdir command more than once for the same "
            f"destination path ({folder}). Update the files section of the AppSpec file, and then try again.",
        )
    if folder not in plan.folders:
        plan.folders.add(folder)
        plan.steps.append({"type": "mkdir", "directory": folder})


def _permission_steps(permission: Permission, path: str) -> list[dict[str, str]]:
    steps = []
    if permission.mode is not None:
        steps.append({"type": "chmod", "file": path, "mode": f"{permission.mode:o}"})
    if permission.acls:
        steps.append({"type": "setfacl", "file": path, "value": ",".join(permission.acls)})
    if permission.context:
        steps.append({"type": "semanage", "file": path, "value": permission.context.type})
    if permission.owner or permission.group:
        owner = {"owner": permission.owner or "", "group": permission.group or ""}
        steps.append({"type": "chown", "file": path, **owner})
    return steps


def _covers(permission: Permission, named: str, path: str) -> bool:
    """`**` is everything below the object; other patterns are for what lies directly in it."""
    prefix = named.rstrip("/") + "/"
    if not path.startswith(prefix):
        return False
    inner = path.removeprefix(prefix)
    if any(_simple_match(inner, one) for one in permission.except_):
        return False
    return permission.pattern == "**" or _simple_match(inner, permission.pattern)


def _simple_match(name: str, pattern: str) -> bool:
    parts = (".*" if char == "*" else re.escape(char) for char in pattern)
    return "/" not in name and re.fullmatch("".join(parts), name, re.DOTALL) is not None


def _plain(path: str) -> str:
    return os.path.normpath("/" + path).replace("//", "/")
