"""File patterns as CodeBuild's artifacts, reports and caches use them ("Build specification reference for CodeBuild").

`*` and `?` stay within one part of a path, `**` goes across folders, `[a-z]` and `{a,b}` choose. Names that
begin with a dot are matched like any others. Nothing outside the folder is ever selected, not through a link either.
"""

import fnmatch
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_WILD = re.compile(r"[*?\[]")
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")
_MOST_ALTERNATIVES = 256
_MOST_FILES = 200_000

# None stands for `**`: any number of folders.
_Part = re.Pattern[str] | None
_Parts = tuple[_Part, ...]


class PatternError(Exception):
    """A pattern that is not followed: it leaves the folder, or asks for more than is searched."""

    def __init__(self, pattern: str, cause: str) -> None:
        self.pattern, self.cause = pattern, cause
        super().__init__(f"{pattern}: {cause}")


def select(
    folder: Path,
    files: Iterable[str],
    base_directory: str | None = None,
    exclude: Iterable[str] = (),
    discard_paths: bool = False,
    links: bool = False,
) -> list[tuple[Path, str]]:
    """The files that the patterns mean, as (path on disk, name in the archive), sorted by name, each name once.

    Patterns are relative to the base directory or, without one, to the folder; an absolute pattern must lie within
    the folder. `base_directory` may itself be a pattern (`my-build*`); names begin beneath it. With `discard_paths`
    names are bare, and of two files of one name the later counts. `links` selects symbolic links as links; otherwise
    what they lead to is selected, where it lies within the folder. The name of a folder alone selects nothing.
    Raises PatternError.
    """
    search = _Search(folder, os.path.realpath(folder), links)
    excluded = [parts for pattern in exclude for parts in _excluding(pattern)]
    patterns = list(files)
    chosen: dict[str, Path] = {}
    for base in bases(folder, base_directory):
        for pattern in patterns:
            start, relative = _placed(folder, base, pattern)
            for name in search.matching(start, relative):
                if not any(_fits(parts, name.split("/")) for parts in excluded):
                    chosen[name] = start / name
    if discard_paths:
        chosen = {name.rpartition("/")[2]: path for name, path in sorted(chosen.items())}
    return [(path, name) for name, path in sorted(chosen.items())]


def bases(folder: Path, base_directory: str | None) -> list[Path]:
    """The folders that a base directory means: none, one or, for a pattern, several. Raises PatternError."""
    if base_directory is None:
        return [folder]
    start, relative = _placed(folder, folder, base_directory)
    found = [start]
    for part in relative.split("/") if relative else []:
        found = [
            entry for parent in found for entry in sorted(parent.iterdir()) if entry.is_dir() and _one(part, entry)
        ]
    root = os.path.realpath(folder)
    return [path for path in found if path.is_dir() and _inside(root, os.path.realpath(path))]


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern means a path written with slashes, without looking at any disk."""
    return any(_fits(parts, name.split("/")) for parts in _compiled(pattern))


def _one(pattern: str, path: Path) -> bool:
    return any(fnmatch.fnmatchcase(path.name, choice) for choice in _alternatives(pattern))


def _placed(folder: Path, base: Path, pattern: str) -> tuple[Path, str]:
    """Where a pattern begins, and the pattern from there, without `.` and doubled slashes."""
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise PatternError(pattern, "the path leaves the folder (..)")
    relative = "/".join(parts)
    if not pattern.startswith("/"):
        return base, relative
    for start in (base, folder):
        for written in (str(start), os.path.realpath(start)):
            prefix = written.strip("/")
            if relative == prefix or relative.startswith(prefix + "/"):
                return start, relative[len(prefix) + 1 :]
    raise PatternError(pattern, "the path is outside the folder")


def _alternatives(pattern: str) -> list[str]:
    """`a{b,c}` as `ab` and `ac`, innermost braces first."""
    done: list[str] = []
    waiting = [pattern]
    while waiting:
        current = waiting.pop()
        match = _BRACES.search(current)
        if match is None:
            done.append(current)
        else:
            waiting += [current[: match.start()] + choice + current[match.end() :] for choice in match[1].split(",")]
        if len(done) + len(waiting) > _MOST_ALTERNATIVES:
            raise PatternError(pattern, f"it stands for more than {_MOST_ALTERNATIVES} patterns")
    return done


def _compiled(pattern: str) -> list[_Parts]:
    return [tuple(_parts(choice)) for choice in _alternatives(pattern)]


def _parts(pattern: str) -> Iterator[_Part]:
    for text in pattern.split("/"):
        if text in ("", "."):
            continue
        # AWS lets `**` cross folders within a name too (`**.jar`, `build**`).
        if text.startswith("**"):
            yield None
        if text.strip("*") or len(text) == 1:
            yield _part(text)
            if text.endswith("**"):
                yield None


def _part(text: str) -> re.Pattern[str]:
    # fnmatch makes expressions that cannot run away, however many stars there are.
    return re.compile(fnmatch.translate(re.sub(r"\*+", "*", text).replace("[^", "[!")))


def _fits(parts: _Parts, names: list[str]) -> bool:
    """Follows all ways through the pattern at once, so that many `**` cost no more than few."""
    at = _closure(parts, {0})
    for name in names:
        ahead = set()
        for index in at:
            if index < len(parts):
                part = parts[index]
                if part is None:
                    ahead.add(index)
                elif part.match(name):
                    ahead.add(index + 1)
        at = _closure(parts, ahead)
    return len(parts) in at


def _closure(parts: _Parts, indexes: set[int]) -> set[int]:
    reached = set(indexes)
    for index in range(len(parts)):
        if index in reached and parts[index] is None:
            reached.add(index + 1)
    return reached


def _excluding(pattern: str) -> list[_Parts]:
    """AWS's examples exclude a file of any folder by `**/file-name/**/*`, so what stands before the tail counts too."""
    relative = "/".join(part for part in pattern.split("/") if part not in ("", "."))
    trimmed = re.sub(r"(/\*\*)?/\*\*?$", "", relative) if relative.endswith(("/**/*", "/**")) else relative
    return _compiled(relative) + (_compiled(trimmed) if trimmed != relative else [])


