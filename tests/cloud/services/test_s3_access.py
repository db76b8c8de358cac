"""Who gets at a bucket: policies of users and buckets, other accounts, strangers, presigned URLs."""

import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.config import Config
from s3_help import FIRST, SECOND, allow_all, events, fetch, new_bucket, new_user, policy, refused, statement


def grant(cloud: Any, bucket: str, *statements: Any) -> None:
    cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy(*statements))


def test_another_account_needs_both_sides(shared_cloud: Any) -> None:
    name = new_bucket(shared_cloud)
    objects = f"arn:aws:s3:::{name}/*"
    shared_cloud.client("s3").put_object(Bucket=name, Key="k", Body=b"shared")
    able = new_user(shared_cloud, statement("s3:*"), profile="second")
    unable = new_user(shared_cloud, profile="second")
    first, other = (shared_cloud.client("s3", credentials=one["keys"]) for one in (able, unable))
    with refused("AccessDenied", "no resource-based policy allows the s3:GetObject action"):
        first.get_object(Bucket=name, Key="k")
    grant(shared_cloud, name, statement("s3:GetObject", objects, Principal={"AWS": f"arn:aws:iam::{SECOND}:root"}))
    assert first.get_object(Bucket=name, Key="k")["Body"].read() == b"shared"
    with refused("AccessDenied", "no identity-based policy allows"):
        other.get_object(Bucket=name, Key="k")
    with refused("AccessDenied"):
        first.put_object(Bucket=name, Key="k", Body=b"x")


def test_what_another_account_writes_belongs_to_the_bucket(shared_cloud: Any) -> None:
    name = new_bucket(shared_cloud)
    who = {"AWS": SECOND}
    grant(shared_cloud, name, statement("s3:PutObject", f"arn:aws:s3:::{name}/*", Principal=who))
    shared_cloud.client("s3", "second").put_object(Bucket=name, Key="theirs", Body=b"x")
    assert shared_cloud.client("s3").get_object(Bucket=name, Key="theirs")["Body"].read() == b"x"
    with refused("AccessDenied"):
        shared_cloud.client("s3", "second").get_object(Bucket=name, Key="theirs")


def test_a_bucket_policy_alone_lets_in_within_the_account(shared_cloud: Any) -> None:
    name, user = new_bucket(shared_cloud), new_user(shared_cloud)
    grant(shared_cloud, name, statement("s3:ListBucket", f"arn:aws:s3:::{name}", Principal={"AWS": user["arn"]}))
    s3 = shared_cloud.client("s3", credentials=user["keys"])
    s3.list_objects_v2(Bucket=name)
    with refused("AccessDenied", "no identity-based policy allows the s3:GetObject action"):
        s3.get_object(Bucket=name, Key="k")


def test_a_denial_outweighs(shared_cloud: Any) -> None:
    name, s3 = new_bucket(shared_cloud), shared_cloud.client("s3")
    grant(shared_cloud, name, statement("s3:DeleteObject", f"arn:aws:s3:::{name}/kept/*", "Deny", Principal="*"))
    s3.put_object(Bucket=name, Key="kept/a", Body=b"")
    with refused("AccessDenied", "with an explicit deny in a resource-based policy"):
        s3.delete_object(Bucket=name, Key="kept/a")
    several = {"Objects": [{"Key": "kept/a"}, {"Key": "free"}]}
    answer = s3.delete_objects(Bucket=name, Delete=several)
    assert [one["Key"] for one in answer["Deleted"]] == ["free"]
    assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [("kept/a", "AccessDenied")]


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        ({"Prefix": "ana/"}, True),
        ({"Prefix": "ana/", "Delimiter": "/"}, True),
        ({"Prefix": "bob/"}, False),
        ({}, False),
        ({"Prefix": "ana/", "Delimiter": "-"}, False),
        ({"Prefix": "ana/", "MaxKeys": 11}, False),
        ({"Prefix": "ana/", "MaxKeys": 10}, True),
    ],
)
def test_conditions_of_a_listing(shared_cloud: Any, asked: dict[str, Any], allowed: bool) -> None:
    name = new_bucket(shared_cloud)
    conditions = {
        "StringEquals": {"s3:prefix": "ana/"},
        "StringEqualsIfExists": {"s3:delimiter": "/"},
        "NumericLessThanEqualsIfExists": {"s3:max-keys": "10"},
    }
    user = new_user(shared_cloud, statement("s3:ListBucket", f"arn:aws:s3:::{name}", Condition=conditions))
    s3 = shared_cloud.client("s3", credentials=user["keys"])
    for operation in (s3.list_objects, s3.list_objects_v2):
        if allowed:
            operation(Bucket=name, **asked)
        else:
            with refused("AccessDenied"):
                operation(Bucket=name, **asked)


