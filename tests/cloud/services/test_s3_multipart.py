"""Multipart uploads: in parts, completed, given up, listed; copies of parts."""

import base64
import hashlib
import zlib
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from hypothesis import given, settings
from hypothesis import strategies as st
from s3_help import files, new_bucket, new_user, refused, statement

from labsupport.cloud.services.s3.combined import combined

MIB = 1024 * 1024
FIVE, LAST = b"5" * (5 * MIB), b"l" * 1000


@pytest.fixture(scope="module")
def s3(shared_cloud: Any) -> Any:
    return shared_cloud.client("s3")


@pytest.fixture
def name(shared_cloud: Any) -> str:
    return new_bucket(shared_cloud)


def begun(s3: Any, name: str, **more: Any) -> dict[str, str]:
    """What every call on a new upload of the key `k` names."""
    return {
        "Bucket": name,
        "Key": "k",
        "UploadId": s3.create_multipart_upload(Bucket=name, Key="k", **more)["UploadId"],
    }


def part(s3: Any, upload: dict[str, str], number: int, body: bytes) -> dict[str, Any]:
    return {"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number, Body=body)["ETag"]}


def complete(s3: Any, upload: dict[str, str], *parts: Any, **more: Any) -> Any:
    return s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": list(parts)}, **more)


def test_an_object_of_parts(s3: Any, name: str) -> None:
    upload = begun(s3, name, Metadata={"m": "1"}, ContentType="text/plain", Tagging="t=1")
    last, first = part(s3, upload, 7, LAST), part(s3, upload, 2, FIVE)
    with refused("NoSuchKey"):
        s3.get_object(Bucket=name, Key="k")
    answer = complete(s3, upload, first, last)
    digests = hashlib.md5(FIVE).digest() + hashlib.md5(LAST).digest()
    assert answer["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-2"'
    found = s3.get_object(Bucket=name, Key="k")
    assert (found["Body"].read(), found["Metadata"], found["TagCount"]) == (FIVE + LAST, {"m": "1"}, 1)
    edge = s3.get_object(Bucket=name, Key="k", Range=f"bytes={5 * MIB - 2}-{5 * MIB + 1}")
    assert edge["Body"].read() == b"55ll"
    second = s3.get_object(Bucket=name, Key="k", PartNumber=2)
    assert (second["Body"].read(), second["PartsCount"]) == (LAST, 2)
    with refused("InvalidPartNumber", status=416):
        s3.get_object(Bucket=name, Key="k", PartNumber=3)
    with refused("NoSuchUpload", status=404):
        complete(s3, upload, first, last)


def test_completions_that_are_refused(s3: Any, name: str) -> None:
    upload = begun(s3, name)
    one, two, three = part(s3, upload, 1, FIVE), part(s3, upload, 2, LAST), part(s3, upload, 3, LAST)
    with refused("InvalidPartOrder", status=400):
        complete(s3, upload, two, one)
    with refused("InvalidPartOrder"):
        complete(s3, upload, one, one)
    with refused("InvalidPart", status=400):
        complete(s3, upload, {**one, "ETag": two["ETag"]})
    with refused("InvalidPart"):
        complete(s3, upload, one, {**two, "PartNumber": 9})
    with refused("EntityTooSmall", status=400):
        complete(s3, upload, one, two, three)
    with refused("MalformedXML"):
        complete(s3, upload)
    with refused("NoSuchUpload"):
        complete(s3, {**upload, "UploadId": "nope"}, one)
    with refused("NoSuchUpload"):
        complete(s3, {**upload, "Key": "other"}, one)
    complete(s3, upload, one, two)


def test_what_is_said_of_an_upload_has_to_be_so(s3: Any, name: str) -> None:
    upload = begun(s3, name)
    only = part(s3, upload, 1, b"abc")
    with refused("InvalidRequest", "3 bytes"):
        complete(s3, upload, only, MpuObjectSize=4)
    with refused("NotImplemented"):  # a header of directory buckets
        s3.abort_multipart_upload(**upload, IfMatchInitiatedTime=1)
    assert complete(s3, upload, only, MpuObjectSize=3)["ETag"]


def test_a_source_is_the_expected_accounts(s3: Any, name: str) -> None:
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    place = {"Bucket": name, "Key": "copy", "CopySource": f"{name}/k"}
    upload = {**begun(s3, name), "PartNumber": 1, "CopySource": f"{name}/k"}
    for operation, params in ((s3.copy_object, place), (s3.upload_part_copy, upload)):
        with refused("AccessDenied", status=403):
            operation(**params, ExpectedSourceBucketOwner="210987654321")
        assert operation(**params, ExpectedSourceBucketOwner="123456789012")


def test_completion_under_a_condition(s3: Any, name: str) -> None:
    s3.put_object(Bucket=name, Key="k", Body=b"there")
    upload = begun(s3, name)
    only = part(s3, upload, 1, LAST)
    with refused("PreconditionFailed", status=412):
        complete(s3, upload, only, IfNoneMatch="*")
    s3.delete_object(Bucket=name, Key="k")
    complete(s3, upload, only, IfNoneMatch="*")


@pytest.mark.parametrize("number", [0, 10_001])
def test_numbers_of_parts(s3: Any, name: str, number: int) -> None:
    upload = begun(s3, name)
    with refused("InvalidArgument", "between 1 and 10000"):
        part(s3, upload, number, LAST)


def test_giving_up_frees_the_disk(cloud: Any) -> None:
    s3, name = cloud.client("s3"), new_bucket(cloud)
    upload = begun(s3, name)
    for body in (LAST * 50, LAST * 60):  # the second takes the first one's place
        part(s3, upload, 1, body)
    cloud.settle("s3")
    assert len(files(cloud)) == 1
    s3.abort_multipart_upload(**upload)
    cloud.settle("s3")
    assert files(cloud) == []
    with refused("NoSuchUpload"):
        s3.abort_multipart_upload(**upload)
    with refused("NoSuchUpload"):
        part(s3, upload, 1, LAST)
    assert files(cloud) == []


def test_parts_that_are_left_out_go(cloud: Any) -> None:
    s3, name = cloud.client("s3"), new_bucket(cloud)
    upload = begun(s3, name)
    kept, _ = part(s3, upload, 1, LAST * 50), part(s3, upload, 2, LAST * 50)
    complete(s3, upload, kept)
    cloud.settle("s3")
    assert len(files(cloud)) == 1
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == LAST * 50


def test_lists_of_parts_and_uploads(s3: Any, name: str) -> None:
    uploads = [s3.create_multipart_upload(Bucket=name, Key=key)["UploadId"] for key in ("a", "b", "b", "c")]
    upload = {"Bucket": name, "Key": "a", "UploadId": uploads[0]}
    for number in (3, 1, 2):
        part(s3, upload, number, LAST)
    pages = list(s3.get_paginator("list_parts").paginate(**upload, PaginationConfig={"PageSize": 2}))
    assert [[one["PartNumber"] for one in page["Parts"]] for page in pages] == [[1, 2], [3]]
    assert {one["Size"] for page in pages for one in page["Parts"]} == {1000}
    found = s3.get_paginator("list_multipart_uploads").paginate(Bucket=name, PaginationConfig={"PageSize": 1})
    assert [one["Key"] for page in found for one in page["Uploads"]] == ["a", "b", "b", "c"]
    after = s3.list_multipart_uploads(Bucket=name, KeyMarker="b")
    assert [one["Key"] for one in after["Uploads"]] == ["c"]
    assert len(s3.list_multipart_uploads(Bucket=name, Prefix="b")["Uploads"]) == 2


def test_parts_copied_from_an_object(s3: Any, name: str) -> None:
    s3.put_object(Bucket=name, Key="source", Body=FIVE + LAST)
    upload = begun(s3, name)
    made = []
    for number, wanted in ((1, f"bytes=0-{5 * MIB - 1}"), (2, f"bytes={5 * MIB}-{5 * MIB + 999}")):
        answer = s3.upload_part_copy(**upload, PartNumber=number, CopySource=f"{name}/source", CopySourceRange=wanted)
        made.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
    for bad in ("bytes=0-", "0-5", f"bytes=0-{9 * MIB}"):
        with refused("InvalidArgument", status=400):
            s3.upload_part_copy(**upload, PartNumber=3, CopySource=f"{name}/source", CopySourceRange=bad)
    complete(s3, upload, *made)
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == FIVE + LAST


def test_transfers_of_boto3(s3: Any, name: str, tmp_path: Any) -> None:
    content = hashlib.shake_128(b"transfer").digest(12 * MIB + 5)
    (tmp_path / "up").write_bytes(content)
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    s3.upload_file(str(tmp_path / "up"), name, "k", Config=config)
    assert s3.head_object(Bucket=name, Key="k")["ETag"].endswith('-3"')
    s3.download_file(name, "k", str(tmp_path / "down"), Config=config)
    assert (tmp_path / "down").read_bytes() == content


@pytest.mark.parametrize("kind", ["COMPOSITE", "FULL_OBJECT"])
def test_the_checksum_of_parts(s3: Any, name: str, kind: str) -> None:
    created = s3.create_multipart_upload(Bucket=name, Key="k", ChecksumAlgorithm="CRC32", ChecksumType=kind)
    upload = {"Bucket": name, "Key": "k", "UploadId": created["UploadId"]}
    made = []
    for number, body in enumerate((FIVE, LAST), start=1):
        answer = s3.upload_part(**upload, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32")
        made.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumCRC32": answer["ChecksumCRC32"]})
    with refused("InvalidPart"):
        complete(s3, upload, made[0], {**made[1], "ChecksumCRC32": made[0]["ChecksumCRC32"]})
    with refused("BadDigest"):
        complete(s3, upload, *made, ChecksumCRC32="AAAAAA==")
    parts = b"".join(base64.b64decode(one["ChecksumCRC32"]) for one in made)
    whole = base64.b64encode(zlib.crc32(FIVE + LAST).to_bytes(4, "big")).decode()
    composite = base64.b64encode(zlib.crc32(parts).to_bytes(4, "big")).decode() + "-2"
    answer = complete(s3, upload, *made)
    assert (answer["ChecksumCRC32"], answer["ChecksumType"]) == (whole if kind == "FULL_OBJECT" else composite, kind)


@pytest.mark.parametrize("more", [{"ChecksumAlgorithm": "SHA256", "ChecksumType": "FULL_OBJECT"},
                                  {"ChecksumAlgorithm": "CRC64NVME", "ChecksumType": "COMPOSITE"}])  # fmt: skip
def test_kinds_of_checksum_that_do_not_go_together(s3: Any, name: str, more: dict[str, str]) -> None:
    with refused("InvalidRequest", status=400):
        s3.create_multipart_upload(Bucket=name, Key="k", **more)


def test_an_upload_with_a_checksum_that_is_not_simulated(s3: Any, name: str) -> None:
    with refused("NotSimulated", "XXHASH64"):
        s3.create_multipart_upload(Bucket=name, Key="k", ChecksumAlgorithm="XXHASH64")


@settings(max_examples=50, deadline=None, database=None)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5))
def test_crcs_combine(parts: list[bytes]) -> None:
    found = combined("CRC32", [zlib.crc32(one).to_bytes(4, "big") for one in parts], [len(one) for one in parts])
    assert found == zlib.crc32(b"".join(parts)).to_bytes(4, "big")


def test_permissions_of_uploads(shared_cloud: Any, s3: Any, name: str) -> None:
    objects = f"arn:aws:s3:::{name}/*"
    s3.put_object(Bucket=name, Key="secret", Body=b"x")
    user = new_user(shared_cloud, statement("s3:PutObject", objects))
    client = shared_cloud.client("s3", credentials=user["keys"])
    upload = begun(client, name)
    with refused("AccessDenied", "s3:GetObject "):
        client.upload_part_copy(**upload, PartNumber=1, CopySource=f"{name}/secret")
    with refused("AccessDenied", "s3:ListMultipartUploadParts"):
        client.list_parts(**upload)
    with refused("AccessDenied", "s3:AbortMultipartUpload"):
        client.abort_multipart_upload(**upload)
    with refused("AccessDenied", "s3:ListBucketMultipartUploads"):
        client.list_multipart_uploads(Bucket=name)
    complete(client, upload, part(client, upload, 1, LAST))