def _inside(root: str, path: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


@dataclass
class _Search:
    """Walks beneath the folder, each place once."""

    folder: Path
    root: str
    links: bool
    walked: dict[tuple[Path, str, int], list[str]] = field(default_factory=dict)
    found: int = 0

    def matching(self, start: Path, pattern: str) -> Iterator[str]:
        for choice in _alternatives(pattern):
            written = [part for part in choice.split("/") if part]
            fixed = next((i for i, part in enumerate(written) if _WILD.search(part)), len(written))
            if written and fixed == len(written):
                yield from self.single(start, "/".join(written))
            elif written:
                yield from self.walk_for(start, written, fixed)

    def single(self, start: Path, name: str) -> Iterator[str]:
        path = start / name
        if self.counts(path, path.is_symlink()):
            yield name

    def walk_for(self, start: Path, written: list[str], fixed: int) -> Iterator[str]:
        prefix = "/".join(written[:fixed])
        depth = _MOST_FILES if any("**" in part for part in written) else len(written) - fixed
        key = (start, prefix, depth)
        if key not in self.walked:
            self.walked[key] = list(self.walk(start / prefix, prefix, depth))
        parts = tuple(_parts("/".join(written)))
        yield from (name for name in self.walked[key] if _fits(parts, name.split("/")))

    def walk(self, top: Path, prefix: str, depth: int) -> Iterator[str]:
        """The names of the files beneath, without following any link to a place twice or out of the folder."""
        waiting = [(top, prefix, depth)]
        followed: set[str] = set()
        while waiting:
            path, name, left = waiting.pop()
            if not self.may_enter(path, followed):
                continue
            for entry in sorted(path.iterdir()):
                spelt = f"{name}/{entry.name}" if name else entry.name
                link = entry.is_symlink()
                if entry.is_dir() and not (link and self.links):
                    waiting += [(entry, spelt, left - 1)] if left > 1 else []
                elif self.counts(entry, link):
                    yield spelt

    def may_enter(self, path: Path, followed: set[str]) -> bool:
        if not path.is_dir():
            return False
        real = os.path.realpath(path)
        if not _inside(self.root, real):
            return False
        if path.is_symlink():
            # A link upward would go round for ever, and each folder is followed to by one link only.
            if real in followed or _inside(real, os.path.realpath(path.parent)):
                return False
            followed.add(real)
        return True

    def counts(self, path: Path, link: bool) -> bool:
        if not (path.is_file() or (link and self.links and path.exists())):
            return False
        self.found += 1
        if self.found > _MOST_FILES:
            raise PatternError("", f"more than {_MOST_FILES:,} files are there")
        return _inside(self.root, os.path.realpath(path))
