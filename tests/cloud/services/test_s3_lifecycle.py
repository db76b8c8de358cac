"""Lifecycle rules: which are taken, and what they do as the lab's days go by."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from s3_help import FIRST, files, fresh, refused

DAY = 86_400
Days = Callable[[float], None]


@pytest.fixture(scope="module")
def s3(shared_cloud: Any) -> Any:
    return shared_cloud.client("s3")


@pytest.fixture
def days(shared_cloud: Any) -> Days:
    """Lets days go by."""

    def passing(number: float) -> None:
        shared_cloud.advance(number * DAY)
        shared_cloud.settle("s3")

    return passing


def bucket(s3: Any, *rules: dict[str, Any], versions: str = "", **more: Any) -> str:
    name = fresh("ageing")
    s3.create_bucket(Bucket=name)
    if versions:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": versions})
    if rules:
        put(s3, name, *rules, **more)
    return name


def put(s3: Any, name: str, *rules: dict[str, Any], **more: Any) -> None:
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": list(rules)}, **more)


def rule(prefix: str = "", **actions: Any) -> dict[str, Any]:
    return {"ID": fresh("rule"), "Status": "Enabled", "Filter": {"Prefix": prefix}, **actions}


def keys(s3: Any, name: str) -> list[str]:
    return [one["Key"] for one in s3.list_objects_v2(Bucket=name).get("Contents", [])]


def versions(s3: Any, name: str) -> list[tuple[str, str]]:
    found = s3.list_object_versions(Bucket=name)
    shown = [(one["Key"], "version") for one in found.get("Versions", [])]
    return shown + [(one["Key"], "marker") for one in found.get("DeleteMarkers", [])]


# What is taken

GOOD: list[dict[str, Any]] = [
    rule("logs/", Expiration={"Days": 1}),
    rule(Expiration={"Date": datetime(2030, 1, 1, tzinfo=UTC)}),
    rule(Expiration={"ExpiredObjectDeleteMarker": True}, NoncurrentVersionExpiration={
        "NoncurrentDays": 3, "NewerNoncurrentVersions": 2}),
    rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7}),
    rule(Transitions=[{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 90, "StorageClass": "GLACIER"}]),
    {**rule(Expiration={"Days": 1}), "Filter": {"And": {"Prefix": "a", "Tags": [{"Key": "a", "Value": "b"}]}}},
    {"ID": "old", "Status": "Disabled", "Prefix": "", "Expiration": {"Days": 1}},
]  # fmt: skip


def test_rules_round_trip(s3: Any) -> None:
    name = bucket(s3)
    with refused("NoSuchLifecycleConfiguration", status=404):
        s3.get_bucket_lifecycle_configuration(Bucket=name)
    put(s3, name, *GOOD, TransitionDefaultMinimumObjectSize="varies_by_storage_class")
    found = s3.get_bucket_lifecycle_configuration(Bucket=name)
    assert found["Rules"] == GOOD
    assert found["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"
    s3.delete_bucket_lifecycle(Bucket=name)
    with refused("NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=name)


TAG = {"Tag": {"Key": "a", "Value": "b"}}
BAD: list[tuple[dict[str, Any], str]] = [
    (rule(), "InvalidRequest"),
    (rule(Expiration={}), "InvalidRequest"),
    (rule(Expiration={"Days": 1, "ExpiredObjectDeleteMarker": True}), "MalformedXML"),
    (rule(Expiration={"Days": 0}), "InvalidArgument"),
    (rule(Expiration={"Date": datetime(2030, 1, 1, 12, tzinfo=UTC)}), "InvalidArgument"),
    (rule(Transitions=[{"Days": 29, "StorageClass": "STANDARD_IA"}]), "InvalidArgument"),
    (rule(Transitions=[{"StorageClass": "GLACIER"}]), "MalformedXML"),
    (rule(Transitions=[{"Days": 9, "StorageClass": "GLACIER"}], Expiration={"Days": 9}), "InvalidArgument"),
    (rule(NoncurrentVersionExpiration={"NewerNoncurrentVersions": 2}), "MalformedXML"),
    (rule(NoncurrentVersionExpiration={"NoncurrentDays": 1, "NewerNoncurrentVersions": 101}), "InvalidArgument"),
    (rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 0}), "InvalidArgument"),
    ({**rule(Expiration={"ExpiredObjectDeleteMarker": True}), "Filter": TAG}, "InvalidRequest"),
    ({**rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1}), "Filter": TAG}, "InvalidRequest"),
    ({**rule(Expiration={"Days": 1}), "Prefix": "x"}, "MalformedXML"),
    ({"Status": "Enabled", "Expiration": {"Days": 1}}, "MalformedXML"),
    ({**rule(Expiration={"Days": 1}), "ID": "x" * 256}, "InvalidArgument"),
]


@pytest.mark.parametrize(("wrong", "code"), BAD)
def test_rules_that_are_refused(s3: Any, wrong: dict[str, Any], code: str) -> None:
    name = bucket(s3)
    with refused(code, status=400):
        put(s3, name, wrong)
    with refused("NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=name)


def test_an_id_names_one_rule(s3: Any) -> None:
    one = rule(Expiration={"Days": 1})
    with refused("InvalidArgument", "unique", 400):
        bucket(s3, one, one)


# What they do


def test_objects_expire_at_the_midnight_after_their_days(shared_cloud: Any, s3: Any, days: Days) -> None:
    name = bucket(s3, rule("logs/", Expiration={"Days": 2}), {**rule(Expiration={"Days": 1}), "Status": "Disabled"})
    before = files(shared_cloud)
    told = s3.put_object(Bucket=name, Key="logs/a", Body=b"x" * 100_000)["Expiration"]
    s3.put_object(Bucket=name, Key="kept", Body=b"x")
    now = shared_cloud.on_loop(lambda cloud: cloud.clock.epoch())
    ends = (now // DAY + 3) * DAY
    assert f'expiry-date="{datetime.fromtimestamp(ends, UTC):%a, %d %b %Y %H:%M:%S GMT}", rule-id="rule-' in told
    assert s3.head_object(Bucket=name, Key="logs/a")["Expiration"] == told
    assert "Expiration" not in s3.head_object(Bucket=name, Key="kept")
    days((ends - now - 60) / DAY)
    assert keys(s3, name) == ["kept", "logs/a"]
    days(120 / DAY)
    assert keys(s3, name) == ["kept"]
    assert files(shared_cloud) == before


def test_a_filter_takes_tags_and_sizes(s3: Any, days: Days) -> None:
    tags = [{"Key": "keep", "Value": "no"}, {"Key": "stage", "Value": "test"}]
    told = {"And": {"Prefix": "a", "Tags": tags, "ObjectSizeGreaterThan": 1, "ObjectSizeLessThan": 5}}
    name = bucket(s3, {**rule(Expiration={"Days": 1}), "Filter": told})
    both = "keep=no&stage=test&more=x"
    for key, body, tagging in (
        ("a", b"1234", both), ("a-small", b"1", both), ("a-large", b"12345", both), ("b", b"1234", both),
        ("a-one-tag", b"1234", "keep=no"), ("a-other", b"1234", "keep=no&stage=prod"),
    ):  # fmt: skip
        s3.put_object(Bucket=name, Key=key, Body=body, Tagging=tagging)
    days(3)
    assert keys(s3, name) == ["a-large", "a-one-tag", "a-other", "a-small", "b"]


def test_versions_end_in_their_order(s3: Any, days: Days) -> None:
    """Expired: a marker over it; then the version behind it; then the marker that covers nothing any more."""
    name = bucket(
        s3,
        rule(Expiration={"Days": 1}, NoncurrentVersionExpiration={"NoncurrentDays": 2}),
        versions="Enabled",
    )
    s3.put_object(Bucket=name, Key="k", Body=b"1")
    days(2)
    assert versions(s3, name) == [("k", "version"), ("k", "marker")]
    assert keys(s3, name) == []
    days(3)
    assert versions(s3, name) == []


def test_the_newest_earlier_versions_stay(s3: Any, days: Days) -> None:
    action = {"NoncurrentDays": 1, "NewerNoncurrentVersions": 2}
    name = bucket(s3, rule(NoncurrentVersionExpiration=action), versions="Enabled")
    made = [s3.put_object(Bucket=name, Key="k", Body=str(number).encode())["VersionId"] for number in range(5)]
    days(2.1)
    left = [one["VersionId"] for one in s3.list_object_versions(Bucket=name)["Versions"]]
    assert left == made[:1:-1]


def test_a_marker_without_versions_goes_where_a_rule_says_so(s3: Any, days: Days) -> None:
    name = bucket(s3, rule("gone", Expiration={"ExpiredObjectDeleteMarker": True}), versions="Enabled")
    for key in ("gone", "gone-with-version", "kept"):
        version = s3.put_object(Bucket=name, Key=key, Body=b"x")["VersionId"]
        s3.delete_object(Bucket=name, Key=key)
        if key != "gone-with-version":
            s3.delete_object(Bucket=name, Key=key, VersionId=version)
    days(1)
    assert versions(s3, name) == [
        ("gone-with-version", "version"), ("gone-with-version", "marker"), ("kept", "marker"),
    ]  # fmt: skip


def test_suspended_versions_expire_under_a_null_marker(s3: Any, days: Days) -> None:
    name = bucket(s3, rule(Expiration={"Days": 1}), versions="Suspended")
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    days(2)
    assert versions(s3, name) == [("k", "marker")]


def test_objects_move_down_the_ladder(s3: Any, days: Days) -> None:
    moves = [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 60, "StorageClass": "GLACIER_IR"}]
    name = bucket(s3, rule(Transitions=moves), rule("small", Transitions=[{"Days": 1, "StorageClass": "GLACIER_IR"}]))
    s3.put_object(Bucket=name, Key="k", Body=b"x" * 200_000)
    s3.put_object(Bucket=name, Key="small", Body=b"x")
    s3.put_object(Bucket=name, Key="deep", Body=b"x" * 200_000, StorageClass="DEEP_ARCHIVE")

    def classes() -> list[str]:
        return [one["StorageClass"] for one in s3.list_objects_v2(Bucket=name)["Contents"]]

    days(10)
    assert classes() == ["DEEP_ARCHIVE", "STANDARD", "STANDARD"]
    days(22)
    assert classes() == ["DEEP_ARCHIVE", "STANDARD_IA", "STANDARD"]
    days(60)
    assert classes() == ["DEEP_ARCHIVE", "GLACIER_IR", "STANDARD"]
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"x" * 200_000


def test_earlier_versions_move_by_themselves(s3: Any, days: Days) -> None:
    action = [{"NoncurrentDays": 1, "StorageClass": "GLACIER_IR"}]
    name = bucket(s3, rule(NoncurrentVersionTransitions=action), versions="Enabled")
    for _ in range(2):
        s3.put_object(Bucket=name, Key="k", Body=b"x" * 200_000)
    days(3)
    assert [one["StorageClass"] for one in s3.list_object_versions(Bucket=name)["Versions"]] == [
        "STANDARD",
        "GLACIER_IR",
    ]


def test_uploads_are_given_up(shared_cloud: Any, s3: Any, days: Days) -> None:
    name = bucket(s3, rule("big/", AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1}))
    before = files(shared_cloud)
    begun = s3.create_multipart_upload(Bucket=name, Key="big/a")
    s3.upload_part(Bucket=name, Key="big/a", UploadId=begun["UploadId"], PartNumber=1, Body=b"x" * 100_000)
    assert begun["AbortDate"].hour == 0
    assert begun["AbortRuleId"].startswith("rule-")
    assert "AbortDate" not in s3.create_multipart_upload(Bucket=name, Key="other")
    days(2)
    assert [one["Key"] for one in s3.list_multipart_uploads(Bucket=name)["Uploads"]] == ["other"]
    assert files(shared_cloud) == before


def test_days_beyond_the_calendar(s3: Any, days: Days) -> None:
    """A rule may say so; nothing falls due, and nobody is hurt by it."""
    ages = 2_147_483_647
    name = bucket(s3, rule(Expiration={"Days": ages}, AbortIncompleteMultipartUpload={"DaysAfterInitiation": ages}))
    assert "9999" in s3.put_object(Bucket=name, Key="k", Body=b"x")["Expiration"]
    s3.create_multipart_upload(Bucket=name, Key="k")
    days(1)
    assert keys(s3, name) == ["k"]
    s3.put_object(Bucket=name, Key="cold", Body=b"x", StorageClass="GLACIER")
    s3.restore_object(Bucket=name, Key="cold", RestoreRequest={"Days": ages})
    days(1)
    assert "9999" in s3.head_object(Bucket=name, Key="cold")["Restore"]


def test_a_bucket_made_anew_has_no_old_rules(shared_cloud: Any, s3: Any, days: Days) -> None:
    name = bucket(s3, rule(Expiration={"Days": 1}))
    s3.delete_bucket(Bucket=name)
    other = shared_cloud.client("s3", "second")
    other.create_bucket(Bucket=name)
    other.put_object(Bucket=name, Key="k", Body=b"x")
    days(5)
    assert keys(other, name) == ["k"]


def test_rules_outlive_a_restart(start_cloud: Any, tmp_path: Any) -> None:
    first = start_cloud(home=tmp_path / "home")
    name = bucket(first.client("s3"), rule(Expiration={"Days": 1}))
    first.client("s3").put_object(Bucket=name, Key="k", Body=b"x")
    first.stop()
    second = start_cloud(home=tmp_path / "home")
    second.advance(2 * DAY)
    second.settle("s3")
    assert keys(second.client("s3"), name) == []
    assert second.client("sts").get_caller_identity()["Account"] == FIRST
