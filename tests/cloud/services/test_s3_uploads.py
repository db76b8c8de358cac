"""Uploads as they come over the wire: chunks, refusals before the body, uploads cut off."""

import base64
import hashlib
import hmac
import socket
import zlib
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from s3_help import exchange, files, new_bucket, new_user, refused

TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


class _Auth(S3SigV4Auth):
    """Signs what the request says of its body, whatever it is."""

    declared = ""

    def payload(self, request: AWSRequest) -> str:
        return self.declared


def signed(
    cloud: Any, path: str, declared: str, length: int, keys: dict[str, str] | None = None, **headers: str
) -> Any:
    """The head of a PUT, signed, as bytes; and the signer's date, scope and signature for its chunks."""
    keys = keys or cloud.keys()
    request = AWSRequest("PUT", cloud.url + path, headers={"X-Amz-Content-SHA256": declared, **headers})
    auth = _Auth(Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"]), "s3", "us-east-1")
    auth.declared = declared
    auth.add_auth(request)
    all_headers = {**dict(request.headers), "Host": urlsplit(cloud.url).netloc, "Content-Length": str(length)}
    all_headers["X-Amz-Content-SHA256"] = declared
    lines = [f"PUT {path} HTTP/1.1", *(f"{name}: {value}" for name, value in all_headers.items())]
    signature = request.headers["Authorization"].rpartition("Signature=")[2]
    return "\r\n".join(lines).encode() + b"\r\n\r\n", request.context["timestamp"], signature


def crc32(content: bytes) -> str:
    return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


def chunked(*parts: bytes, trailer: str = "") -> bytes:
    pieces = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts)
    return pieces + b"0\r\n" + (f"{trailer}\r\n".encode() if trailer else b"") + b"\r\n"


def put_with_trailer(cloud: Any, path: str, body: bytes, length: int) -> tuple[int, bytes]:
    headers = {
        "X-Amz-Trailer": "x-amz-checksum-crc32", "X-Amz-Decoded-Content-Length": str(length),
        "Content-Encoding": "aws-chunked", "X-Amz-Sdk-Checksum-Algorithm": "CRC32",
    }  # fmt: skip
    head, _, _ = signed(cloud, path, TRAILER, len(body), **headers)
    return exchange(cloud.url, head, body)


@pytest.mark.parametrize("size", [0, 5, 200_000])
def test_chunks_with_a_checksum_at_the_end(shared_cloud: Any, size: int) -> None:
    name, content = new_bucket(shared_cloud), b"c" * size
    parts = [content[start : start + 65536] for start in range(0, size, 65536)]
    body = chunked(*parts, trailer=f"x-amz-checksum-crc32:{crc32(content)}")
    assert put_with_trailer(shared_cloud, f"/{name}/k", body, size)[0] == 200
    found = shared_cloud.client("s3").get_object(Bucket=name, Key="k", ChecksumMode="ENABLED")
    assert (found["Body"].read(), found["ChecksumCRC32"]) == (content, crc32(content))
    assert "ContentEncoding" not in found


@pytest.mark.parametrize(
    ("body", "length", "code"),
    [
        (chunked(b"content", trailer=f"x-amz-checksum-crc32:{crc32(b'other')}"), 7, b"BadDigest"),
        (chunked(b"content"), 7, b"MalformedTrailerError"),
        (chunked(b"content", trailer=f"x-amz-checksum-crc32:{crc32(b'content')}"), 8, b"IncompleteBody"),
        (chunked(b"content", trailer=f"x-amz-checksum-crc32:{crc32(b'content')}"), 6, b"IncompleteBody"),
        (b"nonsense\r\n", 7, b"IncompleteBody"),
    ],
)
def test_chunks_that_are_refused_leave_nothing(shared_cloud: Any, body: bytes, length: int, code: bytes) -> None:
    name = new_bucket(shared_cloud)
    status, answer = put_with_trailer(shared_cloud, f"/{name}/k", body, length)
    assert (status, code in answer) == (400, True), answer
    assert "Contents" not in shared_cloud.client("s3").list_objects_v2(Bucket=name)


