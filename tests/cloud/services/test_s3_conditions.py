"""S3's condition keys and further permissions: each call is denied or let in by what it says of itself."""

import urllib.parse
from datetime import timedelta
from typing import Any

import pytest
from botocore.config import Config
from s3_help import FIRST, fetch, fresh, new_bucket, new_user, policy, refused, statement

TAGGED = {"Key": "k", "Body": b"x", "Tagging": "team=shop&stage=prod"}


@pytest.fixture(scope="module")
def name(shared_cloud: Any) -> str:
    return new_bucket(shared_cloud, versions=True)


def bound(cloud: Any, name: str, action: str | list[str], condition: Any, effect: str = "Deny", **more: Any) -> Any:
    """A client of somebody who may do anything but what the condition denies (or: nothing but what it allows)."""
    everything = [statement("s3:*")] if effect == "Deny" else []
    user = new_user(cloud, *everything, statement(action, f"arn:aws:s3:::{name}*", effect, Condition=condition))
    return cloud.client("s3", credentials=user["keys"], **more)


# operation, what is asked, the condition under which it is denied, whether it is
CASES: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("put_object", {"Key": "k", "StorageClass": "GLACIER_IR"},
     {"StringNotEquals": {"s3:x-amz-storage-class": "STANDARD"}}, True),
    ("put_object", {"Key": "k", "ServerSideEncryption": "AES256"},
     {"StringEquals": {"s3:x-amz-server-side-encryption": "AES256"}}, True),
    ("put_object", {"Key": "k"}, {"Null": {"s3:x-amz-server-side-encryption": "true"}}, True),
    ("put_object", {"Key": "k", "ACL": "private"}, {"StringEquals": {"s3:x-amz-acl": "private"}}, True),
    ("put_object", {"Key": "k", "WebsiteRedirectLocation": "/other"},
     {"Null": {"s3:x-amz-website-redirect-location": "false"}}, True),
    ("put_object", {"Key": "fresh", "IfNoneMatch": "*"}, {"Null": {"s3:if-none-match": "true"}}, False),
    ("put_object", {"Key": "k"}, {"Null": {"s3:if-none-match": "true"}}, True),
    ("put_object", {"Key": "k"}, {"Bool": {"s3:ObjectCreationOperation": "true"}}, True),
    ("create_multipart_upload", {"Key": "k"}, {"Bool": {"s3:ObjectCreationOperation": "true"}}, False),
    ("put_object", TAGGED, {"StringEquals": {"s3:RequestObjectTag/stage": "prod"}}, True),
    ("put_object", TAGGED, {"StringEquals": {"s3:RequestObjectTag/stage": "test"}}, False),
    ("put_object", TAGGED, {"ForAnyValue:StringNotEquals": {"s3:RequestObjectTagKeys": ["team", "stage"]}}, False),
    ("put_object", TAGGED, {"ForAnyValue:StringNotEquals": {"s3:RequestObjectTagKeys": ["team"]}}, True),
    ("put_object", {"Key": "k"}, {"StringEquals": {"s3:ResourceAccount": FIRST}}, True),
    ("put_object", {"Key": "k"}, {"StringEquals": {"s3:authType": "REST-HEADER"}}, True),
    ("put_object", {"Key": "k"}, {"StringEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}}, True),
    ("put_object", {"Key": "k"}, {"StringEquals": {"s3:x-amz-content-sha256": "UNSIGNED-PAYLOAD"}}, False),
    ("get_object", {"Key": "tagged"}, {"StringEquals": {"s3:ExistingObjectTag/secret": "yes"}}, True),
    ("get_object", {"Key": "tagged"}, {"StringEquals": {"s3:ExistingObjectTag/secret": "no"}}, False),
    ("get_object", {"Key": "plain"}, {"Null": {"s3:ExistingObjectTag/secret": "true"}}, True),
    ("head_object", {"Key": "plain"}, {"Null": {"s3:ExistingObjectTag/secret": "true"}}, True),
    ("put_object_tagging", {"Key": "plain", "Tagging": {"TagSet": [{"Key": "a", "Value": "1"}]}},
     {"StringEquals": {"s3:RequestObjectTag/a": "1"}}, True),
    ("copy_object", {"Key": "k", "MetadataDirective": "COPY", "StorageClass": "STANDARD"},
     {"StringEquals": {"s3:x-amz-metadata-directive": "COPY"}}, True),
    ("copy_object", {"Key": "k"}, {"StringLike": {"s3:x-amz-copy-source": "*/plain"}}, True),
    ("list_objects_v2", {"Prefix": ""}, {"StringEquals": {"s3:prefix": ""}}, True),
    ("list_objects_v2", {}, {"Null": {"s3:prefix": "true"}}, True),
    ("list_object_versions", {"MaxKeys": 5}, {"NumericLessThan": {"s3:max-keys": "6"}}, True),
    ("list_objects", {"Delimiter": "/"}, {"StringEquals": {"s3:delimiter": "/"}}, True),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "asked", "condition", "denied"), CASES, ids=lambda one: str(one)[:60])
