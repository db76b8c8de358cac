"""What CodePipeline's source action gets from CodeCommit: a commit's files as a zip in the artifact bucket.

AWS has this under a permission of its own and outside its public API ("CodeCommit permissions reference":
UploadArchive, for CodePipeline's service role). It works while the caller waits, so there is no status to ask for.
"""

from collections.abc import AsyncIterator
from pathlib import Path

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.service import Service
from labsupport.cloud.services.codecommit import objects, process, storage
from labsupport.cloud.services.codecommit.base import REPOSITORY, Params, is_full_id, wanted

service = Service("codecommit-archive", "codecommit", "codecommit.amazonaws.com", "aws.codecommit")


@service.operation(on=REPOSITORY)
async def upload_archive(call: Call, params: Params) -> Params:
    """Write the zip as the caller, who needs s3:PutObject and the key's permissions for it."""
    repository, commit_id = wanted(call, params), params["commitId"]
    if not is_full_id(commit_id):
        raise AwsError("InvalidCommitIdException", f"{commit_id} is not a full commit id.")
    path = (await storage.ready(call, repository)).path
    if objects.commit_by_id(storage.git_at(path), commit_id) is None:
        raise AwsError("CommitDoesNotExistException", f"Commit {commit_id} does not exist")
    key = {"SSEKMSKeyId": params["kmsKeyId"]} if "kmsKeyId" in params else {}
    written = await call.aws("s3").put_object(
        Bucket=params["bucket"],
        Key=params["key"],
        Body=zipped(path, commit_id),
        ContentType="application/zip",
        ServerSideEncryption="aws:kms",
        **key,
    )
    return {"eTag": written.get("ETag"), "versionId": written.get("VersionId")}


async def zipped(path: Path, commit_id: str) -> AsyncIterator[bytes]:
    """A commit's files as a zip, with their modes and links; the same commit gives the same bytes."""
    async with process.git(["archive", "--format=zip", commit_id], folder=path) as git:
        git.stdin.close()
        async for part in git.output():
            yield part
        if await git.process.wait():
            raise AwsError("InternalFailure", f"git could not make an archive: {git.complaint.strip()}", 500)