def test_uploads_without_encryption_can_be_denied(shared_cloud: Any) -> None:
    name, s3 = new_bucket(shared_cloud), shared_cloud.client("s3")
    unlike = {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}
    grant(
        shared_cloud, name,
        statement("s3:PutObject", f"arn:aws:s3:::{name}/*", "Deny", Principal="*", Condition=unlike),
    )  # fmt: skip
    for more in ({}, {"ServerSideEncryption": "AES256"}):
        with refused("AccessDenied", "explicit deny"):
            s3.put_object(Bucket=name, Key="k", Body=b"x", **more)
        with refused("AccessDenied", "explicit deny"):
            s3.create_multipart_upload(Bucket=name, Key="k", **more)
    s3.put_object(Bucket=name, Key="k", Body=b"x", ServerSideEncryption="aws:kms")


def test_strangers(shared_cloud: Any) -> None:
    name = new_bucket(shared_cloud)
    shared_cloud.client("s3").put_object(Bucket=name, Key="open.txt", Body=b"hello")
    address = f"{shared_cloud.url}/{name}"
    anyone = statement("s3:GetObject", f"arn:aws:s3:::{name}/*", Principal="*")
    status, body = fetch(f"{address}/open.txt")
    assert (status, b"<Code>AccessDenied</Code>" in body) == (403, True)
    with refused("AccessDenied", "BlockPublicPolicy", 403):
        grant(shared_cloud, name, anyone)
    allow_all(shared_cloud, name)
    with refused("NoSuchPublicAccessBlockConfiguration"):
        shared_cloud.client("s3").get_public_access_block(Bucket=name)
    grant(shared_cloud, name, anyone)
    assert shared_cloud.client("s3").get_bucket_policy_status(Bucket=name)["PolicyStatus"]["IsPublic"] is True
    assert fetch(f"{address}/open.txt") == (200, b"hello")
    assert fetch(f"{address}/open.txt?response-content-type=text/html")[0] == 400
    assert fetch(f"{address}/missing")[0] == 403  # who may not list is not told what is there
    assert fetch(address)[0] == 403
    assert fetch(f"{address}/open.txt", "PUT", b"mine")[0] == 403
    assert fetch(f"{address}/open.txt", "DELETE")[0] == 403
    assert fetch(shared_cloud.url)[0] in (307, 403)
    assert fetch(f"{shared_cloud.url}/a-new-one", "PUT", b"")[0] == 403


SOURCE = {"aws:SourceIp": "127.0.0.1/32"}
STRANGERS: list[tuple[list[dict[str, Any]], int]] = [
    ([{}], 200),
    ([{"Principal": {"AWS": "*"}}], 200),
    ([{"Principal": {"AWS": FIRST}}], 403),
    ([{"Condition": {"IpAddress": SOURCE}}], 200),
    ([{"Condition": {"NotIpAddress": SOURCE}}], 403),
    ([{"Condition": {"StringEquals": {"aws:PrincipalAccount": FIRST}}}], 403),
    ([{"Condition": {"Null": {"aws:PrincipalArn": "true"}}}], 200),
    ([{"Condition": {"Null": {"s3:authType": "true"}}}], 200),
    ([{"Condition": {"StringEquals": {"s3:ExistingObjectTag/open": "yes"}}}], 200),
    ([{"Condition": {"StringEquals": {"s3:ExistingObjectTag/open": "no"}}}], 403),
    ([{}, {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}], 403),
    ([{}, {"Effect": "Deny", "Principal": {"AWS": FIRST}}], 200),
]


