"""S3 and CodeCommit as sources, S3 as a target: revisions, keys, roles of actions, polling."""

import io
import re
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest
from pipeline_help import Watched, approval, declared, kind, packed, prepare, source, to_s3
from services_help import ACCOUNT, code_of, may, policy, service_role, trail


@pytest.fixture(scope="module")
def role(shared_cloud: Any) -> str:
    return prepare(shared_cloud)


@pytest.fixture
def s3(shared_cloud: Any) -> Any:
    return shared_cloud.client("s3")


def failure(pipeline: Watched, stage: str = "S0", action: str = "Source") -> dict[str, str]:
    found = pipeline.latest(stage, action)
    assert found["status"] == "Failed"
    return dict(found["errorDetails"])


# From S3


def test_a_bucket_without_versions(shared_cloud: Any, role: str, s3: Any) -> None:
    s3.create_bucket(Bucket="plain")
    s3.put_object(Bucket="plain", Key="app.zip", Body=packed(a="1"))
    pipeline = Watched(shared_cloud, declared("plain", role, [source(configuration={"S3Bucket": "plain"})], [to_s3()]))
    assert failure(pipeline)["code"] == "ConfigurationError"
    assert "is not versioned" in failure(pipeline)["message"]


def test_a_bucket_that_is_not_there(shared_cloud: Any, role: str) -> None:
    action = source(configuration={"S3Bucket": "no-such-bucket"})
    pipeline = Watched(shared_cloud, declared("bucketless", role, [action], [to_s3()]))
    assert failure(pipeline)["code"] == "NoSuchBucket"


def test_no_permission_for_the_source(shared_cloud: Any) -> None:
    poor = service_role(shared_cloud, "poor", "codepipeline", may("s3:GetBucketVersioning", "s3:PutObject"))
    pipeline = Watched(shared_cloud, declared("poor", poor, [source()], [to_s3()]))
    found = failure(pipeline)
    assert found["code"] == "PermissionError"
    assert "s3:GetObject" in found["message"]
    assert trail(shared_cloud, "GetBucketVersioning")[-1]["userIdentity"]["arn"].endswith("assumed-role/poor/poor")


def test_each_run_takes_the_newest(shared_cloud: Any, role: str, s3: Any) -> None:
    s3.put_object(Bucket="sources", Key="newest.zip", Body=packed(newest_html="1"))
    pipeline = Watched(shared_cloud, declared("newest", role, [source(key="newest.zip")], [to_s3()]))
    new = s3.put_object(
        Bucket="sources", Key="newest.zip", Body=packed(newest_html="2"),
        Metadata={"codepipeline-artifact-revision-summary": "release 2"},
    )  # fmt: skip
    pipeline.start()
    assert s3.get_object(Bucket="site", Key="newest.html")["Body"].read() == b"2"
    assert pipeline.executions()[1]["sourceRevisions"][0] == {
        "actionName": "Source",
        "revisionId": new["VersionId"],
        "revisionSummary": "release 2",
    }
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket="artifacts", Prefix="newest/")["Contents"]]
    assert len(keys) == 2  # each run's own


def test_an_older_revision_on_demand(shared_cloud: Any, role: str, s3: Any) -> None:
    old = s3.put_object(Bucket="sources", Key="old.zip", Body=packed(old_html="1"))["VersionId"]
    s3.put_object(Bucket="sources", Key="old.zip", Body=packed(old_html="2"))
    s3.put_object(Bucket="sources", Key="other.zip", Body=packed(old_html="3"))
    pipeline = Watched(shared_cloud, declared("older", role, [source(key="old.zip")], [to_s3()]))

    def page() -> bytes:
        content: bytes = s3.get_object(Bucket="site", Key="old.html")["Body"].read()
        return content

    def revision(kind: str, value: str) -> list[dict[str, str]]:
        return [{"actionName": "Source", "revisionType": kind, "revisionValue": value}]

    assert page() == b"2"
    pipeline.start(sourceRevisions=revision("S3_OBJECT_VERSION_ID", old))
    assert page() == b"1"
    assert pipeline.executions()[1]["sourceRevisions"][0]["revisionId"] == old
    pipeline.start(sourceRevisions=revision("S3_OBJECT_KEY", "other.zip"))
    assert page() == b"3"
    pipeline.start()
    assert page() == b"2"
    for wrong in (revision("COMMIT_ID", "0" * 40), [{**revision("S3_OBJECT_KEY", "x")[0], "actionName": "Other"}]):
        code = code_of(pipeline.client.start_pipeline_execution, name="older", sourceRevisions=wrong)
        assert code == "ValidationException"


