"""Reading objects: attributes, archived objects, what caches and the curious are told."""

import http.client
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from s3_help import fresh, new_bucket, new_user, refused, statement

HOUR, DAY = 3600, 86_400
MIB = 1 << 20


@pytest.fixture(scope="module")
def s3(shared_cloud: Any) -> Any:
    return shared_cloud.client("s3")


@pytest.fixture(scope="module")
def name(shared_cloud: Any) -> str:
    return new_bucket(shared_cloud, versions=True)


# Attributes


def in_parts(s3: Any, name: str, key: str, **more: Any) -> list[str]:
    """An object of three parts; their checksums."""
    place = {"Bucket": name, "Key": key}
    place["UploadId"] = s3.create_multipart_upload(**place, ChecksumAlgorithm="SHA256", **more)["UploadId"]
    parts = []
    for number, size in enumerate((5 * MIB, 5 * MIB, 7), start=1):
        made = s3.upload_part(**place, PartNumber=number, Body=b"x" * size, ChecksumAlgorithm="SHA256")
        parts.append({"PartNumber": number, "ETag": made["ETag"], "ChecksumSHA256": made["ChecksumSHA256"]})
    s3.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})
    return [part["ChecksumSHA256"] for part in parts]


def test_attributes_of_an_object_of_parts(s3: Any, name: str) -> None:
    sums = in_parts(s3, name, "parts")
    every = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    found = s3.get_object_attributes(Bucket=name, Key="parts", ObjectAttributes=every)
    head = s3.head_object(Bucket=name, Key="parts", ChecksumMode="ENABLED")
    assert (found["ETag"], found["ObjectSize"], found["StorageClass"]) == (
        head["ETag"].strip('"'), 10 * MIB + 7, "STANDARD",
    )  # fmt: skip
    assert (found["VersionId"], found["LastModified"]) == (head["VersionId"], head["LastModified"])
    assert found["Checksum"] == {"ChecksumSHA256": head["ChecksumSHA256"], "ChecksumType": "COMPOSITE"}
    parts = found["ObjectParts"]
    assert (parts["TotalPartsCount"], [one["ChecksumSHA256"] for one in parts["Parts"]]) == (3, sums)
    page = s3.get_object_attributes(
        Bucket=name, Key="parts", ObjectAttributes=["ObjectParts"], MaxParts=1, PartNumberMarker=1
    )["ObjectParts"]
    assert [one["PartNumber"] for one in page["Parts"]] == [2]
    assert (page["IsTruncated"], page["NextPartNumberMarker"]) == (True, 2)
    assert "ETag" not in s3.get_object_attributes(Bucket=name, Key="parts", ObjectAttributes=["ObjectSize"])


def test_attributes_need_two_permissions(shared_cloud: Any, s3: Any, name: str) -> None:
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    asked = {"Bucket": name, "Key": "k", "ObjectAttributes": ["ETag"]}
    for actions in (["s3:GetObject"], ["s3:GetObjectAttributes"]):
        user = new_user(shared_cloud, statement(actions))
        with refused("AccessDenied", status=403):
            shared_cloud.client("s3", credentials=user["keys"]).get_object_attributes(**asked)
    user = new_user(shared_cloud, statement(["s3:GetObject", "s3:GetObjectAttributes"]))
    shared_cloud.client("s3", credentials=user["keys"]).get_object_attributes(**asked)


# Archived objects


@pytest.mark.parametrize(
    ("storage", "tier", "hours"),
    [("GLACIER", "Expedited", 1), ("GLACIER", "Standard", 5), ("DEEP_ARCHIVE", "Bulk", 48)],
)
def test_an_archived_object_is_restored_for_a_while(
    shared_cloud: Any, s3: Any, name: str, storage: str, tier: str, hours: int
) -> None:
    place = {"Bucket": name, "Key": fresh("archived")}
    s3.put_object(**place, Body=b"cold", StorageClass=storage)

    def unreadable() -> None:
        with refused("InvalidObjectState", status=403):
            s3.get_object(**place)
        with refused("InvalidObjectState"):
            s3.copy_object(Bucket=name, Key="copy", CopySource=place)

    unreadable()
    assert "Restore" not in s3.head_object(**place)
    request = {"Days": 1, "GlacierJobParameters": {"Tier": tier}}
    s3.restore_object(**place, RestoreRequest=request)
    assert s3.head_object(**place)["Restore"] == 'ongoing-request="true"'
    assert restore_status(s3, place) == [{"IsRestoreInProgress": True}] * 3
    with refused("RestoreAlreadyInProgress", status=409):
        s3.restore_object(**place, RestoreRequest=request)
    unreadable()
    shared_cloud.advance(hours * HOUR)
    assert 'ongoing-request="false", expiry-date="' in s3.head_object(**place)["Restore"]
    for status in restore_status(s3, place):
        assert status["IsRestoreInProgress"] is False
        assert status["RestoreExpiryDate"].strftime("%a, %d %b %Y") in s3.head_object(**place)["Restore"]
    assert s3.get_object(**place)["Body"].read() == b"cold"
    shared_cloud.advance(3 * DAY)
    unreadable()
    assert restore_status(s3, place) == [None] * 3
    assert "RestoreStatus" not in s3.list_objects_v2(Bucket=name, Prefix=place["Key"])["Contents"][0]