@pytest.mark.parametrize(("parts", "status"), STRANGERS)
def test_what_decides_about_strangers(shared_cloud: Any, parts: list[dict[str, Any]], status: int) -> None:
    name = new_bucket(shared_cloud)
    allow_all(shared_cloud, name)
    shared_cloud.client("s3").put_object(Bucket=name, Key="k", Body=b"x", Tagging="open=yes")
    anyone = statement("s3:GetObject", f"arn:aws:s3:::{name}/*", Principal="*")
    grant(shared_cloud, name, *({**anyone, **part} for part in parts))
    assert fetch(f"{shared_cloud.url}/{name}/k")[0] == status


def test_restricted_buckets_set_public_policies_aside(shared_cloud: Any) -> None:
    name, s3 = new_bucket(shared_cloud), shared_cloud.client("s3")
    s3.put_object(Bucket=name, Key="k", Body=b"hello")
    allow_all(shared_cloud, name)
    grant(shared_cloud, name, statement("s3:GetObject", f"arn:aws:s3:::{name}/*", Principal="*"))
    second = shared_cloud.client("s3", "second")
    inside = shared_cloud.client("s3", credentials=new_user(shared_cloud)["keys"])
    second.get_object(Bucket=name, Key="k")
    block = {"RestrictPublicBuckets": True}
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    assert s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] is False
    with refused("AccessDenied"):
        second.get_object(Bucket=name, Key="k")
    assert fetch(f"{shared_cloud.url}/{name}/k")[0] == 403
    assert inside.get_object(Bucket=name, Key="k")["Body"].read() == b"hello"


