"""Objects: keys, metadata, ranges, conditions, checksums, copies, tags."""

import base64
import hashlib
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from s3_help import events, files, fresh, new_bucket, refused

KEYS = [
    "a", "..", "../../etc/passwd", "a/../b", "a//b", "/", "/leading", "//", "trailing/", " ", "a b", "a+b", "a%2Fb",
    "%", "%00", "a?b", "a#b", "a&b=c", "ä/ö.txt", "日本語", "🚀", "e\u0301", "a\tb", "a\nb", "'\"<>&", "~", "*",
    "x" * 1024, "é" * 512, ".", "./a", "null",
]  # fmt: skip


@pytest.fixture(scope="module")
def s3(shared_cloud: Any) -> Any:
    return shared_cloud.client("s3")


@pytest.fixture
def name(shared_cloud: Any) -> str:
    return new_bucket(shared_cloud)


@pytest.mark.parametrize("key", KEYS)
def test_keys_are_kept_as_they_are(s3: Any, shared_cloud: Any, name: str, key: str) -> None:
    content = key.encode() * 20_000  # large enough for a file of its own
    s3.put_object(Bucket=name, Key=key, Body=content[:50_000])
    assert s3.get_object(Bucket=name, Key=key)["Body"].read() == content[:50_000]
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=name)["Contents"]] == [key]
    assert [one["Key"] for one in s3.list_object_versions(Bucket=name)["Versions"]] == [key]
    s3.copy_object(Bucket=name, Key=key + "2" if len(key) < 500 else "2", CopySource={"Bucket": name, "Key": key})
    answer = s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": key}]})
    assert [one["Key"] for one in answer["Deleted"]] == [key]
    with refused("404"):
        s3.head_object(Bucket=name, Key=key)
    inside = shared_cloud.home.resolve()
    assert all(inside in path.resolve().parents for path in files(shared_cloud))


@pytest.mark.parametrize("key", ["x" * 1025, "é" * 513])
def test_keys_that_are_too_long(s3: Any, name: str, key: str) -> None:
    with refused("KeyTooLongError", status=400):
        s3.put_object(Bucket=name, Key=key, Body=b"")
    with refused("KeyTooLongError", status=400):
        s3.create_multipart_upload(Bucket=name, Key=key)


