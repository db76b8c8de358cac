"""Buckets: names, regions, who owns them, their settings."""

from typing import Any

import pytest
from botocore.config import Config
from s3_help import FIRST, SECOND, fresh, new_bucket, new_user, policy, refused, statement

BAD_NAMES = ["ab", "a" * 64, "Upper", "under_score", "a..b", "a.-b", "-start", "end-", "10.0.0.1", "xn--name",
             "sthree-name", "name-s3alias", "name--ol-s3", "dot."]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_are_refused(shared_cloud: Any, name: str) -> None:
    s3 = shared_cloud.client("s3", config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}))
    with refused("InvalidBucketName", status=400):
        s3.create_bucket(Bucket=name)


@pytest.mark.parametrize("name", ["a-b", "a.b.c", "1" + "x" * 62, "123"])
def test_names_that_are_taken(shared_cloud: Any, name: str) -> None:
    s3 = shared_cloud.client("s3")
    assert s3.create_bucket(Bucket=name)["Location"] == f"/{name}"
    assert name in [one["Name"] for one in s3.list_buckets()["Buckets"]]
    s3.delete_bucket(Bucket=name)
    with refused("404"):
        s3.head_bucket(Bucket=name)


def test_a_name_belongs_to_one_account(shared_cloud: Any) -> None:
    name = new_bucket(shared_cloud)
    first, second = shared_cloud.client("s3"), shared_cloud.client("s3", "second")
    first.create_bucket(Bucket=name)  # us-east-1 lets its owner make it again
    with refused("BucketAlreadyExists", status=409):
        second.create_bucket(Bucket=name)
    assert name not in [one["Name"] for one in second.list_buckets()["Buckets"]]
    with refused("AccessDenied", "because no resource-based policy allows"):
        second.list_objects_v2(Bucket=name)
    with refused("AccessDenied", status=403):
        first.get_bucket_location(Bucket=name, ExpectedBucketOwner=SECOND)
    first.get_bucket_location(Bucket=name, ExpectedBucketOwner=FIRST)


@pytest.mark.parametrize("place", ["us-east-1", "mars-1"])  # us-east-1 is said by saying nothing
def test_places_that_are_none(shared_cloud: Any, place: str) -> None:
    with refused("InvalidLocationConstraint", "The specified location-constraint is not valid", 400):
        shared_cloud.client("s3").create_bucket(
            Bucket=fresh("place"), CreateBucketConfiguration={"LocationConstraint": place}
        )


def test_regions(shared_cloud: Any) -> None:
    name = fresh("ireland")
    ireland = shared_cloud.client("s3", region_name="eu-west-1")
    place = {"LocationConstraint": "eu-west-1"}
    with refused("IllegalLocationConstraintException"):
        ireland.create_bucket(Bucket=name)
    with refused("IllegalLocationConstraintException"):
        ireland.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    ireland.create_bucket(Bucket=name, CreateBucketConfiguration=place)
    with refused("BucketAlreadyOwnedByYou", status=409):
        ireland.create_bucket(Bucket=name, CreateBucketConfiguration=place)
    assert ireland.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-west-1"
    assert ireland.head_bucket(Bucket=name)["BucketRegion"] == "eu-west-1"
    listed = ireland.list_buckets(BucketRegion="eu-west-1", Prefix="ireland")
    assert [(one["Name"], one["BucketRegion"]) for one in listed["Buckets"]] == [(name, "eu-west-1")]
    here = new_bucket(shared_cloud)
    assert shared_cloud.client("s3").get_bucket_location(Bucket=here)["LocationConstraint"] is None


def test_buckets_list_in_pages(cloud: Any) -> None:
    s3 = cloud.client("s3")
    for number in range(5):
        s3.create_bucket(Bucket=f"page-{number}")
    pages = list(s3.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 2}))
    assert [[one["Name"] for one in page["Buckets"]] for page in pages] == [
        ["page-0", "page-1"], ["page-2", "page-3"], ["page-4"]
    ]  # fmt: skip
    with refused("InvalidArgument"):
        s3.list_buckets(ContinuationToken="garbage", MaxBuckets=2)


