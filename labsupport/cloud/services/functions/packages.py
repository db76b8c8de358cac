"""A function's code: a zip file, checked when it comes, kept encrypted, unpacked where it runs, given out again."""

import asyncio
import base64
import hashlib
import hmac
import io
import shutil
import zipfile
from pathlib import Path

import msgspec

from labsupport.cloud.core import ids, vault
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest, HttpResponse
from labsupport.cloud.services.functions.base import Params, Settings, invalid, service
from labsupport.cloud.store.record import record
from labsupport.files import archive

ROUTE = "/_lambda/code/"
LARGEST_UNPACKED = 262_144_000  # bytes
LARGEST_DIRECT = 50 * 1024 * 1024  # of a zip file in the request itself
_PART = 1 << 20
_LINK_LIFE = 600  # seconds that a link to the code holds
_LIMITS = archive.Limits(size=LARGEST_UNPACKED)


@record("lambda.code", key=("id", "number"))
class Part(msgspec.Struct, kw_only=True):
    """A part of a package: like all records, encrypted at rest, and committed with the function that it belongs to."""

    id: str
    number: str
    data: bytes


class Package(msgspec.Struct, kw_only=True):
    data: bytes
    sha256: str


async def given(call: Call, code: Params) -> Package:
    """The package that CreateFunction's `Code` or UpdateFunctionCode gives."""
    if "ZipFile" in code and any(name in code for name in ("S3Bucket", "S3Key", "S3ObjectVersion")):
        raise invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
    if "ZipFile" in code:
        data = code["ZipFile"]
        if len(data) > LARGEST_DIRECT:
            message = f"Request must be smaller than {LARGEST_DIRECT} bytes for the code of a function; put it into S3"
            raise AwsError("RequestEntityTooLargeException", message, 413)
    elif code.get("S3Bucket") and code.get("S3Key"):
        data = await _from_s3(call, code)
    else:
        raise invalid("Please provide a source for function code.")
    await _check(call, data)
    return Package(data=data, sha256=base64.b64encode(hashlib.sha256(data).digest()).decode())


async def _from_s3(call: Call, code: Params) -> bytes:
    """The object is read as the caller, who needs the right to it."""
    version = {"VersionId": code["S3ObjectVersion"]} if code.get("S3ObjectVersion") else {}
    try:
        answer = await call.aws("s3").get_object(Bucket=code["S3Bucket"], Key=code["S3Key"], **version)
    except AwsError as error:
        if error.code == "NotSimulated":
            raise
        what = f"Error occurred while GetObject. S3 Error Code: {error.code}. S3 Error Message: {error.message}"
        failed = AwsError("AccessDeniedException", what, 403) if "AccessDenied" in error.code else invalid(what)
        failed.decision = error.decision
        raise failed from None
    body = answer["Body"]
    return bytes(body) if isinstance(body, bytes) else b"".join([part async for part in body])


async def _check(call: Call, data: bytes) -> None:
    """Refuse what is no zip file, is too large, or would lie elsewhere than in its folder: by unpacking it once."""
    if not data:
        raise invalid("Uploaded file must be a non-empty zip")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            size = sum(entry.file_size for entry in file.infolist())
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError):
        raise _no_zip() from None
    if size > LARGEST_UNPACKED:
        raise invalid(f"Unzipped size must be smaller than {LARGEST_UNPACKED} bytes")
    folder = working(call.cloud.home) / f"check-{ids.uuid4()}"
    try:
        await asyncio.to_thread(unpack, data, folder)
    except archive.ArchiveError:
        raise _no_zip() from None
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _no_zip() -> AwsError:
    return invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")


def working(home: Path) -> Path:
    """Where code lies unpacked, in the folder that is emptied when the cloud stops."""
    return home / "cache" / "functions"


def keep(call: Call, package: Package) -> str:
    """Store it, in the transaction that is open; its id."""
    number = ids.uuid4()
    for start in range(0, len(package.data), _PART):
        part = package.data[start : start + _PART]
        call.store.put(Part(id=number, number=f"{start // _PART:04d}", data=part))
    return number


def forget(call: Call, number: str) -> None:
    for part in list(call.store.list(Part, number)):
        call.store.delete(part)


def read(cloud: Cloud, number: str) -> bytes:
    return b"".join(part.data for part in cloud.store.list(Part, number))


def unpack(data: bytes, folder: Path) -> None:
    """Into a new folder; nothing of it can lie elsewhere. Blocks."""
    folder.mkdir(parents=True)
    archive.unpack(data, folder, _LIMITS)


# A link to the code, as GetFunction gives it


def link(call: Call, settings: Settings) -> str:
    until = int(call.epoch) + _LINK_LIFE
    host = call.host or call.cloud.settings.endpoint.partition("://")[2]
    scheme = "https" if call.tls else "http"
    signature = _signature(call.cloud, settings.code, until)
    return f"{scheme}://{host}{ROUTE}{settings.code}?X-Amz-Expires={until}&X-Amz-Signature={signature}"


def _signature(cloud: Cloud, number: str, until: int) -> str:
    return hmac.new(vault.derived(cloud.home, "lambda code"), f"{number}:{until}".encode(), "sha256").hexdigest()


async def route(cloud: Cloud, request: HttpRequest) -> HttpResponse:
    """A package, for who has a link to it that still holds."""
    number = request.raw_path.removeprefix(ROUTE)
    pairs = dict(pair.partition("=")[::2] for pair in request.query.split("&"))
    until = pairs.get("X-Amz-Expires", "")
    valid = until.isdigit() and len(until) < 12 and int(until) >= cloud.clock.epoch()
    signature = _signature(cloud, number, int(until)) if valid else ""
    if request.method != "GET" or not valid or not hmac.compare_digest(signature, pairs.get("X-Amz-Signature", "")):
        return HttpResponse(403, {"content-type": "text/plain"}, b"This link does not hold (any more): ask GetFunction")
    data = read(cloud, number)
    return HttpResponse(200 if data else 404, {"content-type": "application/zip"}, data)


service.route = route