@pytest.mark.parametrize("size", [0, 1, 16 * 1024, 16 * 1024 + 1, 1 << 20, (1 << 20) + 1, 3_500_000])
def test_content_of_every_size(s3: Any, name: str, size: int) -> None:
    content = hashlib.shake_128(str(size).encode()).digest(size)
    answer = s3.put_object(Bucket=name, Key="k", Body=content)
    assert answer["ETag"] == f'"{hashlib.md5(content).hexdigest()}"'
    found = s3.get_object(Bucket=name, Key="k")
    assert (found["Body"].read(), found["ContentLength"]) == (content, size)
    for start, end in ((0, 1), (size // 2, size // 2 + 1), ((1 << 20) - 1, (1 << 20) + 1), (size - 1, size)):
        if 0 <= start < end <= size:
            part = s3.get_object(Bucket=name, Key="k", Range=f"bytes={start}-{end - 1}")
            assert part["Body"].read() == content[start:end]
            assert part["ContentRange"] == f"bytes {start}-{end - 1}/{size}"


RANGES = [
    ("bytes=0-3", b"0123", 206),
    ("bytes=4-", b"456789", 206),
    ("bytes=-3", b"789", 206),
    ("bytes=-99", b"0123456789", 206),
    ("bytes=8-99", b"89", 206),
    ("bytes=0-9", b"0123456789", 206),
    ("bytes=5-4", b"0123456789", 200),
    ("bytes=0-1,3-4", b"0123456789", 200),
    ("lines=0-1", b"0123456789", 200),
    ("bytes=-", b"0123456789", 200),
]


@pytest.mark.parametrize(("wanted", "content", "status"), RANGES)
def test_ranges(s3: Any, name: str, wanted: str, content: bytes, status: int) -> None:
    s3.put_object(Bucket=name, Key="k", Body=b"0123456789")
    found = s3.get_object(Bucket=name, Key="k", Range=wanted)
    assert (found["Body"].read(), found["ResponseMetadata"]["HTTPStatusCode"]) == (content, status)
    assert ("ContentRange" in found) is (status == 206)
    head = s3.head_object(Bucket=name, Key="k", Range=wanted)
    assert head["ContentLength"] == len(content)


@pytest.mark.parametrize("wanted", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_ranges_beyond_the_end(s3: Any, name: str, wanted: str) -> None:
    s3.put_object(Bucket=name, Key="k", Body=b"0123456789")
    with refused("InvalidRange", status=416):
        s3.get_object(Bucket=name, Key="k", Range=wanted)


def test_headers_and_metadata_come_back(s3: Any, name: str) -> None:
    expires = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    told = {
        "ContentType": "text/plain; charset=utf-8", "CacheControl": "max-age=60", "ContentLanguage": "de",
        "ContentDisposition": 'attachment; filename="a.txt"', "ContentEncoding": "gzip",
        "Metadata": {"owner": "ana", "with-dash": "a b", "case": "Kept"}, "StorageClass": "STANDARD_IA",
    }  # fmt: skip
    s3.put_object(Bucket=name, Key="k", Body=b"x", Expires=expires, **told)
    for found in (s3.get_object(Bucket=name, Key="k"), s3.head_object(Bucket=name, Key="k")):
        assert {key: found[key] for key in told} == told
        assert found["ExpiresString"] == "Wed, 02 Jan 2030 03:04:05 GMT"
        assert found["AcceptRanges"] == "bytes"
    plain = s3.put_object(Bucket=name, Key="plain", Body=b"x") and s3.head_object(Bucket=name, Key="plain")
    assert (plain["ContentType"], plain["Metadata"]) == ("binary/octet-stream", {})
    other = s3.get_object(Bucket=name, Key="k", ResponseContentType="text/html", ResponseCacheControl="no-store")
    assert (other["ContentType"], other["CacheControl"]) == ("text/html", "no-store")


def test_a_header_asked_for_that_none_can_carry(s3: Any, name: str) -> None:
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    asked = "attachment; filename=2016\N{EN DASH}17.md"
    with pytest.raises(s3.exceptions.ClientError) as caught:
        s3.get_object(Bucket=name, Key="k", ResponseContentDisposition=asked)
    error = caught.value.response["Error"]
    assert error["Message"] == "Header value cannot be represented using ISO-8859-1."
    assert (error["ArgumentName"], error["ArgumentValue"]) == ("response-content-disposition", asked)
    for operation in (s3.get_object, s3.head_object):
        assert operation(Bucket=name, Key="k", ResponseContentType="a\x00b\x7fc")["ContentType"] == "a b c"


PAST, FUTURE = datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(days=1)
READS: list[tuple[dict[str, Any], str | None]] = [
    ({"IfMatch": "ETAG"}, None),
    ({"IfMatch": "*"}, None),
    ({"IfMatch": '"other"'}, "PreconditionFailed"),
    ({"IfNoneMatch": "ETAG"}, "304"),
    ({"IfNoneMatch": '"other"'}, None),
    ({"IfModifiedSince": PAST}, None),
    ({"IfModifiedSince": FUTURE}, "304"),
    ({"IfUnmodifiedSince": PAST}, "PreconditionFailed"),
    ({"IfUnmodifiedSince": FUTURE}, None),
    ({"IfMatch": "ETAG", "IfUnmodifiedSince": PAST}, None),
    ({"IfNoneMatch": '"other"', "IfModifiedSince": FUTURE}, None),
]


@pytest.mark.parametrize(("conditions", "code"), READS)
def test_conditional_reads(s3: Any, name: str, conditions: dict[str, Any], code: str | None) -> None:
    etag = s3.put_object(Bucket=name, Key="k", Body=b"x")["ETag"]
    asked = {key: etag if value == "ETAG" else value for key, value in conditions.items()}
    if code is None:
        assert s3.get_object(Bucket=name, Key="k", **asked)["Body"].read() == b"x"
        return
    with refused(code):
        s3.get_object(Bucket=name, Key="k", **asked)
    with refused("412" if code == "PreconditionFailed" else code):
        s3.head_object(Bucket=name, Key="k", **asked)


def test_conditional_writes(s3: Any, name: str) -> None:
    etag = s3.put_object(Bucket=name, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    with refused("PreconditionFailed", status=412):
        s3.put_object(Bucket=name, Key="k", Body=b"2", IfNoneMatch="*")
    with refused("PreconditionFailed", status=412):
        s3.put_object(Bucket=name, Key="k", Body=b"2", IfMatch='"other"')
    with refused("NoSuchKey", status=404):
        s3.put_object(Bucket=name, Key="missing", Body=b"2", IfMatch=etag)
    with refused("NotImplemented", status=501):
        s3.put_object(Bucket=name, Key="k", Body=b"2", IfNoneMatch=etag)
    s3.put_object(Bucket=name, Key="k", Body=b"2", IfMatch=etag)
    with refused("PreconditionFailed"):
        s3.delete_object(Bucket=name, Key="k", IfMatch=etag)
    s3.delete_object(Bucket=name, Key="k")
    s3.put_object(Bucket=name, Key="k", Body=b"3", IfNoneMatch="*")


# Checksums

DIGESTS: list[tuple[dict[str, str], str]] = [
    ({"ContentMD5": base64.b64encode(hashlib.md5(b"other").digest()).decode()}, "BadDigest"),
    ({"ContentMD5": "bm8="}, "InvalidDigest"),
    ({"ChecksumCRC32": base64.b64encode(zlib.crc32(b"other").to_bytes(4, "big")).decode()}, "BadDigest"),
    ({"ChecksumSHA256": base64.b64encode(hashlib.sha256(b"other").digest()).decode()}, "BadDigest"),
    ({"ChecksumSHA1": "bm8="}, "InvalidRequest"),
]


@pytest.mark.parametrize("size", [0, 10, 100_000])
@pytest.mark.parametrize(("digest", "code"), DIGESTS)
def test_a_wrong_digest_keeps_nothing(
    s3: Any, shared_cloud: Any, name: str, digest: dict[str, str], code: str, size: int
) -> None:
    before = files(shared_cloud)
    with refused(code, status=400):
        s3.put_object(Bucket=name, Key="k", Body=b"c" * size, **digest)
    assert "Contents" not in s3.list_objects_v2(Bucket=name)
    shared_cloud.settle("s3")
    assert set(files(shared_cloud)) <= set(before)


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512"])
def test_checksums_are_kept(s3: Any, name: str, algorithm: str) -> None:
    if algorithm in ("CRC32C", "CRC64NVME"):
        pytest.importorskip("awscrt")
    put = s3.put_object(Bucket=name, Key="k", Body=b"content", ChecksumAlgorithm=algorithm)
    found = s3.get_object(Bucket=name, Key="k", ChecksumMode="ENABLED")
    assert put[f"Checksum{algorithm}"] == found[f"Checksum{algorithm}"]
    assert found["ChecksumType"] == "FULL_OBJECT"
    assert f"Checksum{algorithm}" not in s3.head_object(Bucket=name, Key="k")
    copied = s3.copy_object(Bucket=name, Key="copy", CopySource=f"{name}/k", ChecksumAlgorithm="SHA256")
    wanted = base64.b64encode(hashlib.sha256(b"content").digest()).decode()
    assert copied["CopyObjectResult"]["ChecksumSHA256"] == wanted


def test_an_md5_is_kept(s3: Any, name: str) -> None:
    digest = base64.b64encode(hashlib.md5(b"content").digest()).decode()
    assert s3.put_object(Bucket=name, Key="k", Body=b"content", ChecksumMD5=digest)["ChecksumMD5"] == digest
    assert s3.head_object(Bucket=name, Key="k", ChecksumMode="ENABLED")["ChecksumMD5"] == digest
    assert s3.copy_object(Bucket=name, Key="c", CopySource=f"{name}/k")["CopyObjectResult"]["ChecksumMD5"] == digest


@pytest.mark.parametrize("call", ["put_object_tagging", "delete_objects", "put_bucket_policy"])
def test_digests_of_other_bodies_are_checked(s3: Any, shared_cloud: Any, name: str, call: str) -> None:
    params = {
        "put_object_tagging": {"Key": "k", "Tagging": {"TagSet": []}},
        "delete_objects": {"Delete": {"Objects": [{"Key": "k"}]}},
        "put_bucket_policy": {"Policy": "{}"},
    }[call]
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    client = shared_cloud.own_client("s3")
    client.meta.events.register(
        "before-sign.s3", lambda request, **_: request.headers.__setitem__("Content-MD5", "A" * 22 + "==")
    )
    with refused("BadDigest", status=400):
        getattr(client, call)(Bucket=name, **params)
    s3.get_object(Bucket=name, Key="k")


# Copies


def test_a_copy_takes_everything_along(s3: Any, name: str) -> None:
    s3.put_object(
        Bucket=name, Key="a b/ä+%2F", Body=b"c" * 40_000, Metadata={"m": "1"}, ContentType="text/plain", Tagging="t=1"
    )
    target = fresh("target")
    s3.create_bucket(Bucket=target)
    answer = s3.copy_object(Bucket=target, Key="copy", CopySource={"Bucket": name, "Key": "a b/ä+%2F"})
    found = s3.get_object(Bucket=target, Key="copy")
    assert found["Body"].read() == b"c" * 40_000
    assert (found["Metadata"], found["ContentType"], found["TagCount"]) == ({"m": "1"}, "text/plain", 1)
    assert answer["CopyObjectResult"]["ETag"] == found["ETag"]


def test_a_copy_with_things_of_its_own(s3: Any, name: str) -> None:
    s3.put_object(Bucket=name, Key="k", Body=b"x", Metadata={"m": "1"}, Tagging="t=1")
    with refused("InvalidRequest", "copy an object to itself"):
        s3.copy_object(Bucket=name, Key="k", CopySource=f"{name}/k")
    s3.copy_object(
        Bucket=name, Key="k", CopySource=f"{name}/k", MetadataDirective="REPLACE", Metadata={"n": "2"},
        TaggingDirective="REPLACE", Tagging="u=2",
    )  # fmt: skip
    assert s3.head_object(Bucket=name, Key="k")["Metadata"] == {"n": "2"}
    assert s3.get_object_tagging(Bucket=name, Key="k")["TagSet"] == [{"Key": "u", "Value": "2"}]


@pytest.mark.parametrize(
    ("source", "more", "code"),
    [
        ("BUCKET/missing", {}, "NoSuchKey"),
        ("no-such-bucket-at-all/k", {}, "NoSuchBucket"),
        ("BUCKET", {}, "InvalidArgument"),
        ("BUCKET/k", {"CopySourceIfMatch": '"other"'}, "PreconditionFailed"),
        ("BUCKET/k", {"CopySourceIfUnmodifiedSince": PAST}, "PreconditionFailed"),
        ("BUCKET/k", {"CopySourceIfModifiedSince": FUTURE}, "PreconditionFailed"),
        ("BUCKET/k?versionId=nope", {}, "NoSuchVersion"),
    ],
)
def test_copies_that_are_refused(s3: Any, name: str, source: str, more: dict[str, Any], code: str) -> None:
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    with refused(code):
        s3.copy_object(Bucket=name, Key="copy", CopySource=source.replace("BUCKET", name), **more)


# Tags


def test_tags_of_objects(s3: Any, name: str) -> None:
    s3.put_object(Bucket=name, Key="k", Body=b"x", Tagging="a=1&b=with%20space&c=")
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "with space"}, {"Key": "c", "Value": ""}]
    assert s3.get_object_tagging(Bucket=name, Key="k")["TagSet"] == tags
    assert s3.get_object(Bucket=name, Key="k")["TagCount"] == 3
    s3.put_object_tagging(Bucket=name, Key="k", Tagging={"TagSet": tags[:1]})
    assert s3.get_object_tagging(Bucket=name, Key="k")["TagSet"] == tags[:1]
    s3.delete_object_tagging(Bucket=name, Key="k")
    assert s3.get_object_tagging(Bucket=name, Key="k")["TagSet"] == []
    with refused("NoSuchKey"):
        s3.get_object_tagging(Bucket=name, Key="missing")


@pytest.mark.parametrize("tagging", ["&".join(f"k{n}=v" for n in range(11)), "aws:x=1", "a=1&a=2"])
def test_bad_tags_are_refused_before_anything_is_written(s3: Any, shared_cloud: Any, name: str, tagging: str) -> None:
    before = files(shared_cloud)
    for operation, more in ((s3.put_object, {"Body": b"x" * 50_000}), (s3.create_multipart_upload, {})):
        with refused("BadRequest" if "k10" in tagging else "InvalidTag", status=400):
            operation(Bucket=name, Key="k", Tagging=tagging, **more)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=name)
    assert set(files(shared_cloud)) <= set(before)


def test_deleting_is_idempotent_and_frees_the_disk(cloud: Any) -> None:
    s3, name = cloud.client("s3"), new_bucket(cloud)
    for number in range(3):
        s3.put_object(Bucket=name, Key="k", Body=bytes([number]) * 60_000)
    cloud.settle("s3")
    assert len(files(cloud)) == 1
    s3.delete_object(Bucket=name, Key="k")
    s3.delete_object(Bucket=name, Key="k")
    cloud.settle("s3")
    assert files(cloud) == []


def test_many_keys_at_once(s3: Any, name: str) -> None:
    keys = [f"k{number:04}" for number in range(12)]
    for key in keys:
        s3.put_object(Bucket=name, Key=key, Body=b"")
    quiet = s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": key} for key in keys[:6]], "Quiet": True})
    assert "Deleted" not in quiet
    with refused("MalformedXML", status=400):
        s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": str(number)} for number in range(1001)]})
    assert len(s3.list_objects_v2(Bucket=name)["Contents"]) == 6


@pytest.mark.parametrize(
    "more",
    [
        {"ServerSideEncryption": "aws:kms:dsse"},
        {"ObjectLockEventHold": "ON"},
    ],
)
def test_what_is_not_simulated_says_so(shared_cloud: Any, name: str, more: dict[str, Any]) -> None:
    with refused("NotSimulated"):
        shared_cloud.client("s3").put_object(Bucket=name, Key="k", Body=b"x", **more)
    assert events(shared_cloud, name="PutObject")[0]["errorCode"] == "NotSimulated"


def test_acls_are_switched_off(s3: Any, name: str) -> None:
    with refused("AccessControlListNotSupported", status=400):
        s3.put_object(Bucket=name, Key="k", Body=b"x", ACL="public-read")
    s3.put_object(Bucket=name, Key="k", Body=b"x", ACL="bucket-owner-full-control")