def test_only_an_empty_bucket_goes(shared_cloud: Any) -> None:
    s3, name = shared_cloud.client("s3"), new_bucket(shared_cloud, versions=True)
    s3.put_object(Bucket=name, Key="a", Body=b"1")
    s3.delete_object(Bucket=name, Key="a")
    with refused("BucketNotEmpty", "all versions", 409):
        s3.delete_bucket(Bucket=name)
    found = s3.list_object_versions(Bucket=name)
    for one in found["Versions"] + found["DeleteMarkers"]:
        s3.delete_object(Bucket=name, Key="a", VersionId=one["VersionId"])
    upload = s3.create_multipart_upload(Bucket=name, Key="big")["UploadId"]
    s3.delete_bucket(Bucket=name)
    s3.create_bucket(Bucket=name)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=name)
    with refused("NoSuchUpload"):
        s3.list_parts(Bucket=name, Key="big", UploadId=upload)


_CALLS: list[tuple[str, dict[str, Any]]] = [
    ("list_objects_v2", {}), ("get_bucket_location", {}), ("delete_bucket", {}), ("get_bucket_policy", {}),
    ("get_object", {"Key": "k"}), ("put_object", {"Key": "k", "Body": b""}), ("delete_object", {"Key": "k"}),
    ("list_object_versions", {}), ("get_bucket_tagging", {}), ("create_multipart_upload", {"Key": "k"}),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "more"), _CALLS, ids=lambda one: one if isinstance(one, str) else "")
def test_a_bucket_that_is_not_there(shared_cloud: Any, operation: str, more: dict[str, Any]) -> None:
    with refused("NoSuchBucket", status=404):
        getattr(shared_cloud.client("s3"), operation)(Bucket="nowhere-to-be-found", **more)


def test_settings_round_trip(shared_cloud: Any) -> None:
    s3, name = shared_cloud.client("s3"), new_bucket(shared_cloud)
    assert "Status" not in s3.get_bucket_versioning(Bucket=name)
    for status in ("Enabled", "Suspended"):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": status})
        assert s3.get_bucket_versioning(Bucket=name)["Status"] == status
    with refused("NoSuchTagSet", status=404):
        s3.get_bucket_tagging(Bucket=name)
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "team", "Value": "shop"}]})
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "team", "Value": "shop"}]
    s3.delete_bucket_tagging(Bucket=name)
    with refused("NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=name)
    rules = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert s3.get_bucket_acl(Bucket=name)["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert all(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())


@pytest.mark.parametrize(
    "tags",
    [
        [{"Key": "aws:mine", "Value": "x"}],
        [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}],
    ],
)
def test_tags_that_are_refused(shared_cloud: Any, tags: list[dict[str, str]]) -> None:
    name = new_bucket(shared_cloud)
    with refused("InvalidTag", status=400):
        shared_cloud.client("s3").put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})


def test_events_reach_eventbridge_only_when_asked_for(shared_cloud: Any) -> None:
    s3, name = shared_cloud.client("s3"), new_bucket(shared_cloud)
    assert "EventBridgeConfiguration" not in s3.get_bucket_notification_configuration(Bucket=name)
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}})
    assert "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket=name)


def test_a_setting_needs_its_own_permission(shared_cloud: Any) -> None:
    name = new_bucket(shared_cloud)
    user = new_user(shared_cloud, statement("s3:GetBucketVersioning", f"arn:aws:s3:::{name}"))
    s3 = shared_cloud.client("s3", credentials=user["keys"])
    s3.get_bucket_versioning(Bucket=name)
    sentence = (
        f"User: {user['arn']} is not authorized to perform: s3:PutEncryptionConfiguration on resource: "
        f'"arn:aws:s3:::{name}" because no identity-based policy allows the s3:PutEncryptionConfiguration action'
    )
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    with refused("AccessDenied", sentence, 403):
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    with refused("AccessDenied", "s3:ListAllMyBuckets"):
        s3.list_buckets()


def test_state_survives_a_restart(start_cloud: Any, tmp_path: Any) -> None:
    first = start_cloud(home=tmp_path / "home")
    name = new_bucket(first, versions=True)
    text = policy(statement("s3:DeleteObject", f"arn:aws:s3:::{name}/*", "Deny", Principal="*"))
    first.client("s3").put_bucket_policy(Bucket=name, Policy=text)
    first.client("s3").put_object(Bucket=name, Key="large", Body=b"l" * 100_000)
    first.stop()
    s3 = start_cloud(home=tmp_path / "home").client("s3")
    assert s3.get_bucket_policy(Bucket=name)["Policy"] == text
    assert s3.get_object(Bucket=name, Key="large")["Body"].read() == b"l" * 100_000
    with refused("AccessDenied", "explicit deny in a resource-based policy"):
        s3.delete_object(Bucket=name, Key="large")