def test_a_call_is_denied_by_what_it_says(
    shared_cloud: Any, name: str, operation: str, asked: dict[str, Any], condition: Any, denied: bool
) -> None:
    own = shared_cloud.client("s3")
    own.put_object(Bucket=name, Key="tagged", Body=b"x", Tagging="secret=yes")
    own.put_object(Bucket=name, Key="plain", Body=b"x")
    source = {"CopySource": f"{name}/plain"} if operation == "copy_object" else {}
    key = {"Key": fresh("new")} if asked.get("Key") == "fresh" else {}
    action = ["s3:PutObject", "s3:GetObject", "s3:PutObjectTagging", "s3:ListBucket*"]
    call = getattr(bound(shared_cloud, name, action, condition), operation)
    if denied:
        with refused("403" if operation == "head_object" else "AccessDenied", status=403):
            call(Bucket=name, **asked, **source)
    else:
        call(Bucket=name, **{**asked, **key}, **source)


def test_the_tags_of_the_version_that_is_read(shared_cloud: Any, name: str) -> None:
    own, key = shared_cloud.client("s3"), fresh("versions")
    secret = own.put_object(Bucket=name, Key=key, Body=b"1", Tagging="secret=yes")["VersionId"]
    plain = own.put_object(Bucket=name, Key=key, Body=b"2")["VersionId"]
    condition = {"StringEquals": {"s3:ExistingObjectTag/secret": "yes"}}
    s3 = bound(shared_cloud, name, "s3:GetObjectVersion", condition)
    s3.get_object(Bucket=name, Key=key, VersionId=plain)
    with refused("AccessDenied", "s3:GetObjectVersion"):
        s3.get_object(Bucket=name, Key=key, VersionId=secret)
    only = bound(shared_cloud, name, "s3:GetObjectVersion", {"StringEquals": {"s3:VersionId": secret}}, "Allow")
    assert only.get_object(Bucket=name, Key=key, VersionId=secret)["Body"].read() == b"1"
    with refused("AccessDenied"):
        only.get_object(Bucket=name, Key=key, VersionId=plain)


def test_parts_carry_what_their_upload_was_asked_for(shared_cloud: Any, name: str) -> None:
    """Encryption is named once, when an upload begins; a policy that demands it lets the parts through."""
    condition = {"StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"}}
    s3 = bound(shared_cloud, name, "s3:PutObject", condition)
    place = {"Bucket": name, "Key": "parts"}
    with refused("AccessDenied"):
        s3.create_multipart_upload(**place)
    place["UploadId"] = s3.create_multipart_upload(**place, ServerSideEncryption="AES256")["UploadId"]
    tag = s3.upload_part(**place, PartNumber=1, Body=b"x")["ETag"]
    s3.complete_multipart_upload(**place, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})


# Presigned URLs


