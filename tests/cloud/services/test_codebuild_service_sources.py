"""Where a build's sources come from: S3, a pipeline's artifacts, CodeCommit; always under the build's role."""

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from codebuild_help import LOGS, NO_ARTIFACTS, Works, allow, names_in, new_role, phases, reasons, spec, zipped

from labsupport.cloud.services.codebuild.checkout import failed_clone

BUCKET = "sources-bucket"
SHOW = spec("cat text.txt", "echo $CODEBUILD_SOURCE_VERSION")


@pytest.fixture(scope="module")
def works(shared_cloud: Any) -> Works:
    storage = shared_cloud.client("s3")
    storage.create_bucket(Bucket=BUCKET)
    storage.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    storage.put_object(Bucket=BUCKET, Key="source.zip", Body=zipped({"text.txt": "hello", "buildspec.yml": SHOW}))
    found = Works(shared_cloud, "sources")
    found.project(source={"type": "S3", "location": f"{BUCKET}/source.zip"})
    return found


def put(works: Works, key: str, data: bytes) -> str:
    answer = works.cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=data)
    version: str = answer["VersionId"]
    return version


def test_a_zip_file_in_s3(works: Works) -> None:
    build = works.run()
    assert works.output(build) == ["hello"]
    log = works.log(build)
    folder = next(line for line in log if "CODEBUILD_SRC_DIR=" in line).partition("=")[2]
    assert f"[Container] YAML location is {folder}/buildspec.yml" in log
    assert build["source"]["location"] == f"{BUCKET}/source.zip"


def test_a_version_of_it(works: Works) -> None:
    old = put(works, "many.zip", zipped({"text.txt": "old", "buildspec.yml": SHOW}))
    put(works, "many.zip", zipped({"text.txt": "new", "buildspec.yml": SHOW}))
    location = f"{BUCKET}/many.zip"
    assert works.output(works.run(sourceLocationOverride=location)) == ["new"]
    build = works.run(sourceLocationOverride=location, sourceVersion=old)
    assert works.output(build) == ["old", old]
    assert build["sourceVersion"] == old


def test_a_folder_in_s3(works: Works) -> None:
    for name in ("text.txt", "deep/er/x", "deep/"):
        put(works, f"folder/{name}", b"in a folder\n")
    text = spec("cat text.txt; find . -type f | sort")
    build = works.run(text, sourceLocationOverride=f"{BUCKET}/folder/")
    assert works.output(build) == ["in a folder", "./deep/er/x", "./text.txt"]
    build = works.run(text, sourceLocationOverride=f"{BUCKET}/folder/", sourceVersion="v1")
    assert "Source version should be empty for S3 folder source location" in reasons(build)["DOWNLOAD_SOURCE"][1]


def test_a_tar_file(works: Works) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        info = tarfile.TarInfo("text.txt")
        info.size = 3
        archive.addfile(info, io.BytesIO(b"tar"))
    put(works, "source.tar.gz", data.getvalue())
    assert works.output(works.run(SHOW, sourceLocationOverride=f"{BUCKET}/source.tar.gz")) == ["tar"]


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("missing.zip", "NoSuchKey: The specified key does not exist. status code: 404 for primary source"),
        ("no-zip", "the source archive cannot be unpacked: this is neither a zip, a tar nor a tar.gz file for primary"),
        ("escape.zip", "its path leaves the folder (..) for primary source"),
    ],
)
def test_a_source_that_cannot_be_had(works: Works, location: str, message: str) -> None:
    put(works, "no-zip", b"nothing of the kind")
    put(works, "escape.zip", zipped({"../escaped": "x"}))
    build = works.run(sourceLocationOverride=f"{BUCKET}/{location}")
    assert build["buildStatus"] == "FAILED"
    code, found = reasons(build)["DOWNLOAD_SOURCE"]
    assert code == "CLIENT_ERROR"
    assert message in found
    assert list(phases(build))[-3:] == ["DOWNLOAD_SOURCE", "FINALIZING", "COMPLETED"]
    assert works.log(build)[-1] == found


def test_a_role_that_may_not_read(works: Works) -> None:
    role = new_role(works.cloud, "no-reader", LOGS)
    build = works.run(serviceRoleOverride=role)
    found = reasons(build)["DOWNLOAD_SOURCE"][1]
    assert found.startswith("AccessDenied: User: arn:aws:sts::123456789012:assumed-role/no-reader/AWSCodeBuild-")
    assert "is not authorized to perform: s3:GetObject on resource: " in found
    assert found.endswith(" status code: 403 for primary source")


