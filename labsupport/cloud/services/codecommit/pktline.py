"""git's packet lines (git's documentation: "gitprotocol-common", "gitprotocol-pack"). Pure."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

FLUSH = b"0000"
_LARGEST = 65520  # bytes of a packet, its length included
_SPECIAL = {0: "flush", 1: "delimiter", 2: "end"}


class Malformed(ValueError):
    """Bytes that are no packet lines, or not those that belong here."""


class Command(NamedTuple):
    """One reference that a push changes; ids are 40 hex digits, zeros for none."""

    old: str
    new: str
    ref: str


class Push(NamedTuple):
    """The head of a push, before the pack. `length` is how many bytes it takes."""

    commands: list[Command]
    capabilities: list[str]
    length: int


def packet(data: bytes) -> bytes:
    return b"%04x" % (len(data) + 4) + data


def read(buffer: bytes, start: int) -> tuple[bytes | None, int] | None:
    """The packet at `start` (`None` as its content: a flush or delimiter) and where the next begins.

    `None` alone where the buffer ends before the packet does.
    """
    head = buffer[start : start + 4]
    if len(head) < 4:
        return None
    try:
        length = int(head, 16) if head.isalnum() else -1
    except ValueError:
        length = -1
    if length in _SPECIAL:
        return None, start + 4
    if not 4 <= length <= _LARGEST:
        raise Malformed(f"{head!r} is not the length of a packet line.")
    end = start + length
    return (buffer[start + 4 : end], end) if len(buffer) >= end else None


def lines(buffer: bytes) -> Iterator[bytes]:
    """The contents of the whole packets at the front of a buffer, flushes left out."""
    place = 0
    while (found := read(buffer, place)) is not None:
        content, place = found
        if content is not None:
            yield content


def push_head(buffer: bytes) -> Push | None:
    """The commands of a push up to their flush; None while the buffer doesn't hold them all."""
    commands: list[Command] = []
    capabilities: list[str] = []
    place = 0
    while (found := read(buffer, place)) is not None:
        content, place = found
        if content is None:
            return Push(commands, capabilities, place)
        if content.startswith(b"shallow "):
            continue
        line, _, after = content.partition(b"\0")
        if not commands:
            capabilities = after.decode("utf-8", "replace").split()
        commands.append(_command(line.rstrip(b"\n")))
    return None


def _command(line: bytes) -> Command:
    try:
        old, new, ref = line.decode("utf-8").split(" ", 2)
    except ValueError:
        raise Malformed("A command of a push is not of the form: old id, new id, reference.") from None
    if any(len(one) != 40 or set(one) - set("0123456789abcdef") for one in (old, new)):
        raise Malformed("A command of a push has an object id that is not 40 hexadecimal digits.")
    return Command(old, new, ref)


def refusal(push: Push, reasons: dict[str, str], message: str) -> bytes:
    """The answer to a push of which nothing is done: a reason for each reference, and a message for people.

    `message` is what git prints after `remote:`; only clients that ask for a side band can be sent one.
    """
    report = packet(b"unpack ok\n")
    for command in push.commands:
        report += packet(f"ng {command.ref} {_one_line(reasons[command.ref])}\n".encode())
    report += FLUSH
    if "side-band-64k" not in push.capabilities:
        return report
    told = b"".join(side_band(2, [f"{line}\n".encode() for line in message.splitlines()]))
    return told + b"".join(side_band(1, [report])) + FLUSH


def side_band(channel: int, parts: Iterable[bytes]) -> Iterator[bytes]:
    room = _LARGEST - 5
    for part in parts:
        for start in range(0, len(part), room):
            yield packet(bytes([channel]) + part[start : start + room])


def _one_line(text: str) -> str:
    return " ".join(text.split())
