"""Bytes of output -> lines of text. Pure."""

from dataclasses import dataclass, field

# CloudWatch Logs takes 256 KiB an event; a line this long is read by nobody.
LONGEST_LINE = 32 << 10


@dataclass
class Lines:
    """Collects bytes and gives whole lines, in pieces where one is longer than `longest` bytes.

    What is not UTF-8 becomes the replacement character; no character is torn apart.
    """

    longest: int = LONGEST_LINE
    rest: bytes = field(default=b"", init=False)

    def feed(self, data: bytes) -> list[str]:
        *whole, self.rest = (self.rest + data).split(b"\n")
        found = [piece for line in whole for piece in self.pieces(line.removesuffix(b"\r"))]
        if len(self.rest) > self.longest:
            *full, self.rest = self.cut(self.rest)
            found += [_text(piece) for piece in full]
        return found

    def flush(self, last: bool = True) -> list[str]:
        """What has come of a line so far; except for the `last` time, half a character waits for its rest."""
        ready, self.rest = (self.rest, b"") if last else _whole_characters(self.rest)
        return [_text(ready)] if ready else []

    def pieces(self, line: bytes) -> list[str]:
        return [_text(piece) for piece in self.cut(line)]

    def cut(self, line: bytes) -> list[bytes]:
        parts = []
        while len(line) > self.longest:
            piece, _ = _whole_characters(line[: self.longest])
            parts.append(piece or line[: self.longest])
            line = line[len(parts[-1]) :]
        return [*parts, line]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _whole_characters(data: bytes) -> tuple[bytes, bytes]:
    """Splits off the beginning of a character at the end, if there is one."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return (data[:-back], data[-back:]) if length > back else (data, b"")
        if byte & 0x80 == 0:
            break
    return data, b""