def test_two_sources(shared_cloud: Any, role: str, s3: Any) -> None:
    s3.put_object(Bucket="sources", Key="a.zip", Body=packed(a_txt="a"))
    s3.put_object(Bucket="sources", Key="b.zip", Body=packed(b_txt="b"))
    sources = [source("A", "a.zip"), source("B", "b.zip")]
    pipeline = Watched(
        shared_cloud, declared("two", role, sources, [to_s3("First", "AOutput"), to_s3("Second", "BOutput")])
    )
    assert pipeline.statuses() == "Succeeded"
    assert {one["name"] for one in pipeline.execution()["artifactRevisions"]} == {"AOutput", "BOutput"}
    names = {one["actionName"] for one in pipeline.executions()[0]["sourceRevisions"]}
    assert names == {"A", "B"}


# To S3


@pytest.mark.parametrize(
    ("configuration", "keys"),
    [
        ({"Extract": "true"}, {"index.html", "css/main.css"}),
        ({"Extract": "true", "ObjectKey": "v1"}, {"v1/index.html", "v1/css/main.css"}),
        ({"Extract": "false", "ObjectKey": "app.zip"}, {"app.zip"}),
    ],
)
def test_deployed(shared_cloud: Any, role: str, s3: Any, configuration: dict[str, str], keys: set[str]) -> None:
    name = f"deployed-{len(keys)}-{'ObjectKey' in configuration}"
    s3.create_bucket(Bucket=name.lower())
    s3.put_object(Bucket="sources", Key="site.zip", Body=packed(index_html="<h1>", css__main_css="h1 {}"))
    target = to_s3(BucketName=name.lower(), CacheControl="no-cache", **configuration)
    pipeline = Watched(shared_cloud, declared(name, role, [source(key="site.zip")], [target]))
    assert pipeline.statuses() == "Succeeded"
    assert {one["Key"] for one in s3.list_objects_v2(Bucket=name.lower())["Contents"]} == keys
    head = s3.head_object(Bucket=name.lower(), Key=sorted(keys)[0])
    assert head["CacheControl"] == "no-cache"


@pytest.mark.parametrize(
    ("key", "form"),
    [
        ("js/{datetime}.zip", r"js/\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d\.zip"),
        ("js/{uuid}.zip", r"js/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.zip"),
        ("{other}.zip", r"\{other\}\.zip"),
    ],
)
def test_variables_in_an_objects_key(shared_cloud: Any, role: str, s3: Any, key: str, form: str) -> None:
    name = f"keys-{key.strip('js/{').partition('}')[0]}"
    s3.create_bucket(Bucket=name)
    target = to_s3(BucketName=name, Extract="false", ObjectKey=key)
    pipeline = Watched(shared_cloud, declared(name, role, [source()], [target]))
    pipeline.start()
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=name)["Contents"]]
    assert all(re.fullmatch(form, one) for one in keys), keys
    assert pipeline.statuses() == "Succeeded Succeeded"


@pytest.mark.parametrize(
    ("configuration", "content", "code"),
    [
        ({"Extract": "true"}, b"no zip file", "InvalidArtifact"),
        ({"Extract": "false"}, b"x", "ConfigurationError"),
        ({"Extract": "true", "BucketName": "no-such-bucket"}, packed(a_txt="a"), "NoSuchBucket"),
    ],
)
def test_what_cannot_be_deployed(
    shared_cloud: Any, role: str, s3: Any, configuration: dict[str, str], content: bytes, code: str
) -> None:
    name = f"undeployed-{code}"
    s3.put_object(Bucket="sources", Key=f"{name}.zip", Body=content)
    pipeline = Watched(shared_cloud, declared(name, role, [source(key=f"{name}.zip")], [to_s3(**configuration)]))
    assert failure(pipeline, "S1", "Deploy")["code"] == code


# Keys and roles


