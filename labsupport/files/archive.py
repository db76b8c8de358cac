"""Zip and tar files that somebody else made, unpacked safely; and zip files of our own.

Nothing is written outside the folder, not even through a link; what an archive claims and what it
holds are both limited. All of this blocks: call it from a worker thread where an event loop runs.
"""

import gzip
import io
import lzma
import os
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

_CHUNK = 1 << 18
_LONGEST_LINK = 4096
_EARLIEST = (1980, 1, 1, 0, 0, 0)
# What the standard library's readers raise for damaged files, found by damaging files.
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
    IndexError,
    NotImplementedError,
    RuntimeError,
)


class ArchiveError(Exception):
    """An archive that is not unpacked or cannot be made: the entry it fails at ("" for the whole) and the cause."""

    def __init__(self, entry: str, cause: str) -> None:
        self.entry, self.cause = entry, cause
        super().__init__(f"{entry!r}: {cause}" if entry else cause)


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold: entries, bytes once unpacked, and how many times its own size that may be.

    The ratio counts from `ratio_from` bytes on: small files of one letter are no attack.
    """

    entries: int = 50_000
    size: int = 1 << 30
    ratio: int = 200
    ratio_from: int = 32 << 20


@dataclass
class _Entry:
    """One entry as it says it is. `open` gives its bytes, `target` is where a link points."""

    name: str
    kind: str
    mode: int
    size: int
    target: str = ""
    open: Callable[[], IO[bytes]] = io.BytesIO


def unpack(source: bytes | Path, folder: Path, limits: Limits = Limits(), *, overwrite: bool = False) -> list[str]:
    """Unpacks a zip, tar or tar.gz (told apart by its first bytes) and gives the names of its files and links.

    Modes and links that stay inside are kept. Refused, with nothing left behind: names and links that leave the
    folder, hard links, devices, a name twice, more than `limits`. `overwrite` lets files replace what was there.
    Raises ArchiveError.
    """
    stream: IO[bytes] = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    with stream:
        work = _Unpacking(folder, limits, _length(stream), overwrite)
        try:
            for entry in _entries(stream, limits):
                work.add(entry)
            work.link()
        except BaseException as error:
            work.undo()
            if isinstance(error, _BROKEN):
                raise ArchiveError(work.at, f"the archive is damaged or of a kind that is not read ({error})") from None
            if isinstance(error, OSError):
                raise ArchiveError(work.at, f"it cannot be read or written: {error.strerror or error}") from None
            raise
        work.finish()
    return work.names


def _length(stream: IO[bytes]) -> int:
    length = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    return length


def _entries(stream: IO[bytes], limits: Limits) -> Iterator[_Entry]:
    magic = stream.read(4)
    stream.seek(0)
    if magic[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _zip_entries(stream, limits)
    if magic[:2] == b"\x1f\x8b":
        return _tar_entries(_Counted(gzip.GzipFile(fileobj=stream), limits.size))
    return _tar_entries(_Counted(stream, limits.size))


def _zip_entries(stream: IO[bytes], limits: Limits) -> Iterator[_Entry]:
    with zipfile.ZipFile(stream) as archive:
        if len(archive.infolist()) > limits.entries:
            raise ArchiveError("", f"it holds more than {limits.entries:,} entries")
        for info in archive.infolist():
            yield _zip_entry(archive, info)


def _zip_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Entry:
    mode = info.external_attr >> 16
    # Some tools on Windows write their own separator.
    name = info.filename.replace("\\", "/") if info.create_system in (0, 10) else info.filename
    if info.flag_bits & 1:
        raise ArchiveError(name, "it is encrypted")
    if stat.S_ISLNK(mode):
        if info.file_size > _LONGEST_LINK:
            raise ArchiveError(name, "it is a link with an impossibly long target")
        return _Entry(name, "link", mode, 0, os.fsdecode(archive.read(info)))
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ArchiveError(name, "it is a device or another special file")
    if name.endswith("/"):
        return _Entry(name, "folder", mode or 0o755, 0)
    return _Entry(name, "file", mode or 0o644, info.file_size, open=lambda: archive.open(info))


def _tar_entries(stream: Any) -> Iterator[_Entry]:
    try:
        archive = tarfile.open(fileobj=stream, mode="r|", errors="surrogateescape")  # noqa: SIM115
    except tarfile.ReadError:
        raise ArchiveError("", "this is neither a zip, a tar nor a tar.gz file") from None
    with archive:
        for member in archive:
            yield _tar_entry(archive, member)


def _tar_entry(archive: tarfile.TarFile, member: tarfile.TarInfo) -> _Entry:
    if member.isdir():
        return _Entry(member.name, "folder", member.mode, 0)
    if member.issym():
        return _Entry(member.name, "link", member.mode, 0, member.linkname)
    if member.islnk():
        raise ArchiveError(member.name, f"it is a hard link (to {member.linkname!r})")
    if not member.isreg():
        raise ArchiveError(member.name, "it is a device or another special file")

    def content() -> IO[bytes]:
        opened = archive.extractfile(member)
        return opened if opened is not None else io.BytesIO()

    return _Entry(member.name, "file", member.mode, member.size, open=content)


@dataclass
class _Counted:
    """Reads no further than a limit, so that headers that unpack to gigabytes are stopped too."""

    stream: Any
    limit: int
    read_so_far: int = 0

    def read(self, size: int) -> bytes:
        chunk: bytes = self.stream.read(size)
        self.read_so_far += len(chunk)
        # Headers and padding come on top of the contents, which are counted one by one.
        if self.read_so_far > self.limit + (self.limit >> 2) + (1 << 20):
            raise ArchiveError("", f"it unpacks to more than {self.limit:,} bytes")
        return chunk


@dataclass
class _Unpacking:
    folder: Path
    limits: Limits
    packed: int
    overwrite: bool
    names: list[str] = field(default_factory=list)
    at: str = ""
    written: int = 0
    seen: set[str] = field(default_factory=set)
    made: list[Path] = field(default_factory=list)
    links: list[tuple[Path, _Entry]] = field(default_factory=list)
    folders: list[tuple[Path, int]] = field(default_factory=list)

    def add(self, entry: _Entry) -> None:
        self.at = entry.name
        if len(self.seen) >= self.limits.entries:
            raise ArchiveError("", f"it holds more than {self.limits.entries:,} entries")
        parts = _parts(entry.name)
        if not parts:
            return
        name = "/".join(parts)
        if name in self.seen and entry.kind != "folder":
            raise ArchiveError(entry.name, "the name stands twice in the archive")
        self.seen.add(name)
        path = self.folder.joinpath(*parts)
        self.parents(parts[:-1])
        if entry.kind == "folder":
            self.parents(parts)
            self.folders.append((path, entry.mode & 0o777 | 0o700))
        elif entry.kind == "link":
            _check_target(entry, parts)
            self.links.append((path, entry))
            self.names.append(name)
        else:
            self.file(entry, path)
            self.names.append(name)

    def parents(self, parts: list[str]) -> None:
        """Makes the folders on the way; never steps through a link, so nothing can be written elsewhere."""
        path = self.folder
        path.mkdir(parents=True, exist_ok=True)
        for part in parts:
            path = path / part
            if path.is_symlink() or (path.exists() and not path.is_dir()):
                raise ArchiveError(self.at, "the folder it lies in is a file or a link")
            if not path.exists():
                path.mkdir()
                self.made.append(path)

    def file(self, entry: _Entry, path: Path) -> None:
        self.claim(entry.size)
        self.clear(path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        self.made.append(path)
        with os.fdopen(descriptor, "wb") as target, entry.open() as content:
            while chunk := content.read(_CHUNK):
                self.written += len(chunk)
                self.claim(0)
                target.write(chunk)
        path.chmod(entry.mode & 0o777 | 0o600)

    def claim(self, size: int) -> None:
        total = self.written + size
        if total > self.limits.size:
            raise ArchiveError(self.at, f"the archive unpacks to more than {self.limits.size:,} bytes")
        if total > self.limits.ratio_from and total > self.packed * self.limits.ratio:
            raise ArchiveError(self.at, f"the archive unpacks to more than {self.limits.ratio} times its size")

    def clear(self, path: Path) -> None:
        if not os.path.lexists(path):
            return
        if not self.overwrite or path in self.made:
            raise ArchiveError(self.at, "a file of that name (perhaps in other letter case) is there already")
        if path.is_dir() and not path.is_symlink():
            raise ArchiveError(self.at, "a folder of that name is there already")
        path.unlink()

    def link(self) -> None:
        """Links come last: until they all stand, nothing is written, and each must then lead to a place inside."""
        for path, entry in self.links:
            self.at = entry.name
            self.clear(path)
            path.symlink_to(entry.target)
            self.made.append(path)
        root = os.path.realpath(self.folder)
        for path, entry in self.links:
            real = os.path.realpath(path)
            if real != root and not real.startswith(root.rstrip(os.sep) + os.sep):
                raise ArchiveError(entry.name, f"it is a link that leaves the folder (to {entry.target!r})")

    def finish(self) -> None:
        for path, mode in reversed(self.folders):
            path.chmod(mode)

    def undo(self) -> None:
        for path in reversed(self.made):
            with suppress(OSError):
                if path.is_dir() and not path.is_symlink():
                    path.rmdir()
                else:
                    path.unlink()


def _parts(name: str) -> list[str]:
    if name.startswith("/") or re.match(r"[A-Za-z]:[\\/]", name):
        raise ArchiveError(name, "it has an absolute path")
    if "\0" in name:
        raise ArchiveError(name, "its name is no file name")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ArchiveError(name, "its path leaves the folder (..)")
    if any(len(os.fsencode(part)) > 255 for part in parts) or len(os.fsencode(name)) > 4096:
        raise ArchiveError(name[:60] + "…", "its name is too long")
    return parts


def _check_target(entry: _Entry, parts: list[str]) -> None:
    """Refuses a link that leaves the folder as written, before anything follows it."""
    target = entry.target
    if not target or "\0" in target:
        raise ArchiveError(entry.name, "it is a link to nowhere")
    reached = os.path.normpath(os.path.join(*parts[:-1], target)) if parts[:-1] else os.path.normpath(target)
    if target.startswith("/") or reached == ".." or reached.startswith("../"):
        raise ArchiveError(entry.name, f"it is a link that leaves the folder (to {target!r})")


def pack(
    entries: Iterable[tuple[Path, str]],
    target: Path,
    *,
    fixed_times: bool = False,
    links: bool = False,
) -> Path:
    """Makes a zip file of files and folders on disk, each under the name given, sorted by name; modes are kept.

    `entries` is what `globs.select` gives. `fixed_times` makes the same contents the same bytes. `links` keeps
    symbolic links as links; otherwise what they lead to is packed. The file appears whole or not at all.
    Raises ArchiveError.
    """
    part = target.with_name(target.name + ".part")
    at = ""
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, name in sorted(entries, key=lambda entry: entry[1]):
                if at == name:
                    raise ValueError("the name stands twice")
                at = name
                _put(archive, path, name, fixed_times, links)
        os.replace(part, target)
    except (OSError, ValueError) as error:
        raise ArchiveError(at, f"it cannot be packed: {getattr(error, 'strerror', None) or error}") from None
    finally:
        part.unlink(missing_ok=True)
    return target


def _put(archive: zipfile.ZipFile, path: Path, name: str, fixed_times: bool, links: bool) -> None:
    link = links and path.is_symlink()
    status = path.lstat() if link else path.stat()
    info = zipfile.ZipInfo(name.rstrip("/"), _EARLIEST)
    if not fixed_times:
        info = zipfile.ZipInfo.from_file(path, name.rstrip("/"), strict_timestamps=False)
    folder = stat.S_ISDIR(status.st_mode)
    if not (folder or link or stat.S_ISREG(status.st_mode)):
        raise ValueError("it is a device or another special file")
    info.filename = name.rstrip("/") + ("/" if folder else "")
    # 3 is Unix: it says that the upper half of the attributes is a mode.
    info.create_system = 3
    info.external_attr = (status.st_mode & 0xFFFF) << 16 | (0x10 if folder else 0)
    info.compress_type = zipfile.ZIP_STORED if folder or link else archive.compression
    info.file_size = 0 if folder or link else status.st_size
    if folder:
        archive.writestr(info, b"")
    elif link:
        archive.writestr(info, os.fsencode(os.readlink(path)))
    else:
        with path.open("rb") as content, archive.open(info, "w") as packed:
            shutil.copyfileobj(content, packed, _CHUNK)


def pack_folder(folder: Path, target: Path, *, fixed_times: bool = False) -> Path:
    """Makes a zip file of all that a folder holds, links as links, empty folders too. Raises ArchiveError."""
    entries = [
        (Path(where) / name, str((Path(where) / name).relative_to(folder)))
        for where, folders, files in os.walk(folder)
        for name in (*folders, *files)
        if _packable(Path(where) / name) and Path(where) / name not in (target, target.with_name(target.name + ".part"))
    ]
    return pack(entries, target, fixed_times=fixed_times, links=True)


def _packable(path: Path) -> bool:
    return path.is_symlink() or path.is_dir() or path.is_file()
