"""CloudTrail's record of each call: who, what, how it ended; and no secret where it isn't meant to be."""

import base64
import json
from typing import Any

import pytest
from gateway_http import refusal

ACCOUNT = "123456789012"


def events(cloud: Any, name: str) -> list[dict[str, Any]]:
    wanted = [{"AttributeKey": "EventName", "AttributeValue": name}]
    found = cloud.client("cloudtrail").lookup_events(LookupAttributes=wanted)["Events"]
    return [json.loads(one["CloudTrailEvent"]) for one in found]


def trust(*principals: str, **more: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": list(principals)} if principals else more,
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_call_of_a_user(cloud: Any) -> None:
    answer = cloud.client("codecommit").create_repository(repositoryName="shop", tags={"a": "b"})
    (event,) = events(cloud, "CreateRepository")
    identity = event["userIdentity"]
    assert (identity["type"], identity["userName"]) == ("IAMUser", "learner")
    assert identity["arn"] == f"arn:aws:iam::{ACCOUNT}:user/learner"
    assert identity["accessKeyId"] == cloud.keys()["aws_access_key_id"]
    assert event["eventSource"] == "codecommit.amazonaws.com"
    assert event["sourceIPAddress"] == "127.0.0.1"
    assert event["userAgent"].startswith("Boto3/")
    assert event["awsRegion"] == "us-east-1"
    assert event["requestID"] == answer["ResponseMetadata"]["RequestId"]
    assert event["requestParameters"] == {"repositoryName": "shop", "tags": {"a": "b"}}
    assert event["responseElements"]["repositoryMetadata"]["repositoryName"] == "shop"
    assert [one["ARN"] for one in event["resources"]] == [f"arn:aws:codecommit:us-east-1:{ACCOUNT}:shop"]
    assert (event["readOnly"], event["managementEvent"]) == (False, True)
    assert "errorCode" not in event


def test_calls_of_root_of_a_session_and_of_a_service(cloud: Any) -> None:
    cloud.client("codecommit", "root").create_repository(repositoryName="root")
    role = cloud.client("iam").create_role(RoleName="visited", AssumeRolePolicyDocument=trust(ACCOUNT))["Role"]
    cloud.client("iam").attach_role_policy(
        RoleName="visited", PolicyArn="arn:aws:iam::aws:policy/AWSCodeCommitFullAccess"
    )
    keys = cloud.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="visit")["Credentials"]
    cloud.client("codecommit", credentials=keys).create_repository(repositoryName="session")
    session, root = (one["userIdentity"] for one in events(cloud, "CreateRepository"))
    assert (root["type"], root["arn"]) == ("Root", f"arn:aws:iam::{ACCOUNT}:root")
    assert (session["type"], session["principalId"]) == ("AssumedRole", f"{role['RoleId']}:visit")
    assert session["sessionContext"]["sessionIssuer"]["arn"] == role["Arn"]
    assert session["sessionContext"]["attributes"]["mfaAuthenticated"] == "false"


def test_a_call_that_a_service_passes_on_names_it(cloud: Any) -> None:
    cloud.client("ssm").put_parameter(Name="/a", Value="b", Type="SecureString")
    cloud.client("ssm").get_parameter(Name="/a", WithDecryption=True)
    event = events(cloud, "Decrypt")[0]
    assert event["userIdentity"]["invokedBy"] == "ssm.amazonaws.com"
    assert event["userIdentity"]["userName"] == "learner"
    assert event["sourceIPAddress"] == "ssm.amazonaws.com"
    assert event["readOnly"] is True


def test_refusals_and_errors_are_there_with_what_was_asked_for(cloud: Any) -> None:
    iam = cloud.client("iam")
    iam.create_user(UserName="newcomer")
    key = iam.create_access_key(UserName="newcomer")["AccessKey"]
    keys = {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"], "SessionToken": None}
    refusal(cloud.client("codecommit", credentials=keys).create_repository, repositoryName="shop")
    refusal(cloud.client("codecommit").get_repository, repositoryName="none")
    (refused,) = events(cloud, "CreateRepository")
    assert (refused["errorCode"], refused["responseElements"]) == ("AccessDenied", None)
    assert "is not authorized to perform: codecommit:CreateRepository" in refused["errorMessage"]
    assert refused["requestParameters"]["repositoryName"] == "shop"
    (missing,) = events(cloud, "GetRepository")
    assert missing["errorCode"] == "RepositoryDoesNotExistException"


def test_what_is_done_to_objects_is_no_management_event(cloud: Any) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="some-bucket")
    s3.put_object(Bucket="some-bucket", Key="a", Body=b"a")
    assert len(events(cloud, "CreateBucket")) == 1
    assert events(cloud, "PutObject") == []


