"""Request bodies: those that name or describe a call are read at once, uploads once the call has been authorised."""

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest

LARGEST = 8 * 1024 * 1024  # bytes of a call that is no upload; AWS's own limits are lower for every service here,
LARGER = {"lambda": 70_167_211}  # but for those that take code in a call
_SUBRESOURCES = {"tagging", "acl", "retention", "legal-hold", "torrent", "restore", "renameObject", "encryption"}


async def read_unless_upload(request: HttpRequest, service: str | None) -> None:
    """Read the body of a request that names its operation in it or beside it; leave an S3 upload's alone, even one
    that has come already: whether a caller is told of a wrong checksum must not hang on how fast it came.

    `service` is the one that the request is signed for.
    """
    request.is_upload = service in (None, "s3") and _is_upload(request)
    if request.is_upload or request.stream is None:
        return
    parts, size, largest = [], 0, LARGER.get(service or "", LARGEST)
    async for part in request.parts():
        size += len(part)
        if size > largest:
            raise AwsError("RequestEntityTooLarge", f"The request is larger than {largest} bytes.", 413)
        parts.append(part)
    request.body, request.stream = b"".join(parts), None


def _is_upload(request: HttpRequest) -> bool:
    """A PUT of an S3 object or part: no form, no target, a path below a bucket, no subresource but a part's."""
    if request.method != "PUT" or "x-amz-target" in request.headers or "x-amz-copy-source" in request.headers:
        return False
    below_bucket = request.raw_path.removeprefix("/").partition("/")[2] != ""  # a key may be a slash itself
    if not request.query:
        return below_bucket
    names = {pair.partition("=")[0] for pair in request.query.split("&") if pair}
    return below_bucket and not names & _SUBRESOURCES
