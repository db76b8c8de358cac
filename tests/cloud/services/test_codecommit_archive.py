"""What CodePipeline's source action gets: a commit as a zip in the artifact bucket, under the pipeline's role."""

import io
import json
import stat
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from codecommit_help import trail

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codecommit import archive, storage
from labsupport.cloud.services.codecommit.base import Repository
from labsupport.files.archive import unpack

ACCOUNT, REGION = "123456789012", "us-east-1"
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@pytest.fixture(scope="module")
def committed(shared_cloud: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The repository `source` has one commit of many kinds of files; its id."""
    codecommit = shared_cloud.client("codecommit")
    codecommit.create_repository(repositoryName="source")
    answer = codecommit.create_commit(
        repositoryName="source",
        branchName="main",
        putFiles=[
            {"filePath": "run.sh", "fileContent": b"#!/bin/sh\n", "fileMode": "EXECUTABLE"},
            {"filePath": "deep/er/text", "fileContent": b"a\r\nb\n$Id$\n"},
            {"filePath": "link", "fileContent": b"run.sh", "fileMode": "SYMLINK"},
            {"filePath": "left-out", "fileContent": b"is in all the same: $Format:%H$"},
            {
                "filePath": ".gitattributes",
                "fileContent": b"left-out export-ignore\nleft-out export-subst\n* text eol=crlf ident\n",
            },
        ],
    )
    found: str = answer["commitId"]
    return found


def zipped(cloud: Any, commit_id: str) -> bytes:
    async def collect(running: Any) -> bytes:
        repository = running.store.get(Repository, ACCOUNT, REGION, "source")
        path = storage.path_of(running, repository)
        return b"".join([part async for part in archive.zipped(path, commit_id)])

    found: bytes = cloud.on_loop(collect)
    return found


def test_a_zip_holds_what_was_committed(shared_cloud: Any, committed: str) -> None:
    found = zipfile.ZipFile(io.BytesIO(zipped(shared_cloud, committed)))
    files = {info.filename: info for info in found.infolist() if not info.is_dir()}
    assert sorted(files) == [".gitattributes", "deep/er/text", "left-out", "link", "run.sh"]
    assert found.read("deep/er/text") == b"a\r\nb\n$Id$\n"
    assert found.read("left-out") == b"is in all the same: $Format:%H$"
    modes = {name: info.external_attr >> 16 for name, info in files.items()}
    assert modes["run.sh"] & 0o111
    assert stat.S_ISLNK(modes["link"])
    assert found.read("link") == b"run.sh"


def test_the_same_commit_gives_the_same_bytes(shared_cloud: Any, committed: str, monkeypatch: Any) -> None:
    first = zipped(shared_cloud, committed)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    assert zipped(shared_cloud, committed) == first


def test_unpacked_it_runs(shared_cloud: Any, committed: str, tmp_path: Path) -> None:
    unpack(zipped(shared_cloud, committed), tmp_path)
    subprocess.run(["./run.sh"], cwd=tmp_path, check=True)
    assert (tmp_path / "link").readlink() == Path("run.sh")


def test_an_archive_that_fails_is_an_error(shared_cloud: Any, committed: str) -> None:
    with pytest.raises(AwsError, match="git could not make an archive"):
        zipped(shared_cloud, "1" * 40)


def role(cloud: Any, name: str, *statements: dict[str, Any]) -> str:
    """A role that CodePipeline may assume."""
    iam = cloud.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    own = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=own)
    return arn


def upload(cloud: Any, arn: str, **params: str) -> dict[str, Any]:
    """As CodePipeline's source action does it."""

    async def call(running: Any) -> Any:
        pipeline = running.service("codepipeline")
        caller = Call(
            running, pipeline, "source", running.way_in.caller(cloud.keys()["aws_access_key_id"]), ACCOUNT, REGION
        )
        return await caller.aws("codecommit-archive", role=arn, session="run-1").upload_archive(
            **{"repositoryName": "source", "bucket": "artifacts", "key": "p/source.zip", **params}
        )

    found: dict[str, Any] = cloud.on_loop(call)
    return found


@pytest.fixture(scope="module")
def bucket(shared_cloud: Any) -> Any:
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket="artifacts")
    s3.put_bucket_versioning(Bucket="artifacts", VersioningConfiguration={"Status": "Enabled"})
    return s3


def test_uploaded_under_the_role_and_its_key(shared_cloud: Any, bucket: Any, committed: str) -> None:
    key = shared_cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    arn = role(
        shared_cloud,
        "pipeline",
        {"Effect": "Allow", "Action": "codecommit:UploadArchive", "Resource": f"arn:aws:codecommit:*:{ACCOUNT}:source"},
        {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": "arn:aws:s3:::artifacts/*"},
        {"Effect": "Allow", "Action": ["kms:GenerateDataKey*", "kms:Decrypt"], "Resource": key},
    )
    written = upload(shared_cloud, arn, commitId=committed, kmsKeyId=key)
    head = bucket.get_object(Bucket="artifacts", Key="p/source.zip")
    assert head["Body"].read() == zipped(shared_cloud, committed)
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)
    assert (written["versionId"], written["eTag"]) == (head["VersionId"], head["ETag"])
    seen = trail(shared_cloud, "UploadArchive")[-1]
    assert seen["userIdentity"]["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/pipeline/run-1"
    assert seen["requestParameters"]["commitId"] == committed


@pytest.mark.parametrize(
    ("lacking", "sentence"),
    [
        (
            "codecommit:UploadArchive",
            f"codecommit:UploadArchive on resource: arn:aws:codecommit:{REGION}:{ACCOUNT}:source",
        ),
        ("s3:PutObject", "s3:PutObject on resource"),
    ],
)
def test_what_the_role_lacks(shared_cloud: Any, bucket: Any, committed: str, lacking: str, sentence: str) -> None:
    name = f"lacks-{lacking.partition(':')[0]}"
    arn = role(shared_cloud, name, ALL, {"Effect": "Deny", "Action": lacking, "Resource": "*"})
    with pytest.raises(AwsError, match=sentence) as caught:
        upload(shared_cloud, arn, commitId=committed, key="none.zip")
    assert caught.value.code.startswith("AccessDenied")
    assert "Contents" not in bucket.list_objects_v2(Bucket="artifacts", Prefix="none")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"commitId": "1" * 40}, "CommitDoesNotExistException"),
        ({"commitId": "main"}, "InvalidCommitIdException"),
        ({"commitId": "1" * 40, "repositoryName": "nowhere"}, "RepositoryDoesNotExistException"),
        ({"commitId": "1" * 40, "repositoryName": "a/b"}, "ValidationException"),
    ],
)
def test_what_cannot_be_uploaded(shared_cloud: Any, committed: str, params: dict[str, str], code: str) -> None:
    arn = role(shared_cloud, f"{code}-{len(params)}-{params['commitId'][:1]}", ALL)
    with pytest.raises(AwsError) as caught:
        upload(shared_cloud, arn, **params)
    assert caught.value.code == code


def test_no_client_can_call_it_from_outside(shared_cloud: Any, committed: str) -> None:
    codecommit = shared_cloud.own_client("codecommit")
    codecommit.meta.events.register(
        "before-sign.codecommit.*",
        lambda request, **_: request.headers.__setitem__("X-Amz-Target", "CodeCommitArchive.UploadArchive"),
    )
    with pytest.raises(Exception, match="UnknownOperation"):
        codecommit.get_repository(repositoryName="source")