@pytest.mark.parametrize(
    ("buildspec", "ran"),
    [
        ("ci/other.yml", ["other"]),
        (f"arn:aws:s3:::{BUCKET}/specs/far.yml", ["far"]),
        ("version: 0.2\nphases: {build: {commands: [echo inline]}}", ["inline"]),
        ("", ["usual"]),
    ],
)
def test_where_the_buildspec_lies(works: Works, buildspec: str, ran: list[str]) -> None:
    put(works, "specs/far.yml", spec("echo far").encode())
    files = {"buildspec.yml": spec("echo usual"), "ci/other.yml": spec("echo other")}
    put(works, "with-specs.zip", zipped(files))
    assert works.output(works.run(buildspec, sourceLocationOverride=f"{BUCKET}/with-specs.zip")) == ran


@pytest.mark.parametrize(
    ("buildspec", "message"),
    [
        ("", "YAML file does not exist"),
        ("ci/missing.yml", "/output/src/ci/missing.yml: no such file or directory"),
        ("/etc/hostname", "stat /etc/hostname: no such file or directory"),
        (f"arn:aws:s3:::{BUCKET}/specs/missing.yml", "NoSuchKey: "),
    ],
)
def test_a_buildspec_that_is_not_there(works: Works, buildspec: str, message: str) -> None:
    put(works, "bare.zip", zipped({"text.txt": "x"}))
    build = works.run(buildspec, sourceLocationOverride=f"{BUCKET}/bare.zip")
    code, found = reasons(build)["DOWNLOAD_SOURCE"]
    assert (code, message in found) == ("YAML_FILE_ERROR", True)


def test_several_sources(works: Works) -> None:
    put(works, "lib.zip", zipped({"lib.txt": "library"}))
    text = spec(
        "cat text.txt; echo; cat $CODEBUILD_SRC_DIR_lib/lib.txt; echo; echo ${CODEBUILD_SRC_DIR_lib##*output/}",
        artifacts={"files": ["lib.txt"], "base-directory": "$CODEBUILD_SRC_DIR_lib"},
    )
    second = {"type": "S3", "location": f"{BUCKET}/lib.zip", "sourceIdentifier": "lib"}
    artifacts = {"type": "S3", "location": BUCKET, "packaging": "ZIP", "name": "of-lib.zip"}
    build = works.run(text, secondarySourcesOverride=[second], artifactsOverride=artifacts)
    assert works.output(build) == ["hello", "library", "src/s3/01"]
    data = works.cloud.client("s3").get_object(Bucket=BUCKET, Key="of-lib.zip")["Body"].read()
    assert names_in(data) == ["lib.txt"]
    assert build["secondarySources"][0]["sourceIdentifier"] == "lib"


def test_a_version_of_a_secondary_source(works: Works) -> None:
    old = put(works, "lib2.zip", zipped({"lib.txt": "old"}))
    put(works, "lib2.zip", zipped({"lib.txt": "new"}))
    second = {"type": "S3", "location": f"{BUCKET}/lib2.zip", "sourceIdentifier": "lib"}
    versions = [{"sourceIdentifier": "lib", "sourceVersion": old}]
    build = works.run(
        spec("cat $CODEBUILD_SRC_DIR_lib/lib.txt"), secondarySourcesOverride=[second],
        secondarySourcesVersionOverride=versions,
    )  # fmt: skip
    assert works.output(build) == ["old"]


# A pipeline's artifacts


@pytest.fixture(scope="module")
def piped(works: Works) -> Works:
    found = Works(works.cloud, "piped")
    found.project(
        works.codebuild.batch_get_projects(names=["sources"])["projects"][0]["serviceRole"],
        source={"type": "CODEPIPELINE"}, artifacts={"type": "CODEPIPELINE"},
    )  # fmt: skip
    return found


