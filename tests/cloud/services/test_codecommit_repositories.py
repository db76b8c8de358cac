"""Repositories and their tags, by boto3."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from codecommit_help import allow, git, new_repository, signed_in, statement, trail, work_copy

from labsupport.cloud.core.cloud import Settings
from labsupport.cloud.services.codecommit import base, packs, refs, repositories

ARN = "arn:aws:codecommit:us-east-1:123456789012:"


@pytest.fixture
def codecommit(shared_cloud: Any) -> Any:
    return shared_cloud.client("codecommit")


def code_of(operation: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        operation(**params)
    code: str = caught.value.response["Error"]["Code"]
    return code


def test_created_and_described(codecommit: Any, shared_cloud: Any) -> None:
    name = "a.b-c_d"
    made = codecommit.create_repository(repositoryName=name, repositoryDescription="Ünïcode", tags={"team": "shop"})
    found = codecommit.get_repository(repositoryName=name)
    assert found["repositoryMetadata"] == made["repositoryMetadata"]
    told = made["repositoryMetadata"]
    assert told["cloneUrlHttp"] == f"{shared_cloud.url}/v1/repos/{name}"
    assert told["cloneUrlSsh"] == f"ssh://git-codecommit.us-east-1.amazonaws.com/v1/repos/{name}"
    assert (told["Arn"], told["accountId"]) == (ARN + name, "123456789012")
    assert told["repositoryDescription"] == "Ünïcode"
    assert told["kmsKeyId"] == "alias/aws/codecommit"
    assert told["creationDate"] == told["lastModifiedDate"]
    assert "defaultBranch" not in told
    assert codecommit.list_tags_for_resource(resourceArn=ARN + name)["tags"] == {"team": "shop"}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("demo.git", "InvalidRepositoryNameException"),
        ("demo.GIT", "InvalidRepositoryNameException"),
        ("a/b", "InvalidRepositoryNameException"),
        ("a b", "InvalidRepositoryNameException"),
        ("x" * 101, "InvalidRepositoryNameException"),
        ("taken", "RepositoryNameExistsException"),
    ],
)
def test_names_that_are_refused(shared_cloud: Any, name: str, code: str) -> None:
    codecommit = shared_cloud.client("codecommit")
    if code == "RepositoryNameExistsException":
        codecommit.create_repository(repositoryName=name)
    assert code_of(codecommit.create_repository, repositoryName=name) == code


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("get_repository", {"repositoryName": "nowhere"}),
        ("update_repository_description", {"repositoryName": "nowhere", "repositoryDescription": "x"}),
        ("update_repository_name", {"oldName": "nowhere", "newName": "x"}),
        ("update_repository_encryption_key", {"repositoryName": "nowhere", "kmsKeyId": "alias/x"}),
        ("update_default_branch", {"repositoryName": "nowhere", "defaultBranchName": "main"}),
        ("list_branches", {"repositoryName": "nowhere"}),
        ("get_branch", {"repositoryName": "nowhere", "branchName": "main"}),
        ("create_branch", {"repositoryName": "nowhere", "branchName": "main", "commitId": "0" * 40}),
        ("get_commit", {"repositoryName": "nowhere", "commitId": "0" * 40}),
        ("get_file", {"repositoryName": "nowhere", "filePath": "a"}),
        ("get_folder", {"repositoryName": "nowhere", "folderPath": "/"}),
        ("get_differences", {"repositoryName": "nowhere", "afterCommitSpecifier": "main"}),
        ("put_file", {"repositoryName": "nowhere", "branchName": "main", "filePath": "a", "fileContent": b"x"}),
        ("tag_resource", {"resourceArn": ARN + "nowhere", "tags": {"a": "b"}}),
        ("list_tags_for_resource", {"resourceArn": ARN + "nowhere"}),
    ],
)
def test_a_missing_repository(codecommit: Any, operation: str, params: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="nowhere does not exist") as caught:
        getattr(codecommit, operation)(**params)
    assert caught.value.response["Error"]["Code"] == "RepositoryDoesNotExistException"


def test_names_are_required_even_where_the_model_is_silent(codecommit: Any) -> None:
    codecommit.create_repository(repositoryName="named")
    assert code_of(codecommit.get_branch) == "RepositoryNameRequiredException"
    assert code_of(codecommit.get_branch, repositoryName="named") == "BranchNameRequiredException"


def test_several_at_once(codecommit: Any) -> None:
    for name in ("batch-1", "batch-2"):
        codecommit.create_repository(repositoryName=name)
    answer = codecommit.batch_get_repositories(repositoryNames=["batch-2", "batch-0", "batch-1"])
    assert [one["repositoryName"] for one in answer["repositories"]] == ["batch-2", "batch-1"]
    assert answer["repositoriesNotFound"] == ["batch-0"]
    too_many = [f"batch-{number}" for number in range(26)]
    code = code_of(codecommit.batch_get_repositories, repositoryNames=too_many)
    assert code == "MaximumRepositoryNamesExceededException"


def test_listed_in_pages_and_orders(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repositories, "MOST_ON_PAGE", 2)
    codecommit = cloud.client("codecommit")
    for name in ("m", "a", "z", "b", "k"):
        codecommit.create_repository(repositoryName=name)
        cloud.advance(1)
    codecommit.update_repository_description(repositoryName="a", repositoryDescription="newest")

    def listed(**order: str) -> str:
        pages = codecommit.get_paginator("list_repositories").paginate(**order)
        return "".join(one["repositoryName"] for page in pages for one in page["repositories"])

    assert listed() == "abkmz"
    assert listed(sortBy="repositoryName", order="descending") == "zmkba"
    assert listed(sortBy="lastModifiedDate", order="ascending") == "mzbka"
    assert listed(sortBy="lastModifiedDate", order="descending") == "akbzm"
    first = codecommit.list_repositories()["nextToken"]
    codecommit.delete_repository(repositoryName="b")
    rest = codecommit.list_repositories(nextToken=first)["repositories"]
    assert [one["repositoryName"] for one in rest] == ["k", "m"]
    assert code_of(codecommit.list_repositories, nextToken="garbage") == "InvalidContinuationTokenException"


def test_the_limit_of_an_account(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repositories, "MOST", 2)
    codecommit = cloud.client("codecommit")
    for name in ("one", "two"):
        codecommit.create_repository(repositoryName=name)
    assert code_of(codecommit.create_repository, repositoryName="three") == "RepositoryLimitExceededException"
    cloud.client("codecommit", "second").create_repository(repositoryName="three")


def test_renamed_with_all_it_has(shared_cloud: Any, codecommit: Any) -> None:
    before = codecommit.create_repository(repositoryName="old-name", tags={"a": "b"})["repositoryMetadata"]
    commit = codecommit.put_file(repositoryName="old-name", branchName="main", filePath="f", fileContent=b"x")
    codecommit.update_repository_name(oldName="old-name", newName="new-name")
    after = codecommit.get_repository(repositoryName="new-name")["repositoryMetadata"]
    assert after["repositoryId"] == before["repositoryId"]
    assert (
        codecommit.get_branch(repositoryName="new-name", branchName="main")["branch"]["commitId"] == commit["commitId"]
    )
    assert codecommit.list_tags_for_resource(resourceArn=ARN + "new-name")["tags"] == {"a": "b"}
    assert code_of(codecommit.get_repository, repositoryName="old-name") == "RepositoryDoesNotExistException"
    codecommit.create_repository(repositoryName="old-name")
    taken = code_of(codecommit.update_repository_name, oldName="old-name", newName="new-name")
    assert taken == "RepositoryNameExistsException"


def test_description_and_key_can_change(shared_cloud: Any, codecommit: Any) -> None:
    name = "changing"
    kms = shared_cloud.client("kms")
    for alias in ("alias/first", "alias/second"):
        kms.create_alias(AliasName=alias, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    codecommit.create_repository(repositoryName=name, kmsKeyId="alias/first")
    codecommit.update_repository_description(repositoryName=name, repositoryDescription="now")
    answer = codecommit.update_repository_encryption_key(repositoryName=name, kmsKeyId="alias/second")
    assert (answer["originalKmsKeyId"], answer["kmsKeyId"]) == ("alias/first", "alias/second")
    told = codecommit.get_repository(repositoryName=name)["repositoryMetadata"]
    assert (told["repositoryDescription"], told["kmsKeyId"]) == ("now", "alias/second")
    codecommit.update_repository_description(repositoryName=name)
    assert "repositoryDescription" not in codecommit.get_repository(repositoryName=name)["repositoryMetadata"]


def test_deleted_with_its_files(cloud: Any) -> None:
    codecommit = cloud.client("codecommit")
    made = codecommit.create_repository(repositoryName="gone")["repositoryMetadata"]
    codecommit.put_file(repositoryName="gone", branchName="main", filePath="f", fileContent=b"x")
    assert [len(list(cloud.home.glob(place))) for place in ("git/*", "cache/git/[!.]*")] == [1, 1]
    assert codecommit.delete_repository(repositoryName="gone")["repositoryId"] == made["repositoryId"]
    cloud.settle("codecommit")
    assert [list(cloud.home.glob(place)) for place in ("git/*", "cache/git/[!.]*")] == [[], []]
    assert cloud.on_loop(lambda running: [running.store.count(one) for one in (refs.Ref, packs.Pack)]) == [0, 0]
    assert "repositoryId" not in codecommit.delete_repository(repositoryName="gone")
    anew = codecommit.create_repository(repositoryName="gone")["repositoryMetadata"]
    assert anew["repositoryId"] != made["repositoryId"]
    assert codecommit.list_branches(repositoryName="gone")["branches"] == []


def test_tags(codecommit: Any) -> None:
    arn = codecommit.create_repository(repositoryName="tagged", tags={"a": "1"})["repositoryMetadata"]["Arn"]
    codecommit.tag_resource(resourceArn=arn, tags={"a": "2", "b": ""})
    assert codecommit.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "2", "b": ""}
    codecommit.untag_resource(resourceArn=arn, tagKeys=["a", "none"])
    assert codecommit.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": ""}


@pytest.mark.parametrize(
    ("arn", "tags", "code"),
    [
        (ARN + "untagged", {"aws:x": "y"}, "InvalidSystemTagUsageException"),
        (ARN + "untagged", {f"key-{number}": "" for number in range(51)}, "TooManyTagsException"),
        ("untagged", {"a": "b"}, "InvalidResourceArnException"),
        ("arn:aws:s3:::untagged", {"a": "b"}, "InvalidResourceArnException"),
        ("arn:aws:codecommit:eu-west-1:123456789012:untagged", {"a": "b"}, "InvalidResourceArnException"),
    ],
)
def test_tags_that_are_refused(shared_cloud: Any, arn: str, tags: dict[str, str], code: str) -> None:
    codecommit = shared_cloud.client("codecommit", "root")
    if code == "InvalidSystemTagUsageException":
        codecommit.create_repository(repositoryName="untagged")
    assert code_of(codecommit.tag_resource, resourceArn=arn, tags=tags) == code


def test_policies_decide_by_tag_before_they_tell_of_existence(cloud: Any) -> None:
    mine, theirs = cloud.client("codecommit"), cloud.client("iam")
    mine.create_repository(repositoryName="open", tags={"team": "shop"})
    mine.create_repository(repositoryName="closed", tags={"team": "bank"})
    theirs.create_user(UserName="ben")
    allow(cloud, "ben", statement("GetRepository", StringEquals={"aws:ResourceTag/team": "shop"}))
    key = theirs.create_access_key(UserName="ben")["AccessKey"]
    credentials = {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"], "SessionToken": None}
    ben = cloud.client("codecommit", credentials=credentials)
    assert ben.get_repository(repositoryName="open")["repositoryMetadata"]["repositoryName"] == "open"
    for name in ("closed", "nowhere"):
        with pytest.raises(ClientError, match="not authorized to perform: codecommit:GetRepository") as caught:
            ben.get_repository(repositoryName=name)
        assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    refused = trail(cloud, "GetRepository")[-1]
    assert (refused["errorCode"], refused["userIdentity"]["userName"]) == ("AccessDenied", "ben")


def test_accounts_and_regions_are_apart(shared_cloud: Any, codecommit: Any) -> None:
    codecommit.create_repository(repositoryName="apart")
    for other in (
        shared_cloud.client("codecommit", "second"),
        shared_cloud.client("codecommit", region_name="eu-west-1"),
    ):
        assert code_of(other.get_repository, repositoryName="apart") == "RepositoryDoesNotExistException"
        assert other.create_repository(repositoryName="apart")["repositoryMetadata"]["Arn"] != ARN + "apart"


def test_all_is_there_after_a_restart(start_cloud: Any, tmp_path: Any) -> None:
    first = start_cloud()
    url = new_repository(first, "kept")
    credential = first.client("iam").create_service_specific_credential(
        UserName="learner", ServiceName="codecommit.amazonaws.com"
    )["ServiceSpecificCredential"]
    git(work_copy(tmp_path / "work", signed_in(url, credential)), "push", "-q", "origin", "HEAD:trunk")
    told = first.client("codecommit").get_repository(repositoryName="kept")["repositoryMetadata"]
    first.stop()
    second = start_cloud(home=first.home)
    found = second.client("codecommit").get_repository(repositoryName="kept")["repositoryMetadata"]
    assert found == {**told, "cloneUrlHttp": found["cloneUrlHttp"]}
    assert found["defaultBranch"] == "trunk"
    again = signed_in(found["cloneUrlHttp"], credential)
    assert git(tmp_path, "clone", "-q", again, "again") == ""
    assert (tmp_path / "again" / "readme").read_text() == "hello\n"


@pytest.mark.parametrize(
    ("host", "headers", "expected"),
    [
        ("lab.example:80", {"host": "x"}, "http://lab.example:80/v1/repos/n"),
        ("[::1]:4566", {"host": "x"}, "http://[::1]:4566/v1/repos/n"),
        ('evil"><script>', {"host": "x"}, "http://127.0.0.1:0/v1/repos/n"),
        ("inner.call", {}, "http://127.0.0.1:0/v1/repos/n"),
    ],
)
def test_the_address_is_what_the_client_calls_the_lab(
    host: str, headers: dict[str, str], expected: str, tmp_path: Any
) -> None:
    call: Any = SimpleNamespace(
        cloud=SimpleNamespace(settings=Settings(tmp_path)), host=host, headers=headers, secure=False
    )
    assert base.clone_url(call, "n") == expected
