"""The lab's own pages: health, coverage, why, mailbox, jobs, reset, stop."""

import json
import statistics
import time
from typing import Any

import psutil
import pytest
from gateway_http import Answer, refusal, send

from labsupport.cloud.core import model

TRUST = json.dumps({"Statement": {
    "Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}})  # fmt: skip


def page(cloud: Any, path: str, profile: str = "learner", method: str = "GET") -> Answer:
    return send(cloud, method, path, sign="lab", profile=profile)


def content(cloud: Any, path: str, profile: str = "learner") -> dict[str, Any]:
    answer = page(cloud, path, profile)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = json.loads(answer.body)
    return found


def test_health_asks_for_no_signature(shared_cloud: Any) -> None:
    answer = send(shared_cloud, "GET", "/_lab/health")
    assert json.loads(answer.body) == {"status": "running", "auth": "enforce", "account": "123456789012"}


def test_coverage_is_the_registry_s(shared_cloud: Any) -> None:
    found = json.loads(send(shared_cloud, "GET", "/_lab/coverage").body)
    assert {"sts", "iam", "s3", "codepipeline"} <= found.keys()
    for name, one in found.items():
        there = shared_cloud.on_loop(lambda cloud, name=name: sorted(cloud.service(name).operations))
        assert one["implemented"] == there
        assert set(one["implemented"]).isdisjoint(one["missing"])
        assert {*one["implemented"], *one["missing"]} == model.operation_names(name)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_lab/why"),
        ("GET", "/_lab/mailbox"),
        ("GET", "/_lab/jobs"),
        ("POST", "/_lab/reset"),
        ("POST", "/_lab/stop"),
    ],
)
def test_the_others_need_a_signature_that_is_right(shared_cloud: Any, method: str, path: str) -> None:
    answer = send(shared_cloud, method, path)
    assert (answer.status, json.loads(answer.body)["__type"]) == (400, "MissingAuthenticationTokenException")
    forged = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c"}
    assert send(shared_cloud, method, path, forged).status == 400


@pytest.mark.parametrize(("path", "status"), [("/_lab/nothing", 404), ("/_lab/", 404), ("/_lab/reset", 405)])
def test_pages_that_are_not_there(shared_cloud: Any, path: str, status: int) -> None:
    assert send(shared_cloud, "GET", path).status == status


@pytest.mark.parametrize("path", ["/_lab/reset", "/_lab/stop"])
@pytest.mark.parametrize("profile", ["learner", "second"])
def test_only_root_may_reset_and_stop(shared_cloud: Any, path: str, profile: str) -> None:
    answer = page(shared_cloud, path, profile, "POST")
    found = json.loads(answer.body)
    assert (answer.status, found["__type"]) == (403, "AccessDenied")
    assert "profile root" in found["message"]
    assert send(shared_cloud, "GET", "/_lab/health").status == 200


def test_why_explains_the_last_refusal(cloud: Any) -> None:
    assert content(cloud, "/_lab/why") == {}
    iam = cloud.client("iam")
    iam.create_user(UserName="newcomer")
    key = iam.create_access_key(UserName="newcomer")["AccessKey"]
    keys = {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"], "SessionToken": None}
    client = cloud.client("codecommit", credentials=keys)
    assert refusal(client.create_repository, repositoryName="shop") == ("AccessDeniedException", 400)
    found = content(cloud, "/_lab/why")
    assert found["event"]["eventName"] == "CreateRepository"
    assert found["event"]["userIdentity"]["userName"] == "newcomer"
    assert "codecommit:CreateRepository" in json.dumps(found["missing"])
    assert "arn:aws:codecommit:us-east-1:123456789012:shop" in json.dumps(found["missing"])
    assert any("newcomer" in line for line in found["explanation"])
    assert found["decision"]


def test_why_tells_of_a_slip_in_a_policy_that_explains_the_refusal(shared_cloud: Any) -> None:
    iam = shared_cloud.client("iam")
    iam.create_user(UserName="slipped")
    statement = {"Sid": "Push", "Effect": "Allow", "Action": "codecommit:CreateRepositories", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="slipped", PolicyName="own", PolicyDocument=text)
    key = iam.create_access_key(UserName="slipped")["AccessKey"]
    keys = {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"], "SessionToken": None}
    client = shared_cloud.client("codecommit", credentials=keys)
    refusal(client.create_repository, repositoryName="shop")
    told = "\n".join(content(shared_cloud, "/_lab/why")["explanation"])
    assert "Statement “Push” of own (identity-based policy of user/slipped) cannot allow it." in told
    assert "Perhaps codecommit:CreateRepository is meant." in told


def test_the_jobs_are_what_is_still_to_be_done_for_an_account(cloud: Any) -> None:
    assert content(cloud, "/_lab/jobs") == {"jobs": []}
    key = cloud.client("kms").create_key()["KeyMetadata"]["KeyId"]
    cloud.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    (job,) = content(cloud, "/_lab/jobs")["jobs"]
    assert job["service"] == "kms"
    assert key in job["key"]
    assert 6.9 < (job["due"] - time.time()) / 86_400 < 7.1
    assert content(cloud, "/_lab/jobs", "second") == {"jobs": []}


def test_the_mailbox_shows_an_account_its_own_mail_the_newest_first(cloud: Any) -> None:
    for profile, names in (("learner", ("one", "two")), ("second", ("three",))):
        sns = cloud.client("sns", profile)
        topic = sns.create_topic(Name="news")["TopicArn"]
        for name in names:
            sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=f"{name}@example.com")
    cloud.settle()
    assert [one["to"] for one in content(cloud, "/_lab/mailbox")["messages"]] == ["two@example.com", "one@example.com"]
    assert [one["to"] for one in content(cloud, "/_lab/mailbox?to=one@example.com")["messages"]] == ["one@example.com"]
    assert [one["to"] for one in content(cloud, "/_lab/mailbox", "second")["messages"]] == ["three@example.com"]


def test_reset_makes_the_lab_as_on_its_first_day(cloud: Any) -> None:
    before = cloud.keys()
    cloud.client("codecommit").create_repository(repositoryName="shop")
    cloud.client("s3").create_bucket(Bucket="some-bucket")
    cloud.client("s3").put_object(Bucket="some-bucket", Key="a", Body=b"a")
    assert page(cloud, "/_lab/reset", "root", "POST").status == 200
    assert cloud.keys() != before
    assert cloud.client("codecommit").list_repositories()["repositories"] == []
    assert cloud.client("s3").list_buckets()["Buckets"] == []
    files = [path for name in ("git", "objects", "instances", "builds") for path in (cloud.home / name).rglob("*")]
    assert [path for path in files if path.is_file()] == []
    cloud.client("codecommit").create_repository(repositoryName="shop")
    cloud.client("s3").create_bucket(Bucket="some-bucket")
    cloud.client("s3").put_object(Bucket="some-bucket", Key="a", Body=b"a")


def test_reset_is_quick(open_cloud: Any) -> None:
    """20 ms is the aim where there is little; the margin is for machines with other work."""
    times = []
    for _ in range(7):
        made = send(open_cloud, "POST", "/", {"X-Amz-Target": "CodeCommit_20150413.CreateRepository"},
                         b'{"repositoryName": "shop"}')  # fmt: skip
        assert made.status == 200
        begin = time.perf_counter()
        assert send(open_cloud, "POST", "/_lab/reset").status == 200
        times.append(time.perf_counter() - begin)
    assert statistics.median(times) < 0.1


def processes_of(cloud: Any) -> list[str]:
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if process.status() != psutil.STATUS_ZOMBIE and str(cloud.home) in " ".join(
                [*process.cmdline(), process.cwd(), *process.environ().values()]
            ):
                found.append(" ".join(process.cmdline()))
        except (psutil.Error, OSError):
            continue
    return found


def test_reset_ends_instances(cloud: Any) -> None:
    ec2 = cloud.client("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    cloud.settle("ec2")
    state = ec2.describe_instances(InstanceIds=[made])["Reservations"][0]["Instances"][0]["State"]["Name"]
    assert state == "running"
    assert processes_of(cloud), "an instance is a process"
    assert page(cloud, "/_lab/reset", "root", "POST").status == 200
    assert processes_of(cloud) == []
    assert cloud.client("ec2").describe_instances()["Reservations"] == []


def build(cloud: Any, command: str) -> str:
    iam = cloud.client("iam")
    role = iam.create_role(RoleName="build", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.attach_role_policy(RoleName="build", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    codebuild = cloud.client("codebuild")
    spec = json.dumps({"version": 0.2, "phases": {"build": {"commands": [command]}}})
    codebuild.create_project(
        name="work", source={"type": "NO_SOURCE", "buildspec": spec}, artifacts={"type": "NO_ARTIFACTS"},
        serviceRole=role,
        environment={
            "type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"},
    )  # fmt: skip
    return str(codebuild.start_build(projectName="work")["build"]["id"])


def test_reset_ends_what_runs_and_the_next_thing_works(cloud: Any) -> None:
    build(cloud, "echo begun > $CODEBUILD_SRC_DIR/begun; exec sleep 1000")
    end = time.monotonic() + 20
    while not any("sleep 1000" in one for one in processes_of(cloud)):
        assert time.monotonic() < end, "the build has not come to its command"
    assert page(cloud, "/_lab/reset", "root", "POST").status == 200
    assert processes_of(cloud) == []
    assert cloud.client("codebuild").list_builds()["ids"] == []
    again = build(cloud, "true")
    cloud.settle()
    assert cloud.client("codebuild").batch_get_builds(ids=[again])["builds"][0]["buildStatus"] == "SUCCEEDED"


def test_stop_ends_the_cloud_in_order(cloud: Any) -> None:
    assert page(cloud, "/_lab/stop", "root", "POST").status == 200
    cloud._thread.join(20)
    assert not cloud._thread.is_alive()
    assert not (cloud.home / "endpoint.json").exists()
