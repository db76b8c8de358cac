"""Object Lock: which versions stay, against whom, and until when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from s3_help import fresh, new_bucket, new_user, refused, statement

DAY = 86_400


@pytest.fixture(scope="module")
def s3(shared_cloud: Any) -> Any:
    return shared_cloud.client("s3")


def locked(s3: Any, **default: Any) -> str:
    name = fresh("locked")
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    if default:
        configuration = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": default}}
        s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=configuration)
    return name


def later(cloud: Any, days: float) -> datetime:
    now: float = cloud.on_loop(lambda it: it.clock.epoch())
    return datetime.fromtimestamp(int(now), UTC) + timedelta(days=days)


def kept(s3: Any, place: dict[str, str], **more: Any) -> None:
    with refused("AccessDenied", "object protected by object lock", 403):
        s3.delete_object(**place, **more)
    answer = s3.delete_objects(
        Bucket=place["Bucket"], Delete={"Objects": [{"Key": place["Key"], "VersionId": place["VersionId"]}]}, **more
    )
    assert [one["Code"] for one in answer["Errors"]] == ["AccessDenied"]


def put(s3: Any, name: str, **more: Any) -> dict[str, str]:
    version = s3.put_object(Bucket=name, Key="k", Body=b"x", **more)["VersionId"]
    return {"Bucket": name, "Key": "k", "VersionId": version}


def test_what_a_bucket_gives_by_default(shared_cloud: Any, s3: Any) -> None:
    name = locked(s3, Mode="COMPLIANCE", Days=2)
    found = s3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"]
    assert found["Rule"]["DefaultRetention"] == {"Mode": "COMPLIANCE", "Days": 2}
    place = put(s3, name)
    head = s3.head_object(Bucket=name, Key="k")
    assert head["ObjectLockMode"] == "COMPLIANCE"
    assert abs(head["ObjectLockRetainUntilDate"] - later(shared_cloud, 2)) < timedelta(minutes=1)
    kept(s3, place)
    kept(s3, place, BypassGovernanceRetention=True)
    assert s3.delete_object(Bucket=name, Key="k")["DeleteMarker"] is True  # hides it, and takes nothing away
    shared_cloud.advance(2.1 * DAY)
    s3.delete_object(**place)


def test_governance_gives_way_to_who_may_bypass_it(shared_cloud: Any, s3: Any) -> None:
    name = locked(s3)
    until = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": later(shared_cloud, 5)}
    place = put(s3, name, **until)
    kept(s3, place)
    deleter = new_user(shared_cloud, statement(["s3:DeleteObject*", "s3:PutObjectRetention"]))
    theirs = shared_cloud.client("s3", credentials=deleter["keys"])
    with refused("AccessDenied", "s3:BypassGovernanceRetention"):
        theirs.delete_object(**place, BypassGovernanceRetention=True)
    shorter = {"Mode": "GOVERNANCE", "RetainUntilDate": later(shared_cloud, 1)}
    with refused("AccessDenied", "object lock"):
        s3.put_object_retention(**place, Retention=shorter)
    s3.put_object_retention(**place, Retention={**shorter, "RetainUntilDate": later(shared_cloud, 9)})
    s3.put_object_retention(**place, Retention=shorter, BypassGovernanceRetention=True)
    assert s3.get_object_retention(**place)["Retention"] == shorter
    s3.delete_object(**place, BypassGovernanceRetention=True)


def test_compliance_gives_way_to_nobody(shared_cloud: Any, s3: Any) -> None:
    name, until = locked(s3), later(shared_cloud, 5)
    place = put(s3, name, ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until)
    for retention in (
        {"Mode": "COMPLIANCE", "RetainUntilDate": later(shared_cloud, 4)},
        {"Mode": "GOVERNANCE", "RetainUntilDate": later(shared_cloud, 6)},
        {},
    ):
        with refused("AccessDenied", "object lock"):
            s3.put_object_retention(**place, Retention=retention, BypassGovernanceRetention=True)
    s3.put_object_retention(**place, Retention={"Mode": "COMPLIANCE", "RetainUntilDate": later(shared_cloud, 6)})


def test_a_legal_hold_lasts_until_it_is_taken_off(shared_cloud: Any, s3: Any) -> None:
    name = locked(s3)
    place = put(s3, name, ObjectLockLegalHoldStatus="ON")
    assert s3.head_object(**place)["ObjectLockLegalHoldStatus"] == "ON"
    kept(s3, place, BypassGovernanceRetention=True)
    s3.put_object_legal_hold(**place, LegalHold={"Status": "OFF"})
    assert s3.get_object_legal_hold(**place)["LegalHold"] == {"Status": "OFF"}
    s3.delete_object(**place)


def test_an_upload_in_parts_is_locked_as_it_was_begun(shared_cloud: Any, s3: Any) -> None:
    name, until = locked(s3), later(shared_cloud, 3)
    place = {"Bucket": name, "Key": "parts"}
    place["UploadId"] = s3.create_multipart_upload(
        **place, ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until
    )["UploadId"]
    tag = s3.upload_part(**place, PartNumber=1, Body=b"x")["ETag"]
    s3.complete_multipart_upload(**place, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})
    head = s3.head_object(Bucket=name, Key="parts")
    assert (head["ObjectLockMode"], head["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", until)


def test_lifecycle_rules_wait(shared_cloud: Any, s3: Any) -> None:
    name = locked(s3, Mode="COMPLIANCE", Days=30)
    action = {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}}
    rule = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, **action}
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [rule]})
    put(s3, name)
    put(s3, name)
    shared_cloud.advance(5 * DAY)
    shared_cloud.settle("s3")
    assert len(s3.list_object_versions(Bucket=name)["Versions"]) == 2
    shared_cloud.advance(30 * DAY)
    shared_cloud.settle("s3")
    assert len(s3.list_object_versions(Bucket=name)["Versions"]) == 1


def test_what_is_told_goes_by_permissions(shared_cloud: Any, s3: Any) -> None:
    name = locked(s3, Mode="GOVERNANCE", Days=1)
    put(s3, name)
    reader = shared_cloud.client("s3", credentials=new_user(shared_cloud, statement("s3:GetObject"))["keys"])
    assert "ObjectLockMode" not in reader.head_object(Bucket=name, Key="k")
    writer = new_user(shared_cloud, statement("s3:PutObject"))
    asked = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": later(shared_cloud, 1)}
    with refused("AccessDenied", "s3:PutObjectRetention"):
        put(shared_cloud.client("s3", credentials=writer["keys"]), name, **asked)


def test_a_policy_bounds_the_days(shared_cloud: Any, s3: Any) -> None:
    name = locked(s3)
    place = put(s3, name)
    condition = {"NumericGreaterThan": {"s3:object-lock-remaining-retention-days": "10"}}
    user = new_user(shared_cloud, statement("s3:*"), statement("s3:*", effect="Deny", Condition=condition))
    theirs = shared_cloud.client("s3", credentials=user["keys"])
    retention = {"Mode": "GOVERNANCE", "RetainUntilDate": later(shared_cloud, 11)}
    with refused("AccessDenied", "explicit deny"):
        theirs.put_object_retention(**place, Retention=retention)
    with refused("AccessDenied", "explicit deny"):
        put(theirs, name, ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=retention["RetainUntilDate"])
    theirs.put_object_retention(**place, Retention={**retention, "RetainUntilDate": later(shared_cloud, 9)})


def test_buckets_and_requests_that_are_refused(shared_cloud: Any, s3: Any) -> None:
    plain, name = new_bucket(shared_cloud), locked(s3)
    until, past = later(shared_cloud, 1), later(shared_cloud, -1)
    with refused("ObjectLockConfigurationNotFoundError", status=404):
        s3.get_object_lock_configuration(Bucket=plain)
    with refused("InvalidBucketState", status=409):
        s3.put_object_lock_configuration(Bucket=plain, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    with refused("InvalidBucketState", status=409):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    for bucket, more, code in (
        (plain, {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}, "InvalidRequest"),
        (plain, {"ObjectLockLegalHoldStatus": "ON"}, "InvalidRequest"),
        (name, {"ObjectLockMode": "GOVERNANCE"}, "InvalidArgument"),
        (name, {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": past}, "InvalidArgument"),
    ):
        with refused(code, status=400):
            s3.put_object(Bucket=bucket, Key="k", Body=b"x", **more)
    place = put(s3, name)
    with refused("NoSuchObjectLockConfiguration", status=404):
        s3.get_object_retention(**place)
    for default in ({"Mode": "GOVERNANCE"}, {"Mode": "GOVERNANCE", "Days": 1, "Years": 1}, {"Days": 1}):
        configuration = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": default}}
        with refused("MalformedXML", status=400):
            s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=configuration)
