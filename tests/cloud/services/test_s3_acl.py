"""Access control lists in buckets that heed them: whose an object is, and whom its list lets in."""

import json
from typing import Any

import pytest
from s3_help import SECOND, fetch, fresh, new_user, refused, statement

ANYBODY_KNOWN = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"


@pytest.fixture(scope="module")
def s3(shared_cloud: Any) -> Any:
    return shared_cloud.client("s3")


@pytest.fixture(scope="module")
def theirs(shared_cloud: Any) -> Any:
    """The second account's administrator."""
    return shared_cloud.client("s3", "second")


def bucket(s3: Any, ownership: str = "ObjectWriter", **more: Any) -> str:
    """One that heeds lists, public ones too."""
    name = fresh("acl")
    s3.create_bucket(Bucket=name, ObjectOwnership=ownership, **more)
    s3.delete_public_access_block(Bucket=name)
    return name


def identity(s3: Any) -> str:
    return str(s3.list_buckets()["Owner"]["ID"])


def open_to(s3: Any, name: str, account: str) -> None:
    """Let another account write into a bucket, by its policy, and do anything else to objects."""
    everything, them = f"arn:aws:s3:::{name}/*", {"AWS": f"arn:aws:iam::{account}:root"}
    allowed = statement("s3:*Object*", everything, Principal=them)
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))


def url(cloud: Any, name: str, key: str = "k") -> str:
    return f"{cloud.url}/{name}/{key}"


# Whom a list lets in


def test_a_public_object_is_for_everybody_until_it_is_blocked(shared_cloud: Any, s3: Any) -> None:
    name = bucket(s3)
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    assert fetch(url(shared_cloud, name))[0] == 403
    s3.put_object_acl(Bucket=name, Key="k", ACL="public-read")
    assert fetch(url(shared_cloud, name)) == (200, b"x")
    assert fetch(f"{shared_cloud.url}/{name}")[0] == 403
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
    assert fetch(url(shared_cloud, name))[0] == 403
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    assert fetch(url(shared_cloud, name)) == (200, b"x")  # what is there already stays
    for write in (s3.put_object_acl, s3.put_object, s3.create_multipart_upload):
        with refused("AccessDenied", status=403):
            write(Bucket=name, Key="k", ACL="public-read")


def test_a_list_in_a_bucket_that_goes_back_counts_no_more(shared_cloud: Any, s3: Any) -> None:
    name = bucket(s3)
    s3.put_object(Bucket=name, Key="k", Body=b"x", ACL="public-read")
    assert fetch(url(shared_cloud, name)) == (200, b"x")
    enforced = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=enforced)
    assert fetch(url(shared_cloud, name))[0] == 403
    assert [one["Permission"] for one in s3.get_object_acl(Bucket=name, Key="k")["Grants"]] == ["FULL_CONTROL"]
    with refused("AccessControlListNotSupported"):
        s3.put_object_acl(Bucket=name, Key="k", ACL="public-read")


@pytest.mark.parametrize(
    ("permission", "reads", "lists"),
    [("READ", True, False), ("READ_ACP", False, True), ("WRITE_ACP", False, False), ("FULL_CONTROL", True, True)],
)
def test_what_a_grant_on_an_object_allows(s3: Any, theirs: Any, permission: str, reads: bool, lists: bool) -> None:
    name, header = bucket(s3), "Grant" + permission.title().replace("_", "").replace("Acp", "ACP")
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    s3.put_object_acl(Bucket=name, Key="k", **{header: f'id="{identity(theirs)}"'})
    for allowed, call in ((reads, theirs.get_object), (lists, theirs.get_object_acl)):
        if allowed:
            call(Bucket=name, Key="k")
        else:
            with refused("AccessDenied", status=403):
                call(Bucket=name, Key="k")


def test_their_own_policies_have_to_allow_it_too(shared_cloud: Any, s3: Any, theirs: Any) -> None:
    """A grant is the account's; its users need leave of their own."""
    name = bucket(s3)
    s3.put_object(Bucket=name, Key="k", Body=b"x", GrantRead=f'id="{identity(theirs)}"')
    nobody = shared_cloud.client("s3", credentials=new_user(shared_cloud, profile="second")["keys"])
    with refused("AccessDenied", "no identity-based policy"):
        nobody.get_object(Bucket=name, Key="k")
    assert theirs.get_object(Bucket=name, Key="k")["Body"].read() == b"x"


