"""Reading an AppSpec's values, and the error that tells what is wrong with them."""

from dataclasses import dataclass, field
from typing import Any

from labsupport.files.yamlfile import Document, DocumentError, Path

FAILED = "The deployment failed because"
# What the service says of the files that it reads itself, those for Lambda and ECS.
INVALID = "the AppSpec file that specifies the deployment configuration is missing or has an invalid configuration."


class AppspecError(Exception):
    """An AppSpec that is refused. `message` is one or more sentences as AWS's agent has them; `place` says where."""

    def __init__(self, message: str, failure: DocumentError) -> None:
        self.message = message.removesuffix(".") + "."
        self.name, self.line, self.column = failure.name, failure.line, failure.column
        super().__init__(f"{self.message} ({self.place})")

    @property
    def place(self) -> str:
        return f"{self.name}, line {self.line}, column {self.column}" if self.line else self.name


@dataclass(frozen=True)
class Entry:
    """One value of the file and where it stands. `notes` is shared by all of a file."""

    document: Document
    value: Any
    path: Path = ()
    notes: list[str] = field(default_factory=list)

    def failure(self) -> DocumentError:
        return self.document.error(self.path, "")

    def error(self, because: str) -> AppspecError:
        return AppspecError(f"{FAILED} {because}", self.failure())

    def note(self, text: str) -> None:
        self.notes.append(f"{self.document.name}, line {self.document.mark(self.path).line}: {text}")

    def at(self, key: str | int, value: Any) -> "Entry":
        return Entry(self.document, value, (*self.path, key), self.notes)

    def get(self, key: str) -> "Entry | None":
        """The value under a key; None where the key is missing or has no value."""
        value = self.value.get(key) if isinstance(self.value, dict) else None
        return None if value is None else self.at(key, value)

    def folded(self) -> "Entry":
        """The same with its keys in small letters: for Lambda and ECS they may be written either way."""
        if not isinstance(self.value, dict):
            return self
        _fold(self.document.marks, self.path)
        _fold(self.document.texts, self.path)
        return Entry(self.document, {key.lower(): value for key, value in self.value.items()}, self.path, self.notes)

    def known(self, *keys: str) -> None:
        """Notes the keys that are none of these: AWS's agent passes over them in silence."""
        for key in self.value:
            if key not in keys:
                self.at(key, None).note(f"{key} has no meaning here and is ignored")

    def text(self) -> str:
        """A scalar as it was written: `0755` stays `0755`."""
        if isinstance(self.value, dict | list):
            raise self.error(
                f"the application specification file has {'a mapping' if isinstance(self.value, dict) else 'a list'} "
                f"where a text belongs ({self.path[-1]})"
            )
        if self.value is None:
            return ""
        return self.value if isinstance(self.value, str) else self.document.text(self.path) or str(self.value)

    def listed(self, key: str) -> list["Entry"]:
        """The items under a key, none where it is missing or empty."""
        entry = self.get(key)
        if entry is None:
            return []
        if not isinstance(entry.value, list):
            raise entry.error(f"the {key} section of the application specification file is not a list")
        return [entry.at(index, value) for index, value in enumerate(entry.value)]


def _fold(table: dict[Path, Any], above: Path) -> None:
    at = len(above)
    for path, known in list(table.items()):
        if len(path) > at and path[:at] == above and isinstance(key := path[at], str):
            table[(*above, key.lower(), *path[at + 1 :])] = known