def test_artifacts_under_ones_own_key(cloud: Any) -> None:
    role, s3 = prepare(cloud), cloud.client("s3")
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    store = {"type": "S3", "location": "artifacts", "encryptionKey": {"id": key, "type": "KMS"}}
    pipeline = Watched(cloud, declared("sealed", role, [source()], [to_s3()], artifactStore=store))
    assert failure(pipeline)["code"] == "PermissionError"
    assert "kms:GenerateDataKey" in failure(pipeline)["message"]
    allowed = policy(may("kms:GenerateDataKey", "kms:Decrypt", resource=key))
    cloud.client("iam").put_role_policy(RoleName="pipeline", PolicyName="key", PolicyDocument=allowed)
    pipeline.retry("S0")
    assert pipeline.statuses() == "Succeeded"
    place = pipeline.actions()[-1]["input"]["inputArtifacts"][0]["s3location"]
    head = s3.head_object(Bucket=place["bucket"], Key=place["key"])
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)


def trust(principal: str) -> str:
    return policy({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"})


def test_an_actions_own_role(cloud: Any) -> None:
    """The pipeline's role assumes it: it has to trust that role, which has to be allowed to."""
    pipeline_role, iam = prepare(cloud), cloud.client("iam")
    own = iam.create_role(RoleName="publisher", AssumeRolePolicyDocument=trust(pipeline_role))["Role"]["Arn"]
    iam.put_role_policy(RoleName="publisher", PolicyName="p", PolicyDocument=policy(may("s3:*")))
    pipeline = Watched(cloud, declared("chained", pipeline_role, [source()], [{**to_s3(), "roleArn": own}]))
    assert pipeline.statuses() == "Succeeded"  # named itself, the pipeline's role needs no further permission
    puts = [one for one in trail(cloud, "AssumeRole") if one["requestParameters"]["roleArn"] == own]
    assert puts[-1]["userIdentity"]["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/pipeline/chained"
    iam.update_assume_role_policy(RoleName="publisher", PolicyDocument=trust(f"arn:aws:iam::{ACCOUNT}:root"))
    pipeline.start()
    assert "sts:AssumeRole" in failure(pipeline, "S1", "Deploy")["message"]


@pytest.mark.parametrize("name", ["P", "long" * 25])
def test_a_name_that_is_no_sessions_name(shared_cloud: Any, role: str, name: str) -> None:
    """A pipeline's name has 1 to 100 characters, that of the sessions of its role 2 to 64."""
    pipeline = Watched(shared_cloud, declared(name, role, [source()], [to_s3()]))
    assert pipeline.statuses() == "Succeeded"


def test_one_session_for_an_action(cloud: Any) -> None:
    """However many calls an action makes, it assumes the role once."""
    role = prepare(cloud)
    Watched(cloud, declared("frugal", role, [source()], [to_s3()]))
    sessions = [one for one in trail(cloud, "AssumeRole") if one["requestParameters"]["roleArn"] == role]
    assert len(sessions) == 3  # the check at the creation, the source, the deployment


# CodeCommit


def commit_source(**configuration: str) -> dict[str, Any]:
    found = {"RepositoryName": "shop", "BranchName": "main", **configuration}
    return {
        "name": "Source",
        "namespace": "src",
        "actionTypeId": kind("Source", "CodeCommit"),
        "configuration": found,
        "outputArtifacts": [{"name": "SourceOutput"}],
    }


def commit(client: Any, text: str, parent: str = "") -> str:
    more = {"parentCommitId": parent} if parent else {}
    made = client.put_file(
        repositoryName="shop", branchName="main", fileContent=text.encode(), filePath="page.html",
        commitMessage=f"say {text}", name="Ana", **more,
    )  # fmt: skip
    return str(made["commitId"])


def seconds_of(client: Any, commit_id: str) -> int:
    date = client.get_commit(repositoryName="shop", commitId=commit_id)["commit"]["author"]["date"]
    return int(date.split()[0])


def with_codecommit(cloud: Any) -> tuple[str, Any]:
    role = prepare(cloud)
    more = policy(may("codecommit:GetBranch", "codecommit:GetCommit", "codecommit:UploadArchive"))
    cloud.client("iam").put_role_policy(RoleName="pipeline", PolicyName="git", PolicyDocument=more)
    client = cloud.client("codecommit")
    client.create_repository(repositoryName="shop")
    return role, client


def page(cloud: Any) -> bytes:
    content: bytes = cloud.client("s3").get_object(Bucket="site", Key="page.html")["Body"].read()
    return content


def test_from_codecommit(cloud: Any) -> None:
    role, git = with_codecommit(cloud)
    first = commit(git, "one")
    second = commit(git, "two", first)
    text = "#{src.BranchName} #{src.CommitId}: #{src.CommitMessage}, #{src.AuthorDate}"
    asks = approval(configuration={"CustomData": text})
    source = commit_source(PollForSourceChanges="false")
    pipeline = Watched(cloud, declared("shop", role, [source], [to_s3(), asks]))
    assert page(cloud) == b"two"
    (revision,) = pipeline.executions()[0]["sourceRevisions"]
    console = "https://console.aws.amazon.com/codecommit/home?region=us-east-1#/repository/shop"
    link = f"{console}/commit/{second}"
    assert (revision["revisionId"], revision["revisionSummary"]) == (second, "say two")
    assert revision["revisionUrl"] == pipeline.execution()["artifactRevisions"][0]["revisionUrl"] == link
    (seen,) = pipeline.stage("S0")["actionStates"]
    assert (seen["entityUrl"], seen["revisionUrl"]) == (f"{console}/browse/main/--/", link)
    when = datetime.fromtimestamp(seconds_of(git, second), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert pipeline.actions()[-1]["input"]["resolvedConfiguration"]["CustomData"] == f"main {second}: say two, {when}"
    pipeline.start(sourceRevisions=[{"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": first}])
    pipeline.answer("S1")
    assert page(cloud) == b"one"
    assert pipeline.executions()[1]["sourceRevisions"][0]["revisionId"] == first
    place = pipeline.actions(0)[0]["output"]["outputArtifacts"][0]["s3location"]
    data = cloud.client("s3").get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(data)).namelist() == ["page.html"]


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"BranchName": "nowhere"}, "No branch named nowhere was found in the repository shop."),
        ({"RepositoryName": "nowhere"}, "nowhere"),
        ({"OutputArtifactFormat": "CODEBUILD_CLONE_REF"}, "A full clone as a source's output"),
    ],
)
def test_codecommit_sources_that_fail(cloud: Any, configuration: dict[str, str], message: str) -> None:
    role, git = with_codecommit(cloud)
    commit(git, "one")
    action = commit_source(PollForSourceChanges="false", **configuration)
    pipeline = Watched(cloud, declared("shop", role, [action], [to_s3()]))
    assert message in failure(pipeline)["message"]


