"""Who gets in by git, with what, and what a refusal says."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cli_help import ONE, Cli
from codecommit_help import allow, commit, git, new_repository, new_user, signed_in, statement, trail, work_copy

HELPER = [
    "-c", "credential.helper=!aws codecommit credential-helper --ignore-host-check $@",
    "-c", "credential.UseHttpPath=true",
]  # fmt: skip
LIMIT = {
    "StringEqualsIfExists": {"codecommit:References": ["refs/heads/main", "refs/heads/prod"]},
    "Null": {"codecommit:References": "false"},
}


def helped(cloud: Any, cli: Cli = ONE, **more: str) -> dict[str, str]:
    """An environment in which the AWS CLI finds credentials and is found itself."""
    path = f"{Path(cli.path).parent}:{os.environ['PATH']}"
    return {**cloud.environment(), "PATH": path, **more}


def as_session(cloud: Any, role: str, *statements: dict[str, Any]) -> dict[str, str]:
    """The environment of somebody who has assumed a new role with these permissions."""
    iam = cloud.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    own = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=own)
    answer = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="ana")["Credentials"]
    return helped(
        cloud,
        AWS_ACCESS_KEY_ID=answer["AccessKeyId"],
        AWS_SECRET_ACCESS_KEY=answer["SecretAccessKey"],
        AWS_SESSION_TOKEN=answer["SessionToken"],
    )


def test_with_the_credential_helper_of_the_cli(shared_cloud: Any, cli: Cli, tmp_path: Path) -> None:
    url = new_repository(shared_cloud, f"helper.a-b_c{cli.version[0]}")
    work = work_copy(tmp_path / "work", url)
    git(work, *HELPER, "push", "-q", "origin", "main", **helped(shared_cloud, cli))
    git(tmp_path, *HELPER, "clone", "-q", url, "copy", **helped(shared_cloud, cli))
    assert git(tmp_path / "copy", "rev-parse", "HEAD") == git(work, "rev-parse", "HEAD")


def test_with_the_credentials_of_a_session(shared_cloud: Any, tmp_path: Path) -> None:
    url = new_repository(shared_cloud, "session")
    work = work_copy(tmp_path / "work", url)
    session = as_session(shared_cloud, "pusher", statement("GitPush", resource="arn:aws:codecommit:*:*:session"))
    git(work, *HELPER, "push", "-q", "origin", "main", **session)
    refused = git(tmp_path, *HELPER, "clone", url, "copy", fails=True, **session)
    assert "assumed-role/pusher/ana is not authorized to perform: codecommit:GitPull" in refused
    pushed = trail(shared_cloud, "GitPush")[-1]["userIdentity"]
    assert (pushed["type"], pushed["arn"]) == ("AssumedRole", "arn:aws:sts::123456789012:assumed-role/pusher/ana")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"AWS_SESSION_TOKEN": "other"}, "session token"),
        ({"AWS_SECRET_ACCESS_KEY": "other"}, "signature does not match"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "signature does not match"),
    ],
)
def test_wrong_sessions(shared_cloud: Any, tmp_path: Path, change: dict[str, str], told: str) -> None:
    name = f"wrong-{'-'.join(change).lower()}"
    url = new_repository(shared_cloud, name)
    session = as_session(shared_cloud, name, statement("*"))
    refused = git(tmp_path, *HELPER, "clone", url, "copy", fails=True, **{**session, **change})
    assert told in refused
    assert "error: 403" in refused


def test_a_session_ends(cloud: Any, tmp_path: Path) -> None:
    url = new_repository(cloud, "ended")
    session = as_session(cloud, "short", statement("*"))
    git(tmp_path, *HELPER, "ls-remote", url, **session)
    cloud.advance(3601)
    assert "error: 403" in git(tmp_path, *HELPER, "ls-remote", url, fails=True, **session)


def test_a_repository_of_another_region_is_found_by_its_name(shared_cloud: Any, tmp_path: Path) -> None:
    client = shared_cloud.client("codecommit", region_name="eu-central-1")
    url = client.create_repository(repositoryName="abroad")["repositoryMetadata"]["cloneUrlHttp"]
    work = work_copy(tmp_path / "work", url)
    git(work, *HELPER, "push", "-q", "origin", "main", **helped(shared_cloud, AWS_DEFAULT_REGION="eu-central-1"))
    ben = new_user(shared_cloud, "ben-abroad", statement("GitPull"))
    git(tmp_path, "clone", "-q", signed_in(url, ben), "copy")
    assert client.get_branch(repositoryName="abroad", branchName="main")["branch"]["commitId"]


def test_accounts_are_apart(shared_cloud: Any, tmp_path: Path) -> None:
    url = new_repository(shared_cloud, "ours")
    theirs = {key.upper(): value for key, value in shared_cloud.keys("second").items()}
    refused = git(tmp_path, *HELPER, "clone", url, "copy", fails=True, **helped(shared_cloud, **theirs))
    assert "ours does not exist" in refused


def test_a_wrong_password_and_none(shared_cloud: Any, tmp_path: Path) -> None:
    url = new_repository(shared_cloud, "secret")
    ana = new_user(shared_cloud, "ana-secret", statement("*"))
    for credential in ({**ana, "ServicePassword": "wrong"}, {**ana, "ServiceUserName": "nobody-at-123456789012"}):
        refused = git(tmp_path, "clone", signed_in(url, credential), "copy", fails=True)
        assert "not those of an active Git credential" in refused
        assert "error: 403" in refused
    assert "could not read Username" in git(tmp_path, "clone", url, "copy", fails=True)


def test_a_credential_that_is_switched_off_renewed_or_gone(shared_cloud: Any, tmp_path: Path) -> None:
    iam, url = shared_cloud.client("iam"), new_repository(shared_cloud, "switched")
    ana = new_user(shared_cloud, "ana-switched", statement("*"))
    own = {"UserName": "ana-switched", "ServiceSpecificCredentialId": ana["ServiceSpecificCredentialId"]}
    git(tmp_path, "ls-remote", signed_in(url, ana))
    iam.update_service_specific_credential(**own, Status="Inactive")
    assert "error: 403" in git(tmp_path, "ls-remote", signed_in(url, ana), fails=True)
    iam.update_service_specific_credential(**own, Status="Active")
    renewed = iam.reset_service_specific_credential(**own)["ServiceSpecificCredential"]
    assert "error: 403" in git(tmp_path, "ls-remote", signed_in(url, ana), fails=True)
    git(tmp_path, "ls-remote", signed_in(url, renewed))
    iam.delete_service_specific_credential(**own)
    assert "error: 403" in git(tmp_path, "ls-remote", signed_in(url, renewed), fails=True)


def test_pulling_and_pushing_are_two_permissions(shared_cloud: Any, tmp_path: Path) -> None:
    url = new_repository(shared_cloud, "two")
    arn = "arn:aws:codecommit:us-east-1:123456789012:two"
    reader = signed_in(url, new_user(shared_cloud, "reader", statement("GitPull", resource=arn)))
    writer = signed_in(url, new_user(shared_cloud, "writer", statement("GitPush", resource=arn)))
    work = work_copy(tmp_path / "work", url)
    sentence = f"is not authorized to perform: codecommit:GitPush on resource: {arn} because no identity-based policy"
    assert f"remote: User: arn:aws:iam::123456789012:user/reader {sentence}" in git(
        work, "push", reader, "main", fails=True
    )
    git(work, "push", "-q", writer, "main")
    git(tmp_path, "clone", "-q", reader, "copy")
    assert "codecommit:GitPull" in git(tmp_path, "ls-remote", writer, fails=True)
    refused = [event for event in trail(shared_cloud, "GitPush") if event["userIdentity"].get("userName") == "reader"]
    assert [(one["errorCode"], one["requestParameters"]) for one in refused] == [("AccessDenied", None)]


def test_existence_is_told_to_those_who_may_know(shared_cloud: Any, tmp_path: Path) -> None:
    url = new_repository(shared_cloud, "hidden")
    ben = new_user(shared_cloud, "ben-blind", statement("GitPull", resource="arn:aws:codecommit:*:*:other*"))
    told = {
        name: git(tmp_path, "ls-remote", signed_in(url, ben).replace("hidden", name), fails=True)
        for name in ("hidden", "nowhere", "other")
    }
    assert "not authorized" in told["hidden"]
    assert "not authorized" in told["nowhere"]
    assert "other does not exist" in told["other"]


def test_pushes_are_limited_by_branch(shared_cloud: Any, tmp_path: Path) -> None:
    """AWS's own example: "Limit pushes and merges to branches in AWS CodeCommit"."""
    url = new_repository(shared_cloud, "branches")
    dev = new_user(shared_cloud, "dev", statement("*"), statement("GitPush", "PutFile", effect="Deny", **LIMIT))
    work = work_copy(tmp_path / "work", signed_in(url, dev))
    refused = git(work, "push", "origin", "main", "main:feature", fails=True)
    sentence = "user/dev is not authorized to perform: codecommit:GitPush on resource: " + (
        "arn:aws:codecommit:us-east-1:123456789012:branches with an explicit deny in an identity-based policy"
    )
    assert f"remote: User: arn:aws:iam::123456789012:{sentence}" in refused
    assert "main -> main (You don't have permission to push changes to this branch)" in refused
    assert "main -> feature (nothing was pushed" in refused
    assert shared_cloud.client("codecommit").list_branches(repositoryName="branches")["branches"] == []
    git(work, "push", "-q", "origin", "main:feature")
    git(work, "fetch", "-q", "origin")
    told = trail(shared_cloud, "GitPush")
    denied = next(one for one in told if one.get("errorCode") and one["userIdentity"].get("userName") == "dev")
    references = {one["ref"] for one in denied["requestParameters"]["references"]}
    assert references == {"refs/heads/feature", "refs/heads/main"}


