"""Reading a buildspec's values by what they should be, with CodeBuild's words where they are not."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from labsupport.files.yamlfile import Document, Path


class BuildspecError(Exception):
    """A buildspec that CodeBuild does not take: a phase context (`code`, `message`) of the DOWNLOAD_SOURCE phase.

    `message` is what CodeBuild says; `place` adds file, line and column, and what may help.
    """

    code = "YAML_FILE_ERROR"

    def __init__(self, message: str, name: str, line: int = 0, column: int = 0, hint: str = "") -> None:
        self.message, self.name, self.line, self.column, self.hint = message, name, line, column, hint
        super().__init__(f"{self.code}: {message} ({self.place})")

    @property
    def place(self) -> str:
        spot = f"{self.name}, line {self.line}, column {self.column}" if self.line else self.name
        return f"{spot}: {self.hint}" if self.hint else spot


@dataclass(frozen=True)
class Spot:
    """One value of the file and where it stands. `notes` collects what is odd but taken, for the build's log."""

    document: Document
    value: Any
    path: Path = ()
    notes: list[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The name of the nearest key, as CodeBuild's messages write it (`Commands`)."""
        return next((str(part) for part in reversed(self.path) if isinstance(part, str)), "file").capitalize()

    @property
    def line(self) -> int:
        return self.document.mark(self.path).line

    def error(self, message: str) -> BuildspecError:
        mark = self.document.mark(self.path)
        return BuildspecError(message, self.document.name, mark.line, mark.column)

    def wrong(self, wanted: str, at: str = "") -> BuildspecError:
        """CodeBuild's sentence for a value of the wrong kind: it blames the line above too, for a key without value."""
        message = f"Expected {self.label}{at} to be of {wanted} type: found {self.kind} instead at line {self.line}"
        return self.error(f"{message}, value of the key tag on line {max(self.line - 1, 1)} might be empty")

    @property
    def kind(self) -> str:
        kinds = {dict: "subkeys", list: "a list", type(None): "nothing", str: "a string"}
        return kinds.get(type(self.value), f"'{self.document.text(self.path)}'")

    def note(self, text: str) -> None:
        self.notes.append(f"{self.document.name}, line {self.line}: {text}")

    def at(self, key: str | int, value: Any) -> "Spot":
        return Spot(self.document, value, (*self.path, key), self.notes)

    def get(self, key: str) -> "Spot | None":
        """The value under a key; None where the key is missing or has no value."""
        value = self.value.get(key) if isinstance(self.value, dict) else None
        return None if value is None else self.at(key, value)

    def fields(self, known: Iterable[str]) -> "Spot":
        """This as a mapping of known keys. Others are ignored, as CodeBuild does, and noted."""
        names = list(known)
        for key in self.mapping().value:
            if key not in names:
                near = difflib.get_close_matches(key, names, 1)
                hint = f"; did you mean '{near[0]}'?" if near else ""
                self.at(key, None).note(f"'{key}' has no meaning here and is ignored{hint}")
        return self

    def mapping(self) -> "Spot":
        if not isinstance(self.value, dict):
            raise self.wrong("mapping")
        return self

    def entries(self) -> Iterator[tuple[str, "Spot"]]:
        for key, value in self.mapping().value.items():
            yield key, self.at(key, value)

    def text(self, at: str = "") -> str:
        """A scalar as it was written: `3.10` stays `3.10`, `yes` stays `yes`, nothing is the empty text."""
        if isinstance(self.value, dict | list):
            raise self.wrong("string", at)
        if self.value is None:
            return ""
        return self.value if isinstance(self.value, str) else self.document.text(self.path) or str(self.value)

    def texts(self) -> list[str]:
        """A list of scalars, or one scalar in place of a list."""
        if not isinstance(self.value, list):
            return [self.text()]
        found = []
        for index, value in enumerate(self.value):
            item = self.at(index, value)
            if value is None:
                raise item.wrong("string", f"[{index}]")
            found.append(item.text(f"[{index}]"))
        return found

    def table(self) -> dict[str, str]:
        return {key: spot.text() for key, spot in self.entries()}

    def flag(self) -> bool:
        if isinstance(self.value, bool):
            return self.value
        if isinstance(self.value, str) and self.value.lower() in ("yes", "no", "true", "false"):
            return self.value.lower() in ("yes", "true")
        raise self.wrong("boolean")

    def one_of(self, choices: Iterable[str]) -> str:
        """A text out of a few, in any letter case."""
        text = self.text()
        found = next((choice for choice in choices if choice.lower() == text.lower()), None)
        if found is None:
            raise self.error(f"Invalid {self.path[-1]}: {text}. Expecting: {','.join(choices)} at line {self.line}")
        return found


def text(spot: Spot | None) -> str | None:
    return spot.text() if spot else None


def texts(spot: Spot | None) -> list[str]:
    return spot.texts() if spot else []


def table(spot: Spot | None) -> dict[str, str]:
    return spot.table() if spot else {}


def flag(spot: Spot | None) -> bool:
    return spot.flag() if spot else False
