"""An HTTP request and its response as the cloud's inner rooms see them, free of any server's types."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # what no header's value may hold: all control characters but tab


@dataclass(slots=True)
class HttpRequest:
    """One request. Header names are lower case; `raw_path` and `query` are as sent, still percent-encoded."""

    method: str
    raw_path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    client: str = "127.0.0.1"
    secure: bool = False
    tls: str = ""  # its version, as OpenSSL calls it: TLSv1.3
    stream: AsyncIterator[bytes] | None = None  # a body that has not come yet (uploads, git)
    is_upload: bool = False  # the body is for the handler, and nobody looks at it before
    gone: Callable[[], Awaitable[None]] | None = None  # returns when the client has gone; only once the body is read

    async def parts(self) -> AsyncIterator[bytes]:
        """The body, whether it has come already or not."""
        if self.body:
            yield self.body
        if self.stream is not None:
            async for part in self.stream:
                yield part


@dataclass(slots=True)
class HttpResponse:
    """One response; a body that is an iterator is sent as it comes."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | AsyncIterator[bytes] = b""