def test_a_large_push_that_is_refused_is_told_so(shared_cloud: Any, tmp_path: Path) -> None:
    """git sends all of it before it listens."""
    url = new_repository(shared_cloud, "large-refused")
    dev = new_user(shared_cloud, "dev-large", statement("*"), statement("GitPush", effect="Deny", **LIMIT))
    work = work_copy(tmp_path / "work", signed_in(url, dev))
    (work / "large").write_bytes(os.urandom(4 * 1024 * 1024))
    commit(work)
    assert "You don't have permission" in git(work, "push", "origin", "main", fails=True)


def test_only_some_branches_are_allowed(shared_cloud: Any, tmp_path: Path) -> None:
    url = new_repository(shared_cloud, "allowed")
    condition = {"StringLikeIfExists": {"codecommit:References": "refs/heads/feature/*"}}
    dev = new_user(shared_cloud, "dev-allowed", statement("GitPush", **condition))
    work = work_copy(tmp_path / "work", signed_in(url, dev))
    git(work, "push", "-q", "origin", "main:feature/one")
    assert "no identity-based policy allows" in git(work, "push", "origin", "main", fails=True)
    allow(shared_cloud, "dev-allowed", statement("GitPush"))
    git(work, "push", "-q", "origin", "main")


def test_an_open_lab_asks_nobody(start_cloud: Any, tmp_path: Path) -> None:
    cloud = start_cloud(auth="open")
    url = new_repository(cloud, "open")
    work = work_copy(tmp_path / "work", url)
    git(work, "push", "-q", "origin", "main")
    git(tmp_path, "clone", "-q", url.replace("://", "://anybody:anything@"), "copy")
    assert trail(cloud, "GitPush")[-1]["userIdentity"]["type"] == "Root"