@pytest.mark.parametrize(
    ("condition", "version", "denied"),
    [
        ({"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}, "s3v4", True),
        ({"StringEquals": {"s3:authType": "REST-HEADER"}}, "s3v4", False),
        ({"StringEquals": {"s3:signatureversion": "AWS"}}, "s3", True),
        ({"StringEquals": {"s3:signatureversion": "AWS"}}, "s3v4", False),
        ({"NumericGreaterThan": {"s3:signatureAge": "600000"}}, "s3v4", False),
        ({"NumericGreaterThanEquals": {"s3:signatureAge": "0"}}, "s3v4", True),
    ],
)
def test_how_a_url_was_signed(shared_cloud: Any, name: str, condition: Any, version: str, denied: bool) -> None:
    shared_cloud.client("s3").put_object(Bucket=name, Key="signed", Body=b"x")
    s3 = bound(shared_cloud, name, "s3:GetObject", condition, config=Config(signature_version=version))
    url = s3.generate_presigned_url("get_object", {"Bucket": name, "Key": "signed"}, 60)
    assert fetch(url)[0] == (403 if denied else 200)


def test_the_age_of_a_signature(shared_cloud: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shared_cloud.client("s3").put_object(Bucket=name, Key="aged", Body=b"x")
    condition = {"NumericGreaterThan": {"s3:signatureAge": "600000"}}
    s3 = bound(shared_cloud, name, "s3:GetObject", condition, config=Config(signature_version="s3v4"))
    url = s3.generate_presigned_url("get_object", {"Bucket": name, "Key": "aged"}, 3600)
    clock = shared_cloud.cloud.clock
    later = clock.true_now() + timedelta(minutes=11)
    assert fetch(url)[0] == 200
    monkeypatch.setattr(clock, "true_now", lambda: later)
    status, body = fetch(url)
    assert (status, b"explicit deny" in body) == (403, True)
    assert urllib.parse.urlsplit(url).path == f"/{name}/aged"


# Further permissions


@pytest.mark.parametrize(
    ("asked", "missing"),
    [
        ({"Tagging": "a=b"}, "s3:PutObjectTagging"),
        ({"ACL": "bucket-owner-full-control"}, "s3:PutObjectAcl"),
    ],
)
@pytest.mark.parametrize("operation", ["put_object", "create_multipart_upload"])
def test_headers_that_need_a_permission_of_their_own(
    shared_cloud: Any, name: str, operation: str, asked: dict[str, str], missing: str
) -> None:
    few = new_user(shared_cloud, statement("s3:PutObject"))
    enough = new_user(shared_cloud, statement(["s3:PutObject", missing]))
    key = fresh("further")
    with refused("AccessDenied", missing):
        getattr(shared_cloud.client("s3", credentials=few["keys"]), operation)(Bucket=name, Key=key, **asked)
    getattr(shared_cloud.client("s3", credentials=enough["keys"]), operation)(Bucket=name, Key=key, **asked)


def test_copying_tags_needs_permissions_at_both_ends(shared_cloud: Any, name: str) -> None:
    shared_cloud.client("s3").put_object(Bucket=name, Key="labelled", Body=b"x", Tagging="a=b")
    copies = {"Bucket": name, "Key": "label-copy", "CopySource": f"{name}/labelled"}
    actions = ["s3:GetObject", "s3:PutObject"]
    for missing in ("s3:GetObjectTagging", "s3:PutObjectTagging"):
        s3 = shared_cloud.client("s3", credentials=new_user(shared_cloud, statement(list(actions)))["keys"])
        with refused("AccessDenied", missing):
            s3.copy_object(**copies)
        s3.copy_object(**copies, TaggingDirective="REPLACE")
        actions.append(missing)
    s3 = shared_cloud.client("s3", credentials=new_user(shared_cloud, statement(actions))["keys"])
    s3.copy_object(**copies)
    tags = shared_cloud.client("s3").get_object_tagging(Bucket=name, Key="label-copy")["TagSet"]
    assert tags == [{"Key": "a", "Value": "b"}]


def test_a_bucket_policy_reads_the_same_keys(shared_cloud: Any) -> None:
    name, s3 = new_bucket(shared_cloud), shared_cloud.client("s3")
    condition = {"StringNotEquals": {"s3:RequestObjectTag/stage": ["test", "prod"]}}
    text = policy(statement("s3:PutObject", f"arn:aws:s3:::{name}/*", "Deny", Principal="*", Condition=condition))
    s3.put_bucket_policy(Bucket=name, Policy=text)
    s3.put_object(Bucket=name, **TAGGED)
    with refused("AccessDenied", "explicit deny in a resource-based policy"):
        s3.put_object(Bucket=name, Key="k", Body=b"x", Tagging="stage=other")
    with refused("AccessDenied", "explicit deny in a resource-based policy"):
        s3.put_object(Bucket=name, Key="k", Body=b"x")
