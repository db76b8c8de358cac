"""What a build gives out: the files that its buildspec's patterns mean, into S3 under the service role."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.runner.shell import Shell
from labsupport.cloud.services.codebuild.base import DEFAULT_KEY, Params
from labsupport.cloud.services.codebuild.buildspec import Artifacts, Buildspec
from labsupport.cloud.services.codebuild.places import is_packed, place, shown_place
from labsupport.cloud.services.codebuild.progress import PhaseError
from labsupport.cloud.services.codebuild.run import Run, in_thread, sentence
from labsupport.files import globs
from labsupport.files.archive import ArchiveError, pack

_CHUNK = 1 << 20
_AT_ONCE = 8 << 20  # bytes; a larger file is read in pieces while it is sent
_CLIENT_ERROR = "CLIENT_ERROR"
Files = list[tuple[Path, str]]


async def upload(run: Run, shell: Shell, buildspec: Buildspec) -> None:
    """Collect, pack and upload all artifacts. Raises PhaseError."""
    primary, secondary = run.settings["artifacts"], run.settings.get("secondaryArtifacts", [])
    # Where a pipeline wants several outputs, each is a secondary artifact, the first one too.
    if not (primary["type"] == "CODEPIPELINE" and secondary) and _wanted(primary):
        if buildspec.artifacts is None:
            raise PhaseError(_CLIENT_ERROR, "no definition for the primary artifact found in the buildspec")
        run.build.artifacts = await _one(run, shell, buildspec.artifacts, primary)
    if secondary:
        run.build.secondary_artifacts = [await _secondary(run, shell, buildspec, one) for one in secondary]


def _wanted(settings: Params) -> bool:
    return settings["type"] == "S3" or (settings["type"] == "CODEPIPELINE" and bool(settings.get("location")))


async def _secondary(run: Run, shell: Shell, buildspec: Buildspec, settings: Params) -> Params:
    identifier = settings["artifactIdentifier"]
    if not _wanted(settings):
        return shown_place(run.build, settings)
    run.log.say(f"Preparing to copy secondary artifacts {identifier}")
    artifacts = buildspec.secondary_artifacts.get(identifier)
    if artifacts is None:
        message = f"no definition for secondary artifact {identifier} found in the buildspec"
        raise PhaseError(_CLIENT_ERROR, message)
    return await _one(run, shell, artifacts, settings)


async def _one(run: Run, shell: Shell, artifacts: Artifacts, settings: Params) -> Params:
    identifier = settings.get("artifactIdentifier", "")
    files = await collect(run, shell, artifacts, f" for artifact {identifier}" if identifier else "")
    name = await _expanded(shell, artifacts.name) if artifacts.name else None
    bucket, key = place(run.build, settings, name, artifacts.s3_prefix)
    shown = shown_place(run.build, settings, name, artifacts.s3_prefix)
    try:
        if not is_packed(settings):
            for path, file in files:
                await _put(run, settings, bucket, "/".join(part for part in (key, file) if part), path, {})
            return shown
        target = run.folder / "tmp" / f"{identifier or 'primary'}.zip"
        await in_thread(pack, files, target, links=artifacts.enable_symlinks)
        sums = await in_thread(_sums, target)
        await _put(run, settings, bucket, key, target, sums)
    except AwsError as error:
        raise PhaseError(_CLIENT_ERROR, sentence(error)) from None
    except ArchiveError as error:
        raise PhaseError(_CLIENT_ERROR, f"the artifacts cannot be packed: {error}") from None
    return {**shown, "sha256sum": sums["sha256"], "md5sum": sums["md5"]}


async def collect(run: Run, shell: Shell, artifacts: Artifacts, whose: str = "") -> Files:
    """The files that an artifacts section means, with their names in the artifact. Raises PhaseError."""
    base = await _expanded(shell, artifacts.base_directory or ".")
    patterns = [await _expanded(shell, pattern) for pattern in artifacts.files]
    excluded = [await _expanded(shell, pattern) for pattern in artifacts.exclude_paths]
    root, inner = _root(run, base)
    run.log.say(f"Expanding base directory path: {base}")
    run.log.say("Assembling file list")
    run.log.say(f"Expanding {base}")
    try:
        if not await in_thread(globs.bases, root, inner):
            raise PhaseError(_CLIENT_ERROR, f"no matching base directory path found for {base}")
        run.log.say(f"Expanding file paths for base directory {base}")
        run.log.say("Assembling file list")
        for pattern in patterns:
            run.log.say(f"Expanding {pattern}")
        found = await in_thread(
            globs.select, root, patterns, inner, excluded, artifacts.discard_paths, artifacts.enable_symlinks
        )
    except globs.PatternError as error:
        raise PhaseError(_CLIENT_ERROR, f"invalid artifact path {error}{whose}") from None
    _tell_missing(run, patterns, found)
    if not found:
        raise PhaseError(_CLIENT_ERROR, f"no matching artifact paths found{whose}")
    run.log.say(f"Found {len(found)} file(s)")
    return found


def _root(run: Run, base: str) -> tuple[Path, str | None]:
    """The source that a base directory lies in, and the base directory from there: patterns stay within one source."""
    if not base.startswith("/"):
        return run.source, base
    for folder in run.sources.values():
        if Path(base).is_relative_to(folder):
            return folder, str(Path(base).relative_to(folder))
    return run.source, base


def _tell_missing(run: Run, patterns: list[str], found: Files) -> None:
    names = {path.name for path, _ in found}
    for pattern in patterns:
        plain = not any(character in pattern for character in "*?[{")
        if plain and pattern.rstrip("/").rpartition("/")[2] not in names:
            run.log.say(f"Skipping invalid file path {pattern}")


async def _expanded(shell: Shell, text: str) -> str:
    return await shell.expand(text) if "$" in text or "`" in text else text


def _sums(path: Path) -> dict[str, str]:
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            sha256.update(chunk)
            md5.update(chunk)
    return {"sha256": sha256.hexdigest(), "md5": md5.hexdigest()}


async def _put(run: Run, settings: Params, bucket: str, key: str, path: Path, sums: dict[str, str]) -> None:
    metadata = {"codebuild-buildarn": run.build.arn, **{f"codebuild-content-{name}": sums[name] for name in sums}}
    size = path.stat().st_size
    body = await in_thread(path.read_bytes) if size <= _AT_ONCE else _pieces(path)
    await run.client("s3").put_object(
        Bucket=bucket, Key=key, Body=body, Metadata=metadata, **_encryption(run, settings)
    )


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await in_thread(file.read, _CHUNK):
            yield chunk


def _encryption(run: Run, settings: Params) -> Params:
    """Under the build's key, or AWS's own for S3. Where the project disables that, the bucket's default counts."""
    if settings.get("encryptionDisabled"):
        return {}
    key = run.settings.get("encryptionKey", "")
    own = {} if not key or key.endswith(DEFAULT_KEY) else {"SSEKMSKeyId": key}
    return {"ServerSideEncryption": "aws:kms", **own}
