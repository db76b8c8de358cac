"""A form with a file as browsers send it (RFC 7578), read as it comes: the fields first, the file as a stream."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import Message

from labsupport.cloud.core.errors import AwsError

MOST_FIELDS = 20 * 1024  # bytes of all fields but the file, names included
_NAME = re.compile(r'name="((?:[^"\\]|\\.)*)"')
_FILE = re.compile(r'filename="((?:[^"\\]|\\.)*)"')


@dataclass(slots=True)
class Form:
    """Fields by their names in lower case; what comes behind the file is left aside."""

    fields: dict[str, str]
    file_name: str
    file: AsyncIterator[bytes]


def malformed() -> AwsError:
    message = "The body of your POST request is not well-formed multipart/form-data."
    return AwsError("MalformedPOSTRequest", message, 400)


async def read_form(content_type: str, stream: AsyncIterator[bytes]) -> Form:
    reader = _Reader(stream, _boundary(content_type))
    fields: dict[str, str] = {}
    await reader.open()
    size = 0
    while (head := await reader.head()) is not None:
        name, file_name = _named(head)
        if name == "file":
            return Form(fields, file_name, reader.file())
        value = await reader.value(MOST_FIELDS - size)
        size += len(name) + len(value)
        fields[name] = _text(value)
    message = "POST requires exactly one file upload per request."
    raise AwsError("IncorrectNumberOfFilesInPostRequest", message, 400)


def _boundary(content_type: str) -> bytes:
    parsed = Message()
    parsed["content-type"] = content_type
    found = parsed.get_param("boundary")
    if not isinstance(found, str) or not 1 <= len(found) <= 70 or not found.isascii():
        raise malformed()
    return b"\r\n--" + found.encode()


def _named(head: bytes) -> tuple[str, str]:
    """A part's field, in lower case, and its file's name without folders."""
    lines = _text(head).split("\r\n")
    line = next((one for one in lines if one.lower().startswith("content-disposition:")), "")
    name, file = re.search(rf"(?<!file){_NAME.pattern}", line), _FILE.search(line)
    if name is None:
        raise malformed()
    return name[1].lower(), re.split(r"[/\\]", file[1])[-1] if file else ""


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise malformed() from None


class _Reader:
    """The parts between a form's boundaries."""

    def __init__(self, stream: AsyncIterator[bytes], boundary: bytes) -> None:
        self._stream = stream
        self._boundary = boundary
        self._held = bytearray(b"\r\n")  # the first boundary has no line before it

    async def open(self) -> None:
        await self._before(self._boundary, MOST_FIELDS)

    async def head(self) -> bytes | None:
        """The headers of the next part; None where the form ends."""
        line = await self._before(b"\r\n", 128)
        if line.startswith(b"--"):
            return None
        if line.strip():
            raise malformed()
        self._held[:0] = b"\r\n"
        return await self._before(b"\r\n\r\n", 4096)

    async def value(self, most: int) -> bytes:
        return await self._before(self._boundary, most)

    async def file(self) -> AsyncIterator[bytes]:
        keep = len(self._boundary)
        while True:
            end = self._held.find(self._boundary)
            if end >= 0:
                yield bytes(self._held[:end])
                return
            if len(self._held) > keep:
                yield bytes(self._held[:-keep])
                del self._held[:-keep]
            await self._more()

    async def _before(self, mark: bytes, most: int) -> bytes:
        """What stands before a mark, which goes with it."""
        while (end := self._held.find(mark)) < 0:
            if len(self._held) > most + len(mark):
                message = "Your POST request fields preceding the upload file were too large."
                raise AwsError("MaxPostPreDataLengthExceededError", message, 400)
            await self._more()
        found = bytes(self._held[:end])
        del self._held[: end + len(mark)]
        return found

    async def _more(self) -> None:
        part = await anext(self._stream, b"")
        if not part:
            raise malformed()
        self._held += part
