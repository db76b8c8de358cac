"""What a provider is given: the action, its configuration, its artifacts, and clients under the role."""

import io
import secrets
import string
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from labsupport.cloud.core.call import Call, Client
from labsupport.cloud.services.codepipeline.base import Action, Execution, Params
from labsupport.cloud.services.codepipeline.declaration import store

LARGEST_FILE = 3 * 1024 * 1024  # bytes that an action reads out of an artifact


class Failed(Exception):
    """The action has failed, with the code and message that GetPipelineState shows."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(slots=True)
class Work:
    """`save` keeps what the provider has noted in `action`, before it does what must not happen twice."""

    call: Call
    execution: Execution
    action: Action
    configuration: dict[str, str]
    client: Callable[[str], Client]
    save: Callable[[], None]

    @property
    def key_id(self) -> str | None:
        """The KMS key of the artifact store; `None`: the bucket's own default."""
        key = store(self.execution.declaration).get("encryptionKey")
        return key["id"] if key else None

    def encryption(self) -> Params:
        """PutObject's parameters for an artifact: under the store's key, or the bucket's default."""
        if self.key_id is None:
            return {}
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.key_id}

    def overrides(self) -> dict[str, str]:
        """The revisions of this source that the start has asked for, by their type (COMMIT_ID, …)."""
        return self.execution.overrides.get(self.action.name, {})

    def new_outputs(self) -> list[Params]:
        """Where this action's output artifacts go: `pipeline/artifact/random`, as AWS names them. Chosen once."""
        if not self.action.outputs:
            bucket = store(self.execution.declaration)["location"]
            names = [one["name"] for one in self.action.declaration.get("outputArtifacts", [])]
            self.action.outputs = [{"name": one, "s3location": self._location(bucket, one)} for one in names]
            self.save()
        return self.action.outputs

    def _location(self, bucket: str, name: str) -> dict[str, str]:
        letters = string.ascii_letters + string.digits
        ending = "".join(secrets.choice(letters) for _ in range(7))
        return {"bucket": bucket, "key": f"{self.execution.pipeline[:20]}/{name[:10]}/{ending}"}

    def note(self, *, summary: str = "", external_id: str = "", watch: str = "", **state: Any) -> None:
        """Remember something of the work outside; `watch` is the id whose event wakes this action."""
        self.action.summary = summary or self.action.summary
        self.action.external_id = external_id or self.action.external_id
        if watch:
            self.action.state["watch"] = watch
        self.action.state |= state
        self.save()

    async def download(self, artifact: Params) -> bytes:
        place = artifact["s3location"]
        answer = await self.client("s3").get_object(Bucket=place["bucket"], Key=place["key"])
        return await read(answer["Body"])

    async def read_file(self, path: str) -> bytes:
        """A file of an input artifact, named `Artifact::path/in/it`."""
        name, _, inner = path.partition("::")
        artifact = next((one for one in self.action.inputs if one["name"] == name), None)
        if artifact is None or not inner:
            raise Failed("ConfigurationError", f"{path} does not name a file of an input artifact (Artifact::path)")
        try:
            with zipfile.ZipFile(io.BytesIO(await self.download(artifact))) as archive:
                return _member(archive, inner, path)
        except zipfile.BadZipFile:
            raise Failed("InvalidArtifact", f"The artifact {name} is not a zip file") from None


async def read(body: bytes | AsyncIterator[bytes]) -> bytes:
    """An object's content, whichever way S3 gives it."""
    return body if isinstance(body, bytes) else b"".join([part async for part in body])


def _member(archive: zipfile.ZipFile, inner: str, path: str) -> bytes:
    try:
        info = archive.getinfo(inner)
    except KeyError:
        raise Failed("ConfigurationError", f"File {path} does not exist in the artifact") from None
    if info.file_size > LARGEST_FILE:
        raise Failed("ConfigurationError", f"File {path} is larger than {LARGEST_FILE} bytes")
    return archive.read(info)