def test_each_account_sees_its_own_calls(cloud: Any) -> None:
    cloud.client("codecommit").create_repository(repositoryName="ours")
    cloud.client("codecommit", "second").create_repository(repositoryName="theirs")
    assert [one["requestParameters"]["repositoryName"] for one in events(cloud, "CreateRepository")] == ["ours"]


# Secrets

MEANT_FOR_THEM = {"identity.access-key", "identity.session", "identity.git-credential"}


@pytest.fixture
def secrets(cloud: Any) -> dict[str, str]:
    """Every kind of secret that a call can have in it, each used once; by what it is."""
    iam, kms, ssm = (cloud.client(name) for name in ("iam", "kms", "ssm"))
    iam.create_user(UserName="holder")
    access = iam.create_access_key(UserName="holder")["AccessKey"]
    git = iam.create_service_specific_credential(UserName="holder", ServiceName="codecommit.amazonaws.com")
    again = iam.reset_service_specific_credential(
        UserName="holder",
        ServiceSpecificCredentialId=git["ServiceSpecificCredential"]["ServiceSpecificCredentialId"],
    )
    role = iam.create_role(RoleName="visited", AssumeRolePolicyDocument=trust(ACCOUNT))["Role"]["Arn"]
    session = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="visit")["Credentials"]
    own = cloud.client("sts").get_session_token()["Credentials"]
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"plaintext-of-encrypt")["CiphertextBlob"]
    kms.decrypt(CiphertextBlob=blob)
    data = kms.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"]
    ssm.put_parameter(Name="/secret", Value="value-of-secure-string", Type="SecureString")
    ssm.get_parameters_by_path(Path="/", WithDecryption=True)
    ssm.get_parameter_history(Name="/secret", WithDecryption=True)
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="some-bucket")
    s3.put_object(Bucket="some-bucket", Key="a", Body=b"content-of-an-object", ServerSideEncryption="aws:kms")
    s3.get_object(Bucket="some-bucket", Key="a")["Body"].read()
    template = {
        "Parameters": {"Password": {"Type": "String", "NoEcho": True}},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    }
    cloud.client("cloudformation").create_stack(
        StackName="stack", TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": "Password", "ParameterValue": "value-of-no-echo"}],
    )  # fmt: skip
    cloud.settle()
    return {
        "a secret access key": access["SecretAccessKey"],
        "a git password": again["ServiceSpecificCredential"]["ServicePassword"],
        "an old git password": git["ServiceSpecificCredential"]["ServicePassword"],
        "a session's secret key": session["SecretAccessKey"],
        "a session's token": session["SessionToken"],
        "a user's session's token": own["SessionToken"],
        "the caller's own secret": cloud.keys()["aws_secret_access_key"],
        "a plaintext": "plaintext-of-encrypt",
        "a plaintext in base64": base64.b64encode(b"plaintext-of-encrypt").decode(),
        "a data key": base64.b64encode(data).decode(),
        "a SecureString": "value-of-secure-string",
        "an object": "content-of-an-object",
        "a parameter with NoEcho": "value-of-no-echo",
    }


def test_no_secret_is_where_it_is_not_meant_to_be(cloud: Any, secrets: dict[str, str]) -> None:
    def rows(running: Any) -> list[tuple[str, str]]:
        db, found = running.store.db, []
        for kind, key, value in db.execute("SELECT kind, key, value FROM record"):
            opened = running.store.records.seal.open(kind, value)
            found.append((kind, f"{key} {opened.decode('utf-8', 'replace')}"))
        for _, entry in running.store.trail.newest_first(limit=-1):
            found.append(("the trail", f"{entry.event!r} {entry.decision!r} {entry.error!r}"))
        found += [("a job", " ".join(map(str, row))) for row in db.execute("SELECT * FROM job")]
        return found

    places = cloud.on_loop(rows)
    for path in (cloud.home / "logs").rglob("*"):
        if path.is_file():
            places.append((f"logs/{path.name}", path.read_text(errors="replace")))
    for path in (cloud.home / "objects").rglob("*"):
        if path.is_file():
            places.append(("an object's file", path.read_bytes().decode("latin-1")))
    assert len(places) > 50
    leaked = sorted({(what, place) for place, text in places for what, secret in secrets.items() if secret in text})
    allowed = {("a parameter with NoEcho", place) for _, place in leaked if place.startswith("cloudformation.")}
    assert [one for one in leaked if one[1] not in MEANT_FOR_THEM and one not in allowed] == []
    assert ("an old git password", "identity.git-credential") not in leaked


def test_the_trail_says_that_something_was_hidden(cloud: Any, secrets: dict[str, str]) -> None:
    (event,) = events(cloud, "CreateAccessKey")
    assert event["responseElements"]["accessKey"]["userName"] == "holder"
    assert "SECURITY" in event["responseElements"]["accessKey"].get("secretAccessKey", "SECURITY")
    put = events(cloud, "PutParameter")[0]["requestParameters"]
    assert put["name"] == "/secret"
    assert "SECURITY" in put["value"]