def test_out_of_and_into_a_pipelines_artifacts(piped: Works) -> None:
    buildspec = spec("cat text.txt", artifacts={"files": ["text.txt"]})
    put(piped, "pipe/Source/abc", zipped({"text.txt": "piped", "buildspec.yml": buildspec}))
    version = f"arn:aws:s3:::{BUCKET}/pipe/Source/abc"
    output = {"type": "CODEPIPELINE", "location": f"{BUCKET}/pipe/Build/def"}
    build = piped.run(sourceVersion=version, artifactsOverride=output)
    assert piped.output(build) == ["piped"]
    assert build["artifacts"]["location"] == f"arn:aws:s3:::{BUCKET}/pipe/Build/def"
    data = piped.cloud.client("s3").get_object(Bucket=BUCKET, Key="pipe/Build/def")["Body"].read()
    assert names_in(data) == ["text.txt"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({}, "ArtifactsOverride must be set when using artifacts type CodePipelines"),
        ({"artifactsOverride": {"type": "CODEPIPELINE", "location": "b/k"}}, "sourceVersion must be the ARN"),
        ({"artifactsOverride": NO_ARTIFACTS}, "both sourceType, and artifactType must be set to: CODEPIPELINE"),
    ],
)
def test_a_pipelines_project_by_itself(piped: Works, overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(piped.codebuild.exceptions.InvalidInputException, match=message):
        piped.start(**overrides)


def test_a_pipelines_project_without_its_pipeline(piped: Works) -> None:
    build = piped.run(spec("echo alone"), sourceTypeOverride="NO_SOURCE", artifactsOverride=NO_ARTIFACTS)
    assert piped.output(build) == ["alone"]


def pipelines_client(works: Works, role: str, pipeline: str = "release") -> Any:
    """CodeBuild as a pipeline calls it: in a session of its role that CodePipeline has begun."""

    def assume(cloud: Any) -> dict[str, Any]:
        from labsupport.cloud.core.call import Call
        from labsupport.cloud.core.identity import service_principal
        from labsupport.cloud.core.ids import session_name

        service = cloud.service("codepipeline")
        caller = service_principal(service.principal, "123456789012")
        call = Call(cloud, service, "act", caller, "123456789012", "us-east-1")
        answer = call.aws("sts", as_service=True).assume_role(RoleArn=role, RoleSessionName=session_name(pipeline))
        found: dict[str, Any] = answer["Credentials"]
        return found

    return works.cloud.client("codebuild", credentials=works.cloud.on_loop(assume))


def test_a_pipeline_of_one_letter_is_the_initiator(works: Works) -> None:
    role = new_role(works.cloud, "letter", allow("codebuild:*"), service="codepipeline")
    text = spec("echo alone")
    build = pipelines_client(works, role, "P").start_build(
        projectName="sources", buildspecOverride=text, sourceTypeOverride="NO_SOURCE", artifactsOverride=NO_ARTIFACTS
    )["build"]
    assert build["initiator"] == "codepipeline/P"
    assert works.output(works.ended(build)) == ["alone"]


def test_in_a_pipeline_any_project_gets_the_pipelines_artifacts(works: Works) -> None:
    put(works, "pipe/one", zipped({"text.txt": "one"}))
    put(works, "pipe/two", zipped({"text.txt": "two"}))
    role = new_role(works.cloud, "pipeline", allow("codebuild:*"), service="codepipeline")
    text = spec(
        "cat text.txt $CODEBUILD_SRC_DIR_Second/text.txt; echo",
        "echo $CODEBUILD_RESOLVED_SOURCE_VERSION $CODEBUILD_INITIATOR",
        artifacts={"secondary-artifacts": {"A": {"files": ["text.txt"]}, "B": {"files": ["*"], "base-directory": "."}}},
    )  # fmt: skip
    build = pipelines_client(works, role).start_build(
        projectName="sources",
        buildspecOverride=text,
        sourceVersion=f"arn:aws:s3:::{BUCKET}/pipe/one",
        secondarySourcesVersionOverride=[
            {"sourceIdentifier": "Second", "sourceVersion": f"arn:aws:s3:::{BUCKET}/pipe/two"}
        ],
        artifactsOverride={"type": "CODEPIPELINE", "location": f"{BUCKET}/pipe/a"},
        secondaryArtifactsOverride=[
            {"type": "CODEPIPELINE", "artifactIdentifier": name.upper(), "location": f"{BUCKET}/pipe/{name}"}
            for name in ("a", "b")
        ],
        environmentVariablesOverride=[{"name": "CODEBUILD_RESOLVED_SOURCE_VERSION", "value": "c0ffee"}],
    )["build"]
    assert build["initiator"] == "codepipeline/release"
    build = works.ended(build)
    assert works.output(build) == ["onetwo", "c0ffee codepipeline/release"], reasons(build)
    assert build["resolvedSourceVersion"] == "c0ffee"
    storage = works.cloud.client("s3")
    for key in ("pipe/a", "pipe/b"):
        assert names_in(storage.get_object(Bucket=BUCKET, Key=key)["Body"].read()) == ["text.txt"]


# CodeCommit


@pytest.fixture(scope="module")
def committed(shared_cloud: Any) -> Works:
    """A project over a repository: two commits on main, the first one tagged and on the branch `old`."""
    codecommit = shared_cloud.client("codecommit")
    url = codecommit.create_repository(repositoryName="shop")["repositoryMetadata"]["cloneUrlHttp"]
    text = spec("cat text.txt", "echo $CODEBUILD_RESOLVED_SOURCE_VERSION $CODEBUILD_SOURCE_REPO_URL")
    codecommit.put_file(repositoryName="shop", branchName="main", fileContent=text.encode(), filePath="buildspec.yml")
    first = _commit(codecommit, "first")
    codecommit.create_branch(repositoryName="shop", branchName="old", commitId=first)
    _commit(codecommit, "second")
    found = Works(shared_cloud, "committed")
    role = found.role(allow("codecommit:GitPull", resource="arn:aws:codecommit:us-east-1:123456789012:shop"))
    found.project(role, source={"type": "CODECOMMIT", "location": url})
    return found


def _commit(codecommit: Any, text: str) -> str:
    tip = codecommit.get_branch(repositoryName="shop", branchName="main")["branch"]["commitId"]
    answer = codecommit.put_file(
        repositoryName="shop", branchName="main", parentCommitId=tip, filePath="text.txt",
        fileContent=f"{text}\n".encode(),
    )  # fmt: skip
    commit: str = answer["commitId"]
    return commit


def tip(works: Works, branch: str) -> str:
    codecommit = works.cloud.client("codecommit")
    found: str = codecommit.get_branch(repositoryName="shop", branchName=branch)["branch"]["commitId"]
    return found


@pytest.mark.parametrize("depth", [0, 1])
@pytest.mark.parametrize(
    ("version", "branch"),
    [
        ("", "main"),
        ("old", "old"),
        ("refs/heads/old", "old"),
        ("refs/heads/main", "main"),
        ("{old}", "old"),
        ("refs/heads/main^{{{old}}}", "old"),
    ],
)
def test_a_repository(committed: Works, version: str, branch: str, depth: int) -> None:
    expected = tip(committed, branch)
    given = {"sourceVersion": version.format(old=expected)} if version else {}
    build = committed.run(gitCloneDepthOverride=depth, **given)
    assert build["buildStatus"] == "SUCCEEDED", reasons(build)
    assert build["resolvedSourceVersion"] == expected
    location = build["source"]["location"]
    assert committed.output(build) == ["second" if branch == "main" else "first", f"{expected} {location}"]


def test_a_commit_that_is_not_of_the_reference(committed: Works) -> None:
    version = f"refs/heads/old^{{{tip(committed, 'main')}}}"
    build = committed.run(sourceVersion=version)
    assert reasons(build)["DOWNLOAD_SOURCE"][1].startswith(
        f"reference not found for primary source and source version {version}"
    )


def test_the_address_that_aws_has(committed: Works) -> None:
    location = "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/shop"
    assert committed.run(sourceLocationOverride=location)["buildStatus"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"sourceVersion": "no-branch"}, "reference not found for primary source and source version no-branch"),
        ({"sourceVersion": "f" * 40}, "reference not found for primary source and source version ffff"),
        ({"sourceLocationOverride": "https://x/v1/repos/other"}, "authorization failed"),
    ],
)
def test_a_repository_that_cannot_be_had(committed: Works, overrides: dict[str, Any], message: str) -> None:
    build = committed.run(**overrides)
    code, found = reasons(build)["DOWNLOAD_SOURCE"]
    assert code == "CLIENT_ERROR"
    assert found.startswith(message)