@pytest.mark.parametrize("broken", [False, True])
def test_chunks_signed_one_by_one(shared_cloud: Any, broken: bool) -> None:
    name, content = new_bucket(shared_cloud), b"s" * 9000
    secret = shared_cloud.keys()["aws_secret_access_key"]
    sized = 9000 + len("2328;chunk-signature=" + "0" * 64) + 4 + len("0;chunk-signature=" + "0" * 64) + 4
    head, date, previous = signed(
        shared_cloud, f"/{name}/k", SIGNED, sized, **{"X-Amz-Decoded-Content-Length": str(len(content))}
    )
    key = b"AWS4" + secret.encode()
    for part in (date[:8], "us-east-1", "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    body = b""
    for part in (content, b""):
        scope = f"{date[:8]}/us-east-1/s3/aws4_request"
        texts = ["AWS4-HMAC-SHA256-PAYLOAD", date, scope, previous, hashlib.sha256(b"").hexdigest()]
        text = "\n".join([*texts, hashlib.sha256(part).hexdigest()])
        previous = hmac.new(key, text.encode(), "sha256").hexdigest()
        body += f"{len(part):x};chunk-signature={previous}\r\n".encode() + part + b"\r\n"
    if broken:
        body = body.replace(b"sss", b"sSs", 1)
    status, answer = exchange(shared_cloud.url, head, body)
    assert status == (403 if broken else 200), answer
    assert (b"SignatureDoesNotMatch" in answer) is broken
    assert ("Contents" in shared_cloud.client("s3").list_objects_v2(Bucket=name)) is not broken


# Refused before the body


def secret_of(user: dict[str, Any]) -> dict[str, str]:
    keys = user["keys"]
    return {"aws_access_key_id": keys["AccessKeyId"], "aws_secret_access_key": keys["SecretAccessKey"]}


@pytest.mark.parametrize("expects", [True, False])
def test_a_refused_upload_gets_its_answer_before_the_body(shared_cloud: Any, expects: bool) -> None:
    name, user = new_bucket(shared_cloud), new_user(shared_cloud)
    head, _, _ = signed(shared_cloud, f"/{name}/k", "UNSIGNED-PAYLOAD", 10_000_000, secret_of(user))
    if expects:
        head = head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    status, answer = exchange(shared_cloud.url, head)  # not one byte of the body is sent
    assert (status, b"s3:PutObject" in answer) == (403, True)


def test_an_admitted_upload_is_asked_for_its_body(shared_cloud: Any) -> None:
    name = new_bucket(shared_cloud)
    head, _, _ = signed(shared_cloud, f"/{name}/k", "UNSIGNED-PAYLOAD", 4)
    parts = urlsplit(shared_cloud.url)
    with socket.create_connection((parts.hostname, parts.port), 10) as connection:
        connection.sendall(head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(b"body")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("size", [3, 100_000, 3_000_000])
def test_a_client_goes_on_after_a_refusal(shared_cloud: Any, size: int) -> None:
    name, user = new_bucket(shared_cloud), new_user(shared_cloud)
    s3 = shared_cloud.client("s3", credentials=user["keys"])
    for _ in range(3):
        with refused("AccessDenied", "s3:PutObject", 403):
            s3.put_object(Bucket=name, Key="k", Body=b"x" * size)
        with refused("AccessDenied", "s3:ListBucket", 403):
            s3.list_objects_v2(Bucket=name)


@pytest.mark.parametrize(
    ("length", "headers", "code"),
    [
        (6 * 1024**3, {}, b"EntityTooLarge"),
        (7, {"Content-MD5": "bm8="}, b"InvalidDigest"),
        (7, {"X-Amz-Trailer": "x-amz-checksum-crc32"}, b"MissingContentLength"),
    ],
)
def test_bad_headers_are_refused_before_the_body(
    shared_cloud: Any, length: int, headers: dict[str, str], code: bytes
) -> None:
    name = new_bucket(shared_cloud)
    declared = TRAILER if "X-Amz-Trailer" in headers else "UNSIGNED-PAYLOAD"
    head, _, _ = signed(shared_cloud, f"/{name}/k", declared, length, **headers)
    status, answer = exchange(shared_cloud.url, head)
    assert (400 <= status < 412, code in answer) == (True, True), answer


def test_a_body_without_a_length(shared_cloud: Any) -> None:
    name = new_bucket(shared_cloud)
    head, _, _ = signed(shared_cloud, f"/{name}/k", "UNSIGNED-PAYLOAD", 4)
    head = head.replace(b"Content-Length: 4", b"Transfer-Encoding: chunked")
    status, answer = exchange(shared_cloud.url, head, b"4\r\nbody\r\n0\r\n\r\n")
    assert (status, b"MissingContentLength" in answer) == (411, True)


# Cut off


def test_an_upload_that_is_cut_off_leaves_nothing(cloud: Any) -> None:
    name = new_bucket(cloud)
    head, _, _ = signed(cloud, f"/{name}/k", "UNSIGNED-PAYLOAD", 5_000_000)
    parts = urlsplit(cloud.url)
    with socket.create_connection((parts.hostname, parts.port), 10) as connection:
        connection.sendall(head + b"x" * 3_000_000)
        while not files(cloud):
            pass
    cloud.client("s3").put_object(Bucket=name, Key="other", Body=b"y" * 100_000)
    cloud.on_loop(lambda _: None)
    while len(files(cloud)) > 1:
        cloud.on_loop(lambda _: None)
    listed = cloud.client("s3").list_objects_v2(Bucket=name)["Contents"]
    assert [one["Key"] for one in listed] == ["other"]


def test_a_start_sweeps_what_a_kill_left(start_cloud: Any, tmp_path: Any) -> None:
    first = start_cloud(home=tmp_path / "home")
    name = new_bucket(first)
    first.client("s3").put_object(Bucket=name, Key="k", Body=b"k" * 100_000)
    (kept,) = files(first)
    first.stop()
    # Killed between the commit and the move of one file, and in the midst of another.
    unmoved, half = first.home / "objects" / "new" / kept.name, first.home / "objects" / "new" / "ffffffffffffffff"
    kept.rename(unmoved)
    half.write_bytes(b"half")
    again = start_cloud(home=tmp_path / "home")
    assert files(again) == [kept]
    assert again.client("s3").get_object(Bucket=name, Key="k")["Body"].read() == b"k" * 100_000


def test_a_start_finds_versions_and_parts(start_cloud: Any, tmp_path: Any) -> None:
    """Whatever was acknowledged is there after a kill between commit and move; what wasn't is not."""
    first = start_cloud(home=tmp_path / "home")
    name, s3 = new_bucket(first, versions=True), first.client("s3")
    versions = [s3.put_object(Bucket=name, Key="k", Body=text * 100_000)["VersionId"] for text in (b"1", b"2")]
    place = {"Bucket": name, "Key": "parts"}
    place["UploadId"] = s3.create_multipart_upload(**place)["UploadId"]
    tag = s3.upload_part(**place, PartNumber=1, Body=b"p" * 100_000)["ETag"]
    kept = files(first)
    assert len(kept) == 3
    first.stop()
    for path in kept:
        path.rename(first.home / "objects" / "new" / path.name)
    again = start_cloud(home=tmp_path / "home")
    assert files(again) == kept
    s3 = again.client("s3")
    for version, text in zip(versions, (b"1", b"2"), strict=True):
        assert s3.get_object(Bucket=name, Key="k", VersionId=version)["Body"].read() == text * 100_000
    s3.complete_multipart_upload(**place, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})
    assert s3.get_object(Bucket=name, Key="parts")["Body"].read() == b"p" * 100_000


def test_a_file_goes_only_after_the_commit(cloud: Any) -> None:
    """An object that is replaced while a removal waits is read to its end from the file that it had."""
    name, s3 = new_bucket(cloud), cloud.client("s3")
    s3.put_object(Bucket=name, Key="k", Body=b"1" * 100_000)
    (old,) = files(cloud)
    user = new_user(cloud)
    with refused("AccessDenied"):
        cloud.client("s3", credentials=user["keys"]).delete_object(Bucket=name, Key="k")
    cloud.settle("s3")
    assert files(cloud) == [old]
    s3.delete_object(Bucket=name, Key="k")
    cloud.settle("s3")
    assert files(cloud) == []