# Polling


def look(cloud: Any) -> None:
    cloud.advance(61)
    cloud.settle()


def test_a_new_commit_starts_a_polled_pipeline(cloud: Any) -> None:
    role, git = with_codecommit(cloud)
    first = commit(git, "one")
    pipeline = Watched(cloud, declared("polled", role, [commit_source()], [to_s3()]))
    look(cloud)
    assert len(pipeline.executions()) == 1
    commit(git, "two", first)
    look(cloud)
    assert pipeline.executions()[1]["trigger"] == {"triggerType": "PollForSourceChanges", "triggerDetail": "Source"}
    assert page(cloud) == b"two"
    look(cloud)
    assert len(pipeline.executions()) == 2
    pipeline.client.delete_pipeline(name="polled")
    look(cloud)


def test_the_first_commit_starts_it_too(cloud: Any) -> None:
    role, git = with_codecommit(cloud)
    pipeline = Watched(cloud, declared("early", role, [commit_source(PollForSourceChanges="true")], [to_s3()]))
    assert pipeline.statuses() == "Failed"
    commit(git, "one")
    look(cloud)
    assert pipeline.statuses() == "Failed Succeeded"


def test_a_new_object_starts_a_polled_pipeline(cloud: Any) -> None:
    action = source()
    del action["configuration"]["PollForSourceChanges"]
    pipeline = Watched(cloud, declared("polled", prepare(cloud), [action], [to_s3()]))
    look(cloud)
    cloud.client("s3").put_object(Bucket="sources", Key="app.zip", Body=packed(index_html="2"))
    look(cloud)
    assert pipeline.statuses() == "Succeeded Succeeded"


def test_polling_ends_with_a_change(cloud: Any) -> None:
    role, git = with_codecommit(cloud)
    first = commit(git, "one")
    pipeline = Watched(cloud, declared("quiet", role, [commit_source()], [to_s3()]))
    still = declared("quiet", role, [commit_source(PollForSourceChanges="false")], [to_s3()])
    pipeline.client.update_pipeline(pipeline=still)
    commit(git, "two", first)
    look(cloud)
    look(cloud)
    assert len(pipeline.executions()) == 1
    pipeline.client.update_pipeline(pipeline=declared("quiet", role, [commit_source()], [to_s3()]))
    cloud.settle()
    look(cloud)
    assert len(pipeline.executions()) == 1  # what is there when polling begins is not new