def test_a_list_of_a_bucket(shared_cloud: Any, s3: Any, theirs: Any) -> None:
    """READ lists it, WRITE puts objects into it, and neither reads them."""
    name = bucket(s3)
    s3.put_bucket_acl(Bucket=name, GrantRead=f'uri="{ANYBODY_KNOWN}"', GrantWrite=f'id="{identity(theirs)}"')
    theirs.put_object(Bucket=name, Key="k", Body=b"x")
    assert [one["Key"] for one in theirs.list_objects_v2(Bucket=name)["Contents"]] == ["k"]
    assert fetch(f"{shared_cloud.url}/{name}")[0] == 403
    grants = s3.get_bucket_acl(Bucket=name)["Grants"]
    assert {(one["Grantee"]["Type"], one["Permission"]) for one in grants} == {
        ("Group", "READ"), ("CanonicalUser", "WRITE"),
    }  # fmt: skip


# Whose an object is


def test_an_object_is_its_writer_s(s3: Any, theirs: Any) -> None:
    """ObjectWriter: the bucket's owner cannot read what another account has put there, whatever the policy says."""
    name = bucket(s3)
    open_to(s3, name, SECOND)
    theirs.put_object(Bucket=name, Key="k", Body=b"x")
    with refused("AccessDenied", status=403):
        s3.get_object(Bucket=name, Key="k")
    assert theirs.get_object_acl(Bucket=name, Key="k")["Owner"]["ID"] == identity(theirs)
    assert s3.list_objects_v2(Bucket=name, FetchOwner=True)["Contents"][0]["Owner"]["ID"] == identity(theirs)
    theirs.put_object_acl(Bucket=name, Key="k", ACL="bucket-owner-read")
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"x"
    s3.delete_object(Bucket=name, Key="k")  # what lies in a bucket its owner can always remove


@pytest.mark.parametrize(("acl", "ours"), [({"ACL": "bucket-owner-full-control"}, True), ({}, False)])
def test_the_bucket_s_owner_preferred(s3: Any, theirs: Any, acl: dict[str, str], ours: bool) -> None:
    name = bucket(s3, "BucketOwnerPreferred")
    open_to(s3, name, SECOND)
    theirs.put_object(Bucket=name, Key="k", Body=b"x", **acl)
    if ours:
        assert s3.get_object_acl(Bucket=name, Key="k")["Owner"]["ID"] == identity(s3)
        assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"x"
    else:
        with refused("AccessDenied", status=403):
            s3.get_object(Bucket=name, Key="k")


def test_an_upload_in_parts_keeps_its_list(shared_cloud: Any, s3: Any) -> None:
    name = bucket(s3)
    place = {"Bucket": name, "Key": "k"}
    place["UploadId"] = s3.create_multipart_upload(**place, ACL="public-read")["UploadId"]
    part = s3.upload_part(**place, PartNumber=1, Body=b"x")["ETag"]
    s3.complete_multipart_upload(**place, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
    assert fetch(url(shared_cloud, name)) == (200, b"x")


# What is refused


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"ACL": "private", "GrantRead": 'id="0"'}, "InvalidRequest"),
        ({"GrantRead": 'id="0"'}, "InvalidArgument"),
        ({"GrantRead": 'uri="http://acs.amazonaws.com/groups/global/Nobody"'}, "InvalidArgument"),
        ({"GrantRead": "somebody"}, "InvalidArgument"),
        ({"GrantRead": 'emailAddress="a@example.com"'}, "NotSimulated"),
        ({"ACL": "aws-exec-read"}, "NotSimulated"),
        ({}, "MissingSecurityHeader"),
    ],
)
def test_lists_that_are_none(s3: Any, asked: dict[str, str], code: str) -> None:
    name = bucket(s3)
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    with refused(code):
        s3.put_object_acl(Bucket=name, Key="k", **asked)


def test_a_bucket_with_grants_does_not_go_back(s3: Any) -> None:
    name = bucket(s3)
    s3.put_bucket_acl(Bucket=name, ACL="public-read")
    enforced = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    with refused("InvalidBucketAclWithObjectOwnership"):
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=enforced)
    s3.put_bucket_acl(Bucket=name, ACL="private")
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=enforced)


def test_controls_are_taken_away(s3: Any) -> None:
    name = fresh("acl")
    s3.create_bucket(Bucket=name)
    s3.delete_bucket_ownership_controls(Bucket=name)
    with refused("OwnershipControlsNotFoundError", status=404):
        s3.get_bucket_ownership_controls(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"x", ACL="bucket-owner-full-control")


def test_who_may_not_set_ownership_makes_no_such_bucket(shared_cloud: Any) -> None:
    keys = new_user(shared_cloud, statement("s3:CreateBucket"))["keys"]
    nobody = shared_cloud.client("s3", credentials=keys)
    with refused("AccessDenied", "s3:PutBucketOwnershipControls"):
        nobody.create_bucket(Bucket=fresh("acl"), ObjectOwnership="ObjectWriter")
    nobody.create_bucket(Bucket=fresh("acl"))