def test_a_role_that_may_not_pull(committed: Works) -> None:
    role = new_role(committed.cloud, "no-puller", LOGS)
    build = committed.run(serviceRoleOverride=role)
    found = reasons(build)["DOWNLOAD_SOURCE"][1]
    assert found.startswith("authorization failed")
    assert "codecommit:GitPull" in found


def test_a_repository_that_is_not_there(committed: Works) -> None:
    role = new_role(committed.cloud, "puller", LOGS, allow("codecommit:GitPull"))
    location = "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/nowhere"
    build = committed.run(serviceRoleOverride=role, sourceLocationOverride=location)
    assert reasons(build)["DOWNLOAD_SOURCE"][1].startswith("repository not found for primary source")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (["remote: nowhere does not exist", "fatal: repository '{}' not found"], "repository not found"),
        (["fatal: unable to access '{}': The requested URL returned error: 404"], "repository not found"),
        (
            ["remote: no.", "fatal: unable to access '{}': The requested URL returned error: 403"],
            "authorization failed: no.",
        ),
        (["fatal: Authentication failed for '{}'"], "authorization failed"),
        (["fatal: unable to access '{}': Empty reply from server"], "git clone failed: fatal: "),
    ],
)
@pytest.mark.parametrize("port", [40312, 40100, 40400, 30000])
def test_the_port_of_the_cloud_is_no_status_of_git(said: list[str], message: str, port: int) -> None:
    address = f"http://127.0.0.1:{port}/v1/repos/nowhere/"
    assert str(failed_clone([line.format(address) for line in said])).startswith(message)


def test_git_in_a_build(committed: Works, tmp_path: Path) -> None:
    """git-credential-helper lets the commands' own git use the role."""
    text = spec(
        'git clone -q "$CODEBUILD_SOURCE_REPO_URL" again && cat again/text.txt', env={"git-credential-helper": "yes"}
    )
    build = committed.run(text)
    assert committed.output(build) == ["second"], reasons(build)
