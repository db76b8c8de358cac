"""What a build gives out: chosen files, packed or not, where and how encrypted; and what is refused."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from codebuild_help import LOGS, STORAGE, Works, allow, names_in, new_role, phases, reasons, spec

BUCKET = "artifacts-bucket"
FILES = "mkdir -p out/deep src; echo a > out/a.txt; echo b > out/deep/b.txt; echo c > src/c.py; touch out/.hidden"
ZIP = {"type": "S3", "location": BUCKET, "packaging": "ZIP"}


@pytest.fixture(scope="module")
def works(shared_cloud: Any) -> Works:
    shared_cloud.client("s3").create_bucket(Bucket=BUCKET)
    found = Works(shared_cloud, "artifacts")
    found.project(artifacts={**ZIP, "name": "made.zip"})
    return found


@pytest.fixture
def storage(works: Works) -> Iterator[Any]:
    """An S3 client; the bucket is empty afterwards."""
    client = works.cloud.client("s3")
    yield client
    for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=one["Key"])


def keys(storage: Any) -> list[str]:
    return [one["Key"] for one in storage.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def body(storage: Any, key: str) -> bytes:
    data: bytes = storage.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return data


def making(**artifacts: Any) -> str:
    return spec(FILES, artifacts=artifacts)


@pytest.mark.parametrize(
    ("artifacts", "names"),
    [
        ({"files": ["**/*"]}, ["out/.hidden", "out/a.txt", "out/deep/b.txt", "src/c.py"]),
        ({"files": ["out/*"]}, ["out/.hidden", "out/a.txt"]),
        ({"files": ["**/*.txt"]}, ["out/a.txt", "out/deep/b.txt"]),
        ({"files": ["**/*"], "base-directory": "out"}, [".hidden", "a.txt", "deep/b.txt"]),
        ({"files": ["**/*"], "base-directory": "$CODEBUILD_SRC_DIR/src"}, ["c.py"]),
        ({"files": ["**/*"], "base-directory": "o*"}, [".hidden", "a.txt", "deep/b.txt"]),
        ({"files": ["**/*.txt"], "discard-paths": "yes"}, ["a.txt", "b.txt"]),
        ({"files": ["**/*"], "exclude-paths": ["out/**/*"]}, ["src/c.py"]),
        ({"files": ["src/c.py", "nothing.txt"]}, ["src/c.py"]),
        ({"files": ["out/`echo a`.txt"]}, ["out/a.txt"]),
    ],
)
def test_which_files(works: Works, storage: Any, artifacts: dict[str, Any], names: list[str]) -> None:
    build = works.run(making(**artifacts))
    assert build["buildStatus"] == "SUCCEEDED", reasons(build)
    assert names_in(body(storage, "made.zip")) == names
    log = works.log(build)
    assert f"[Container] Found {len(names)} file(s)" in log
    assert ("[Container] Skipping invalid file path nothing.txt" in log) is ("nothing.txt" in artifacts["files"])


@pytest.mark.parametrize(
    ("artifacts", "message"),
    [
        ({"files": ["missing/*"]}, "no matching artifact paths found"),
        ({"files": ["**/*"], "base-directory": "cdk.out"}, "no matching base directory path found for cdk.out"),
        ({"files": ["../../*"]}, "invalid artifact path"),
        ({"files": ["/etc/passwd"]}, "invalid artifact path"),
    ],
)
def test_no_such_files(works: Works, storage: Any, artifacts: dict[str, Any], message: str) -> None:
    build = works.run(making(**artifacts))
    assert build["buildStatus"] == "FAILED"
    code, found = reasons(build)["UPLOAD_ARTIFACTS"]
    assert (code, message in found) == ("CLIENT_ERROR", True)
    assert keys(storage) == []


def test_a_project_wants_artifacts_and_the_buildspec_has_none(works: Works) -> None:
    build = works.run(spec("true"))
    assert reasons(build)["UPLOAD_ARTIFACTS"][0] == "CLIENT_ERROR"


@pytest.mark.parametrize(
    ("settings", "artifacts", "found"),
    [
        ({}, {}, ["artifacts/out/a.txt"]),
        ({"name": "/"}, {}, ["out/a.txt"]),
        ({"path": "to/", "name": "x"}, {}, ["to/x/out/a.txt"]),
        ({"namespaceType": "BUILD_ID", "path": "to", "name": "x"}, {}, ["to/{id}/x/out/a.txt"]),
        ({"namespaceType": "BUILD_ID", "name": "x"}, {"s3-prefix": "pre"}, ["pre/{id}/x/out/a.txt"]),
        ({"packaging": "ZIP"}, {}, ["artifacts"]),
        ({"packaging": "ZIP", "path": "to", "name": "x.zip"}, {"s3-prefix": "pre"}, ["to/x.zip"]),
        ({"packaging": "ZIP", "name": "/"}, {}, ["artifacts"]),
        ({"packaging": "ZIP", "name": "x.zip"}, {"name": "other.zip"}, ["x.zip"]),
        ({"packaging": "ZIP", "overrideArtifactName": True}, {"name": "at-$(echo 1)-$NAME"}, ["at-1-spec"]),
        ({"packaging": "ZIP", "overrideArtifactName": True, "name": "x"}, {}, ["x"]),
    ],
)  # fmt: skip
def test_where_they_go(works: Works, storage: Any, settings: Any, artifacts: Any, found: list[str]) -> None:
    text = spec(FILES, env={"variables": {"NAME": "spec"}}, artifacts={"files": ["out/a.txt"], **artifacts})
    build = works.run(text, artifactsOverride={"type": "S3", "location": BUCKET, **settings})
    uuid = build["id"].partition(":")[2]
    expected = [key.format(id=uuid) for key in found]
    assert keys(storage) == expected
    place = expected[0].removesuffix("/out/a.txt").removesuffix("out/a.txt")
    assert build["artifacts"]["location"] == f"arn:aws:s3:::{BUCKET}/{place}".rstrip("/")


def test_sums_metadata_and_encryption(works: Works, storage: Any) -> None:
    build = works.run(making(files=["out/a.txt"]))
    data = body(storage, "made.zip")
    assert build["artifacts"]["sha256sum"] == hashlib.sha256(data).hexdigest()
    assert build["artifacts"]["md5sum"] == hashlib.md5(data).hexdigest()
    head = storage.head_object(Bucket=BUCKET, Key="made.zip")
    assert head["Metadata"]["codebuild-buildarn"] == build["arn"]
    assert head["Metadata"]["codebuild-content-sha256"] == build["artifacts"]["sha256sum"]
    assert head["ServerSideEncryption"] == "aws:kms"


def test_not_encrypted_by_codebuild(works: Works, storage: Any) -> None:
    works.run(making(files=["out/a.txt"]), artifactsOverride={**ZIP, "name": "plain.zip", "encryptionDisabled": True})
    assert storage.head_object(Bucket=BUCKET, Key="plain.zip")["ServerSideEncryption"] == "AES256"


def test_under_a_key_of_ones_own(works: Works, storage: Any) -> None:
    key = works.cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    build = works.run(making(files=["out/a.txt"]), encryptionKeyOverride=key)
    assert build["buildStatus"] == "FAILED"  # the role may not use the key
    assert "kms:GenerateDataKey" in reasons(build)["UPLOAD_ARTIFACTS"][1]
    role = new_role(works.cloud, "with-key", LOGS, STORAGE, allow("kms:GenerateDataKey", "kms:Decrypt", resource=key))
    build = works.run(making(files=["out/a.txt"]), encryptionKeyOverride=key, serviceRoleOverride=role)
    assert build["buildStatus"] == "SUCCEEDED", reasons(build)
    assert build["encryptionKey"] == key
    assert storage.head_object(Bucket=BUCKET, Key="made.zip")["SSEKMSKeyId"] == key


def test_a_role_that_may_not_write(works: Works, storage: Any) -> None:
    role = new_role(works.cloud, "no-writer", LOGS, allow("s3:GetObject"))
    build = works.run(making(files=["out/a.txt"]), serviceRoleOverride=role)
    session = f"AWSCodeBuild-{build['id'].partition(':')[2]}"
    code, message = reasons(build)["UPLOAD_ARTIFACTS"]
    assert code == "CLIENT_ERROR"
    assert message.startswith(
        f"AccessDenied: User: arn:aws:sts::123456789012:assumed-role/no-writer/{session} is not authorized to "
        "perform: s3:PutObject on resource: "
    )
    assert message.endswith("because no identity-based policy allows the s3:PutObject action status code: 403")
    assert phases(build)["FINALIZING"] == "SUCCEEDED"
    assert build["buildStatus"] == "FAILED"
    assert keys(storage) == []


def test_a_bucket_that_is_not_there(works: Works) -> None:
    other = {"type": "S3", "location": "no-such-bucket-anywhere", "packaging": "ZIP"}
    build = works.run(making(files=["out/a.txt"]), artifactsOverride=other)
    assert reasons(build)["UPLOAD_ARTIFACTS"][1].startswith("NoSuchBucket: ")


def test_a_failed_build_gives_out_what_it_has(works: Works, storage: Any) -> None:
    build = works.run(spec(FILES, "false", artifacts={"files": ["out/a.txt"]}))
    assert build["buildStatus"] == "FAILED"
    assert names_in(body(storage, "made.zip")) == ["out/a.txt"]


def test_secondary_artifacts(works: Works, storage: Any) -> None:
    text = making(files=["out/a.txt"], **{"secondary-artifacts": {
        "second": {"files": ["src/*"], "name": "of-spec"}, "third": {"files": ["**/*"], "base-directory": "out"},
    }})  # fmt: skip
    more = [
        {**ZIP, "artifactIdentifier": "second", "overrideArtifactName": True},
        {"type": "S3", "location": BUCKET, "artifactIdentifier": "third", "name": "folder"},
    ]
    build = works.run(text, secondaryArtifactsOverride=more)
    assert build["buildStatus"] == "SUCCEEDED", reasons(build)
    assert keys(storage) == ["folder/.hidden", "folder/a.txt", "folder/deep/b.txt", "made.zip", "of-spec"]
    assert [one["artifactIdentifier"] for one in build["secondaryArtifacts"]] == ["second", "third"]
    assert build["secondaryArtifacts"][0]["location"] == f"arn:aws:s3:::{BUCKET}/of-spec"


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"other": {"files": ["**/*"]}}, "no definition for secondary artifact second found in the buildspec"),
        ({"second": {"files": ["missing"]}}, "no matching artifact paths found for artifact second"),
    ],
)
def test_a_secondary_artifact_is_missing(works: Works, storage: Any, sections: Any, message: str) -> None:
    text = making(files=["out/a.txt"], **{"secondary-artifacts": sections})
    build = works.run(text, secondaryArtifactsOverride=[{**ZIP, "artifactIdentifier": "second"}])
    assert reasons(build)["UPLOAD_ARTIFACTS"] == ("CLIENT_ERROR", message)


def test_links(works: Works, storage: Any) -> None:
    text = spec(f"{FILES}; ln -s a.txt out/link; ln -s /etc out/away", artifacts={"files": ["out/**/*"]})
    works.run(text)
    assert names_in(body(storage, "made.zip")) == ["out/.hidden", "out/a.txt", "out/deep/b.txt", "out/link"]


def test_a_large_file(works: Works, storage: Any) -> None:
    """More than is held in memory at once."""
    text = spec("head -c 20000000 /dev/urandom > large", artifacts={"files": ["large"]})
    build = works.run(text, artifactsOverride={"type": "S3", "location": BUCKET, "name": "/"})
    assert build["buildStatus"] == "SUCCEEDED", reasons(build)
    assert storage.head_object(Bucket=BUCKET, Key="large")["ContentLength"] == 20_000_000