def restore_status(s3: Any, place: dict[str, str]) -> list[Any]:
    """What each kind of listing says of an object's restoration where it is asked."""
    asked = {"Bucket": place["Bucket"], "Prefix": place["Key"], "OptionalObjectAttributes": ["RestoreStatus"]}
    found = [s3.list_objects_v2(**asked)["Contents"], s3.list_objects(**asked)["Contents"]]
    return [one[0].get("RestoreStatus") for one in (*found, s3.list_object_versions(**asked)["Versions"])]


@pytest.mark.parametrize(
    ("storage", "request_", "code"),
    [
        ("STANDARD", {"Days": 1}, "InvalidObjectState"),
        ("GLACIER", {"Days": 0}, "MalformedXML"),
        ("DEEP_ARCHIVE", {"Days": 1, "Tier": "Expedited"}, "InvalidArgument"),
    ],
)
def test_restorations_that_are_refused(s3: Any, name: str, storage: str, request_: Any, code: str) -> None:
    s3.put_object(Bucket=name, Key="k", Body=b"x", StorageClass=storage)
    with refused(code):
        s3.restore_object(Bucket=name, Key="k", RestoreRequest=request_)


# What answers tell


def headers(operation: Any, **asked: Any) -> dict[str, str]:
    with pytest.raises(ClientError) as caught:
        operation(**asked)
    found: dict[str, str] = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    return found


def test_markers_show_themselves(s3: Any, name: str) -> None:
    place = {"Bucket": name, "Key": "deleted"}
    s3.put_object(**place, Body=b"x")
    marker = s3.delete_object(**place)["VersionId"]
    for operation in (s3.get_object, s3.head_object):
        found = headers(operation, **place)
        assert (found["x-amz-delete-marker"], found["x-amz-version-id"]) == ("true", marker)
        found = headers(operation, **place, VersionId=marker)
        assert (found["x-amz-delete-marker"], found["allow"]) == ("true", "DELETE")
        assert "last-modified" in found
    with refused("InvalidRequest", "delete marker"):
        s3.copy_object(Bucket=name, Key="copy", CopySource={**place, "VersionId": marker})
    with refused("InvalidArgument", "empty string", 400):
        s3.get_object(**place, VersionId="")


def test_a_cache_is_told_what_it_has(s3: Any, name: str) -> None:
    etag = s3.put_object(Bucket=name, Key="cached", Body=b"x")["ETag"]
    found = headers(s3.get_object, Bucket=name, Key="cached", IfNoneMatch=etag)
    assert found["etag"] == etag
    assert "last-modified" in found


def test_the_number_of_tags_is_for_those_who_may_read_them(shared_cloud: Any, s3: Any, name: str) -> None:
    s3.put_object(Bucket=name, Key="tagged", Body=b"x", Tagging="a=1&b=2")
    for actions, count in ((["s3:GetObject"], None), (["s3:GetObject", "s3:GetObjectTagging"], 2)):
        user = new_user(shared_cloud, statement(actions))
        answer = shared_cloud.client("s3", credentials=user["keys"]).get_object(Bucket=name, Key="tagged")
        assert answer.get("TagCount") == count


def test_a_part_or_a_range(s3: Any, name: str) -> None:
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    with refused("InvalidRequest", status=400):
        s3.get_object(Bucket=name, Key="k", PartNumber=1, Range="bytes=0-0")


def test_several_ranges_are_the_whole_object(s3: Any, name: str, shared_cloud: Any) -> None:
    s3.put_object(Bucket=name, Key="ranges", Body=b"0123456789")
    url = shared_cloud.client("s3", config=Config(signature_version="s3v4")).generate_presigned_url(
        "get_object", {"Bucket": name, "Key": "ranges"}, 60
    )
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}", headers={"Range": "bytes=0-1,4-5"})
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"0123456789")
    connection.close()


# Uploads in progress


def test_uploads_are_listed_by_beginnings(s3: Any) -> None:
    name = fresh("uploads")
    s3.create_bucket(Bucket=name)
    for key in ("a/1", "a/2", "b c", "b c", "d/1"):
        s3.create_multipart_upload(Bucket=name, Key=key)
    found = s3.list_multipart_uploads(Bucket=name, Delimiter="/")
    assert [one["Prefix"] for one in found["CommonPrefixes"]] == ["a/", "d/"]
    assert [one["Key"] for one in found["Uploads"]] == ["b c", "b c"]
    assert found["Uploads"][0]["Initiator"]["ID"].endswith(":user/learner")
    pages = list(
        s3.get_paginator("list_multipart_uploads").paginate(
            Bucket=name, Delimiter="/", PaginationConfig={"PageSize": 1}
        )
    )
    shown = [(page.get("CommonPrefixes") or page["Uploads"])[0] for page in pages]
    assert [one.get("Prefix") or one["Key"] for one in shown] == ["a/", "b c", "b c", "d/"]
    assert len({one["UploadId"] for one in shown if "UploadId" in one}) == 2
    encoded = s3.list_multipart_uploads(Bucket=name, Prefix="b", EncodingType="url")["Uploads"]
    assert [one["Key"] for one in encoded] == ["b+c", "b+c"]
