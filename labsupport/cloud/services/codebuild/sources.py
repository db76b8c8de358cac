"""Getting a build's sources: out of S3, out of a pipeline's artifacts, out of CodeCommit; all under its role."""

from collections.abc import Iterator
from pathlib import Path

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codebuild.base import Params, bucket_and_key
from labsupport.cloud.services.codebuild.checkout import CheckoutError, check_out
from labsupport.cloud.services.codebuild.progress import PhaseError
from labsupport.cloud.services.codebuild.run import Run, in_thread, sentence
from labsupport.files.archive import ArchiveError, unpack

_OUTPUT = "output"


async def download(run: Run) -> None:
    """Fill a folder for each source, the primary first. Raises PhaseError."""
    settings = run.settings
    secondary = settings.get("secondarySources", [])
    versions = {one["sourceIdentifier"]: one["sourceVersion"] for one in settings.get("secondarySourceVersions", [])}
    # As at CodeBuild: one source lies in src, several in src/s3/00, src/s3/01 and so on.
    folders = [run.folder / _OUTPUT / "src" / f"s3/{number:02d}" for number in range(len(secondary) + 1)]
    if not secondary:
        folders = [run.folder / _OUTPUT / "src"]
    await _one(run, "", settings["source"], settings.get("sourceVersion", ""), folders[0])
    for source, folder in zip(secondary, folders[1:], strict=True):
        name = source["sourceIdentifier"]
        await _one(run, name, source, versions.get(name, ""), folder)


async def _one(run: Run, identifier: str, source: Params, version: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    run.sources[identifier] = folder
    try:
        await _fill(run, identifier, source, version, folder)
    except AwsError as error:
        raise _failed(sentence(error), identifier, version) from None
    except CheckoutError as error:
        raise _failed(str(error), identifier, version) from None
    except ArchiveError as error:
        raise _failed(f"the source archive cannot be unpacked: {error}", identifier, version) from None


def _failed(message: str, identifier: str, version: str) -> PhaseError:
    which = f"secondary source {identifier}" if identifier else "primary source"
    ending = f" and source version {version}" if version else ""
    return PhaseError("CLIENT_ERROR", f"{message} for {which}{ending}", inside=False)


async def _fill(run: Run, identifier: str, source: Params, version: str, folder: Path) -> None:
    kind = source["type"]
    if kind == "CODEPIPELINE":
        await _zip(run, *bucket_and_key(version), "", folder)
    elif kind == "S3":
        await _from_s3(run, source, version, folder)
    elif kind == "CODECOMMIT":
        commit = await check_out(run, source, version, folder)
        run.build.resolved = run.build.resolved if identifier else commit


async def _from_s3(run: Run, source: Params, version: str, folder: Path) -> None:
    bucket, key = bucket_and_key(source["location"])
    if not key.endswith("/"):
        await _zip(run, bucket, key, version, folder)
        return
    if version:
        raise AwsError("InvalidInput", "Source version should be empty for S3 folder source location")
    for name in _names(run, bucket, key):
        await _object(run, bucket, name, "", _inside(folder, name.removeprefix(key)))


def _inside(folder: Path, name: str) -> Path:
    target = folder.joinpath(*[part for part in name.split("/") if part not in ("", ".", "..")])
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _names(run: Run, bucket: str, prefix: str) -> Iterator[str]:
    """The keys of a folder's objects, without those that only mark folders."""
    more: Params = {}
    while True:
        page = run.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix, **more)
        yield from (one["Key"] for one in page.get("Contents", []) if not one["Key"].endswith("/"))
        if not page["IsTruncated"]:
            return
        more = {"ContinuationToken": page["NextContinuationToken"]}


async def _zip(run: Run, bucket: str, key: str, version: str, folder: Path) -> None:
    archive = run.folder / "source.zip"
    await _object(run, bucket, key, version, archive)
    await in_thread(unpack, archive, folder)
    archive.unlink()


async def _object(run: Run, bucket: str, key: str, version: str, target: Path) -> None:
    more = {"VersionId": version} if version else {}
    answer = await run.client("s3").get_object(Bucket=bucket, Key=key, **more)
    body = answer["Body"]
    with target.open("wb") as file:
        if isinstance(body, bytes):
            file.write(body)
            return
        async for chunk in body:
            file.write(chunk)


async def object_text(run: Run, arn: str) -> bytes:
    """The bytes of a small object, such as a buildspec that lies in a bucket. Raises AwsError."""
    target = run.folder / "object"
    await _object(run, *bucket_and_key(arn), "", target)
    return target.read_bytes()
