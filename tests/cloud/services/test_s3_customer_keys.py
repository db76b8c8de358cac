"""Encryption with a key that the client brings along (SSE-C): over TLS, and where a bucket's owner allows it."""

import base64
import hashlib
from typing import Any

import pytest
from s3_help import new_bucket, on_disk, refused

from labsupport import home

KEY, OTHER = b"k" * 32, b"o" * 32
NEEDLE = b"what only the holder of the key may see " * 1000
MIB = 1 << 20


@pytest.fixture(scope="module")
def s3(shared_cloud: Any) -> Any:
    url = shared_cloud.settings.secure_endpoint
    return shared_cloud.client("s3", endpoint_url=url, verify=str(home.ca_bundle(shared_cloud.home)))


@pytest.fixture
def name(shared_cloud: Any) -> str:
    found = new_bucket(shared_cloud)
    allow(shared_cloud, found, "NONE")
    return found


def allow(cloud: Any, bucket: str, blocked: str) -> None:
    rules = [{"BlockedEncryptionTypes": {"EncryptionType": [blocked]}}]
    cloud.client("s3").put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})


def with_key(key: bytes = KEY, source: str = "") -> dict[str, Any]:
    return {f"{source}SSECustomerAlgorithm": "AES256", f"{source}SSECustomerKey": key}


def in_headers(key: bytes) -> dict[str, str]:
    """The same as headers carry it, for operations where boto3 doesn't encode it by itself."""
    texts = [base64.b64encode(one).decode() for one in (key, hashlib.md5(key).digest())]
    return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": texts[0], "SSECustomerKeyMD5": texts[1]}


def test_only_the_key_opens_the_object(shared_cloud: Any, s3: Any, name: str) -> None:
    place = {"Bucket": name, "Key": "k"}
    made = s3.put_object(**place, Body=NEEDLE, **with_key())
    md5 = base64.b64encode(hashlib.md5(KEY).digest()).decode()
    assert (made["SSECustomerAlgorithm"], made["SSECustomerKeyMD5"]) == ("AES256", md5)
    assert made["ETag"] != f'"{hashlib.md5(NEEDLE).hexdigest()}"'
    found = s3.get_object(**place, **with_key())
    assert (found["Body"].read(), found["SSECustomerKeyMD5"]) == (NEEDLE, md5)
    s3.head_object(**place, **with_key())
    attributes = ["ObjectSize"]
    s3.get_object_attributes(**place, ObjectAttributes=attributes, **in_headers(KEY))
    for ask in (s3.get_object, s3.head_object):
        bad, denied = ("400", "403") if ask == s3.head_object else ("InvalidRequest", "AccessDenied")
        with refused(bad, status=400):
            ask(**place)
        with refused(denied, status=403):
            ask(**place, **with_key(OTHER))
    with refused("InvalidRequest"):
        s3.get_object_attributes(**place, ObjectAttributes=attributes)
    assert on_disk(shared_cloud, NEEDLE[:40], KEY, base64.b64encode(KEY)) == []


def test_an_object_without_such_a_key_takes_none(s3: Any, name: str) -> None:
    s3.put_object(Bucket=name, Key="plain", Body=b"x")
    with refused("InvalidRequest", "not applicable", 400):
        s3.get_object(Bucket=name, Key="plain", **with_key())


def test_a_copy_from_key_to_key(s3: Any, name: str) -> None:
    s3.put_object(Bucket=name, Key="k", Body=NEEDLE, **with_key())
    copy = {"Bucket": name, "CopySource": f"{name}/k"}
    with refused("InvalidRequest", status=400):
        s3.copy_object(**copy, Key="copy")
    s3.copy_object(**copy, Key="copy", **with_key(source="CopySource"), **with_key(OTHER))
    assert s3.get_object(Bucket=name, Key="copy", **with_key(OTHER))["Body"].read() == NEEDLE
    s3.copy_object(**copy, Key="open", **with_key(source="CopySource"))
    assert s3.get_object(Bucket=name, Key="open")["Body"].read() == NEEDLE
    s3.copy_object(**copy, Key="k", **with_key(source="CopySource"), **with_key(OTHER))  # the key changed in place
    assert s3.get_object(Bucket=name, Key="k", **with_key(OTHER))["Body"].read() == NEEDLE


def test_each_part_brings_the_key(s3: Any, name: str) -> None:
    place = {"Bucket": name, "Key": "parts"}
    place["UploadId"] = s3.create_multipart_upload(**place, **with_key())["UploadId"]
    with refused("InvalidRequest"):
        s3.upload_part(**place, PartNumber=1, Body=b"x")
    with refused("AccessDenied"):
        s3.upload_part(**place, PartNumber=1, Body=b"x", **with_key(OTHER))
    tags = [s3.upload_part(**place, PartNumber=n, Body=b"x" * 5 * MIB, **with_key())["ETag"] for n in (1, 2)]
    parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, start=1)]
    s3.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})
    found = s3.get_object(Bucket=name, Key="parts", Range="bytes=5242870-5242889", **with_key())
    assert found["Body"].read() == b"x" * 20


def test_plain_http_is_refused(shared_cloud: Any, name: str) -> None:
    plain = shared_cloud.client("s3")
    with refused("InvalidRequest", "secure connection", 400):
        plain.put_object(Bucket=name, Key="k", Body=b"x", **with_key())


def test_a_new_bucket_blocks_it(shared_cloud: Any, s3: Any) -> None:
    name = new_bucket(shared_cloud)
    for write in (s3.create_multipart_upload, s3.put_object):
        with refused("AccessDenied", "blocked", 403):
            write(Bucket=name, Key="k", **with_key())
    allow(shared_cloud, name, "NONE")
    s3.put_object(Bucket=name, Key="k", Body=b"x", **with_key())
    allow(shared_cloud, name, "SSE-C")
    assert s3.get_object(Bucket=name, Key="k", **with_key())["Body"].read() == b"x"  # what is there can be read


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"SSECustomerAlgorithm": "AES128", "SSECustomerKey": KEY}, "InvalidEncryptionAlgorithmError"),
        (with_key(b"short"), "InvalidArgument"),
        ({"SSECustomerAlgorithm": "AES256"}, "InvalidArgument"),
        ({**in_headers(KEY), "SSECustomerKeyMD5": base64.b64encode(b"0" * 16).decode()}, "InvalidArgument"),
        ({**with_key(), "ServerSideEncryption": "AES256"}, "InvalidArgument"),
    ],
)
def test_keys_that_are_refused(s3: Any, name: str, more: dict[str, Any], code: str) -> None:
    with refused(code, status=400):
        s3.put_object(Bucket=name, Key="k", Body=b"x", **more)
    assert "Contents" not in s3.list_objects_v2(Bucket=name)