@pytest.mark.parametrize(
    ("condition", "public"),
    [
        ({"StringEquals": {"aws:PrincipalAccount": SECOND}}, False),
        ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, False),
        ({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}, True),
        ({"StringNotEquals": {"aws:PrincipalAccount": SECOND}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::other*"}}, False),
    ],
)
def test_what_makes_a_policy_public(shared_cloud: Any, condition: Any, public: bool) -> None:
    name = new_bucket(shared_cloud)
    allow_all(shared_cloud, name)
    grant(shared_cloud, name, statement("s3:GetObject", f"arn:aws:s3:::{name}/*", Principal="*", Condition=condition))
    status = shared_cloud.client("s3").get_bucket_policy_status(Bucket=name)["PolicyStatus"]
    assert status["IsPublic"] is public


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        policy(statement("s3:GetObject", "arn:aws:s3:::other-bucket/*", Principal={"AWS": FIRST})),
        policy(statement("s3:GetObject", "arn:aws:s3:::BUCKET/*")),
        policy(statement("s3:GetObject", "arn:aws:s3:::BUCKET/*", "Perhaps", Principal={"AWS": FIRST})),
        policy(statement("s3:GetObject", "*", Principal={"AWS": FIRST})),
        policy(statement("s3:GetObject", "arn:aws:s3:::BUCKET", Principal={"AWS": FIRST})),
        policy(statement("s3:ListBucket", "arn:aws:s3:::BUCKET/*", Principal={"AWS": FIRST})),
        policy(statement(["s3:GetObject", "s3:ListBucket"], "arn:aws:s3:::BUCKET/*", Principal={"AWS": FIRST})),
        policy(statement("s3:ListObjects", "arn:aws:s3:::BUCKET", Principal={"AWS": FIRST})),
        policy(statement("ec2:RunInstances", "arn:aws:s3:::BUCKET", Principal={"AWS": FIRST})),
        policy(statement("s3:GetObject", "arn:aws:s3:::BUCKET/*", Principal={"AWS": f"arn:aws:iam::{FIRST}:user/no"})),
        policy(statement("s3:GetObject", "arn:aws:s3:::BUCKET/*", Principal={"AWS": f"arn:aws:iam::{FIRST}:user/*"})),
        policy(statement("s3:GetObject", "arn:aws:s3:::BUCKET/*", Principal={"Service": "s3.example.com"})),
        policy(statement("s3:GetObject", "arn:aws:s3:::BUCKET/*", Principal="somebody")),
        policy(
            statement(
                "s3:ListBucket",
                "arn:aws:s3:::BUCKET",
                Principal="*",
                Condition={"StringEquals": {"s3:prefixes": "a"}},
            )
        ),
        policy(statement("s3:GetObject", f"arn:aws:s3:::BUCKET/{'x' * 21_000}", Principal={"AWS": FIRST})),
    ],
)
def test_policies_that_are_refused(shared_cloud: Any, text: str) -> None:
    name = new_bucket(shared_cloud)
    with refused("MalformedPolicy", status=400):
        shared_cloud.client("s3").put_bucket_policy(Bucket=name, Policy=text.replace("BUCKET", name))
    with refused("NoSuchBucketPolicy", status=404):
        shared_cloud.client("s3").get_bucket_policy(Bucket=name)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:*", "arn:aws:s3:::BUCKET"), ("s3:*", "arn:aws:s3:::BUCKET/*"), ("*", "arn:aws:s3:::BUCKET"),
        ("s3:Get*", "arn:aws:s3:::BUCKET/*"), ("s3:ListBucket", "arn:aws:s3:::BUCKET*"),
        ("S3:getobject", "arn:aws:s3:::BUCKET/a"),
    ],
)  # fmt: skip
def test_actions_and_what_they_act_upon(shared_cloud: Any, action: str, resource: str) -> None:
    name = new_bucket(shared_cloud)
    grant(shared_cloud, name, statement(action, resource.replace("BUCKET", name), Principal={"AWS": FIRST}))


def test_everybody_but_one_is_public(shared_cloud: Any) -> None:
    name = new_bucket(shared_cloud)
    but = statement("s3:GetObject", f"arn:aws:s3:::{name}/*", NotPrincipal={"AWS": FIRST})
    with refused("AccessDenied", "BlockPublicPolicy", 403):
        grant(shared_cloud, name, but)
    allow_all(shared_cloud, name)
    grant(shared_cloud, name, but)
    assert shared_cloud.client("s3").get_bucket_policy_status(Bucket=name)["PolicyStatus"]["IsPublic"] is True


def test_a_policy_means_the_user_and_not_the_name(shared_cloud: Any) -> None:
    """Somebody who gets a name that was free again doesn't get what its former holder was given."""
    name, iam, s3 = new_bucket(shared_cloud), shared_cloud.client("iam"), shared_cloud.client("s3")
    user = new_user(shared_cloud)
    grant(shared_cloud, name, statement("s3:ListBucket", f"arn:aws:s3:::{name}", Principal={"AWS": user["arn"]}))
    shared_cloud.client("s3", credentials=user["keys"]).list_objects_v2(Bucket=name)
    assert user["arn"] in s3.get_bucket_policy(Bucket=name)["Policy"]
    iam.delete_access_key(UserName=user["name"], AccessKeyId=user["keys"]["AccessKeyId"])
    iam.delete_user(UserName=user["name"])
    assert "AIDA" in s3.get_bucket_policy(Bucket=name)["Policy"]
    iam.create_user(UserName=user["name"])
    key = iam.create_access_key(UserName=user["name"])["AccessKey"]
    with refused("AccessDenied"):
        shared_cloud.client("s3", credentials={**key, "SessionToken": None}).list_objects_v2(Bucket=name)


def test_only_who_may_list_is_told_that_a_key_is_missing(shared_cloud: Any) -> None:
    name = new_bucket(shared_cloud)
    user = new_user(shared_cloud, statement("s3:GetObject*", f"arn:aws:s3:::{name}/*"))
    s3 = shared_cloud.client("s3", credentials=user["keys"])
    with refused("AccessDenied", "s3:ListBucket"):
        s3.get_object(Bucket=name, Key="missing")
    with refused("403"):
        s3.head_object(Bucket=name, Key="missing")
    with refused("NoSuchKey", status=404):
        shared_cloud.client("s3").get_object(Bucket=name, Key="missing")


def test_a_version_needs_a_permission_of_its_own(shared_cloud: Any) -> None:
    name = new_bucket(shared_cloud, versions=True)
    version = shared_cloud.client("s3").put_object(Bucket=name, Key="k", Body=b"1")["VersionId"]
    user = new_user(shared_cloud, statement(["s3:GetObject", "s3:DeleteObject"], f"arn:aws:s3:::{name}/*"))
    s3 = shared_cloud.client("s3", credentials=user["keys"])
    s3.get_object(Bucket=name, Key="k")
    with refused("AccessDenied", "s3:GetObjectVersion"):
        s3.get_object(Bucket=name, Key="k", VersionId=version)
    with refused("AccessDenied", "s3:DeleteObjectVersion"):
        s3.delete_object(Bucket=name, Key="k", VersionId=version)


# Presigned URLs


def presigned(cloud: Any, operation: str, bucket: str, key: str = "k", seconds: int = 60, **more: Any) -> str:
    s3 = cloud.client("s3", config=Config(signature_version="s3v4"))
    url: str = s3.generate_presigned_url(operation, {"Bucket": bucket, "Key": key, **more}, seconds)
    return url


def test_presigned_put_and_get(shared_cloud: Any) -> None:
    name = new_bucket(shared_cloud)
    assert fetch(presigned(shared_cloud, "put_object", name, "a b"), "PUT", b"content")[0] == 200
    assert fetch(presigned(shared_cloud, "get_object", name, "a b")) == (200, b"content")
    url = presigned(shared_cloud, "get_object", name, "a b", ResponseContentType="text/x-own")
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.headers["Content-Type"] == "text/x-own"


@pytest.mark.parametrize(
    "change", [("/k?", "/other?"), ("X-Amz-Expires=60", "X-Amz-Expires=61"), ("X-Amz-Signature=", "X-Amz-Signature=0")]
)
def test_a_presigned_url_that_was_changed(shared_cloud: Any, change: tuple[str, str]) -> None:
    name = new_bucket(shared_cloud)
    url = presigned(shared_cloud, "get_object", name)
    status, body = fetch(url.replace(*change))
    assert (status, b"SignatureDoesNotMatch" in body) == (403, True)
    assert fetch(url, "PUT", b"x")[0] == 403


def test_a_presigned_url_expires(shared_cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    name, then = new_bucket(shared_cloud), datetime.now(UTC) - timedelta(seconds=62)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda **_: then)
    status, body = fetch(presigned(shared_cloud, "put_object", name), "PUT", b"late")
    assert (status, b"Request has expired" in body) == (403, True)
    assert fetch(presigned(shared_cloud, "put_object", name, seconds=120), "PUT", b"in time")[0] == 200


def test_a_presigned_url_is_as_strong_as_its_signer(shared_cloud: Any) -> None:
    name = new_bucket(shared_cloud)
    user = new_user(shared_cloud)
    url = shared_cloud.client("s3", credentials=user["keys"]).generate_presigned_url(
        "get_object", {"Bucket": name, "Key": "k"}
    )
    assert fetch(url)[0] == 403


def test_the_trail_holds_object_calls_as_data_events(shared_cloud: Any) -> None:
    name, s3 = new_bucket(shared_cloud), shared_cloud.client("s3")
    s3.put_object(Bucket=name, Key="k", Body=b"a body that is nobody else's", Metadata={"seen": "yes"})
    s3.get_object(Bucket=name, Key="k")["Body"].read()
    found = {one["eventName"]: one for one in events(shared_cloud, source="s3.amazonaws.com")
             if (one["requestParameters"] or {}).get("bucket") == name}  # fmt: skip
    assert found["CreateBucket"]["managementEvent"] is True
    for operation in ("PutObject", "GetObject"):
        assert (found[operation]["eventCategory"], found[operation]["managementEvent"]) == ("Data", False)
        assert found[operation]["resources"][0]["ARN"] == f"arn:aws:s3:::{name}/k"
    assert (found["PutObject"]["readOnly"], found["GetObject"]["readOnly"]) == (False, True)
    assert "nobody else's" not in str(found)
