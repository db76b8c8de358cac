"""What must not succeed: tricks with names and headers, what is left of others, XML that bites."""

import http.client
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from s3_help import SECOND, exchange, fetch, files, fresh, new_bucket, new_user, policy, refused, statement


@pytest.fixture(scope="module")
def s3(shared_cloud: Any) -> Any:
    return shared_cloud.client("s3")


@pytest.fixture(scope="module")
def name(shared_cloud: Any) -> str:
    return new_bucket(shared_cloud)


def signed(cloud: Any, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """A request with a good signature over any path, as no client would send it."""
    keys = cloud.keys()
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest(method, cloud.url + path, data=body, headers=more)
    credentials = Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"])
    S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(urlsplit(cloud.url).netloc, timeout=10)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for header, value in request.headers.items():
            connection.putheader(header, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


# Names

BUCKETS = ["..", "%2e%2e", "..%2f..%2fetc", "a%00b", "%2fetc", "bucket%0d%0ax", "A" * 300, "%ff%fe", "a%2e%2e%2fb"]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_names_of_buckets_lead_nowhere(shared_cloud: Any, bucket: str) -> None:
    before = everything(shared_cloud)
    for method, path in (("PUT", ""), ("PUT", "/k"), ("GET", "/k"), ("GET", "")):
        status, _, body = signed(shared_cloud, method, f"/{bucket}{path}")
        assert 400 <= status < 500, (method, status, body)
    assert everything(shared_cloud) == before


def everything(cloud: Any) -> set[Path]:
    """Every file in and beside the home folder but the database's own."""
    return {path for path in cloud.home.parent.rglob("*") if "sqlite3" not in path.name}


@pytest.mark.parametrize("source", ["..", "/", "{}/../{}/k", "other/../{}/k", "{}", "{}/", "%2e%2e/k", "{}%00/k"])
def test_sources_of_copies_are_no_paths(s3: Any, name: str, source: str) -> None:
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    with pytest.raises(s3.exceptions.ClientError):
        s3.copy_object(Bucket=name, Key="copy", CopySource=source.format(name, name))


# Headers


def test_an_answer_has_no_headers_of_the_asker(shared_cloud: Any, s3: Any, name: str) -> None:
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    presigner = shared_cloud.client("s3", config=Config(signature_version="s3v4"))
    asked = {"Bucket": name, "Key": "k", "ResponseContentType": "text/html\r\nSet-Cookie: a=b"}
    url = urlsplit(presigner.generate_presigned_url("get_object", asked, 60))
    connection = http.client.HTTPConnection(url.netloc, timeout=10)
    connection.request("GET", f"{url.path}?{url.query}")
    answer = connection.getresponse()
    assert answer.getheader("set-cookie") is None
    assert answer.read() == b"x" if answer.status == 200 else answer.status == 400
    connection.close()


@pytest.mark.parametrize(
    "head",
    [
        b"PUT /{}/k HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /",
        b"PUT /{}/k HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"PUT /{}/k HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\nabcde",
        b"PUT /{}/k HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\nabcde",
    ],
)
def test_lengths_that_contradict_each_other(shared_cloud: Any, s3: Any, name: str, head: bytes) -> None:
    assert exchange(shared_cloud.url, head.replace(b"{}", name.encode()))[0] in (400, 403)


@pytest.mark.parametrize("header", ["x-amz-acl", "x-amz-tagging", "x-amz-server-side-encryption", "x-amz-copy-source"])
def test_headers_added_to_a_signed_url_count_for_nothing(shared_cloud: Any, name: str, header: str) -> None:
    presigner = shared_cloud.client("s3", config=Config(signature_version="s3v4"))
    url = presigner.generate_presigned_url("put_object", {"Bucket": name, "Key": fresh("signed")}, 60)
    status, body = fetch(url, "PUT", b"x", **{header: f"{name}/k"})
    assert (status, b"not signed" in body) == (403, True)


def test_a_method_is_the_one_that_was_signed(shared_cloud: Any, s3: Any, name: str) -> None:
    s3.put_object(Bucket=name, Key="kept", Body=b"x")
    presigner = shared_cloud.client("s3", config=Config(signature_version="s3v4"))
    url = presigner.generate_presigned_url("get_object", {"Bucket": name, "Key": "kept"}, 60)
    assert fetch(url, "GET", **{"X-HTTP-Method-Override": "DELETE"})[0] in (200, 403)
    assert fetch(url, "DELETE")[0] == 403
    s3.head_object(Bucket=name, Key="kept")


# Bodies


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Delete><Object><Key>&b;</Key></Object></Delete>',
        b'<!DOCTYPE d [<!ENTITY f SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&f;</Key></Object></Delete>',
        b"<Delete>" + b"<Object>" * 5000,
        b"",
        b"<Other/>",
    ],
    ids=["entities", "a file", "nested", "nothing", "another"],
)
def test_xml_that_bites(shared_cloud: Any, name: str, body: bytes) -> None:
    status, _, answer = signed(shared_cloud, "POST", f"/{name}?delete", body)
    assert (status, b"root:" in answer) == (400, False), answer


def test_an_upload_beyond_all_bounds_is_not_taken(shared_cloud: Any, s3: Any, name: str) -> None:
    for length, code in ((6 * 1024**4, b"EntityTooLarge"), (5 * 1024**3 + 1, b"EntityTooLarge")):
        status, answer = announced(shared_cloud, f"/{name}/huge", length)
        assert (status, code in answer) == (400, True), answer
    with refused("404"):
        s3.head_object(Bucket=name, Key="huge")


def announced(cloud: Any, path: str, length: int) -> tuple[int, bytes]:
    """Announce a body of that length and send nothing of it."""
    keys = cloud.keys()
    request = AWSRequest("PUT", cloud.url + path, headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    credentials = Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"])
    S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
    lines = [f"PUT {path} HTTP/1.1", f"Host: {urlsplit(cloud.url).netloc}", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return exchange(cloud.url, ("\r\n".join(lines) + "\r\nExpect: 100-continue\r\n\r\n").encode())


# What belongs to others


def test_a_name_taken_over_gives_nothing_of_its_former_owner(shared_cloud: Any, s3: Any) -> None:
    name, second = fresh("sniped"), shared_cloud.client("s3", "second")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    allowed = statement("s3:*", [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"], Principal={"AWS": SECOND})
    s3.put_bucket_policy(Bucket=name, Policy=policy(allowed))
    before = files(shared_cloud)
    version = s3.put_object(Bucket=name, Key="k", Body=b"secret" * 20_000)["VersionId"]
    upload = s3.create_multipart_upload(Bucket=name, Key="big")["UploadId"]
    s3.upload_part(Bucket=name, Key="big", UploadId=upload, PartNumber=1, Body=b"secret" * 20_000)
    presigner = shared_cloud.client("s3", config=Config(signature_version="s3v4"))
    url = presigner.generate_presigned_url("get_object", {"Bucket": name, "Key": "k"}, 600)
    s3.delete_object(Bucket=name, Key="k", VersionId=version)
    s3.delete_bucket(Bucket=name)
    shared_cloud.settle("s3")
    assert files(shared_cloud) == before
    second.create_bucket(Bucket=name)
    with refused("NoSuchVersion"):
        second.get_object(Bucket=name, Key="k", VersionId=version)
    with refused("NoSuchUpload"):
        second.list_parts(Bucket=name, Key="big", UploadId=upload)
    with refused("NoSuchBucketPolicy"):
        second.get_bucket_policy(Bucket=name)
    assert "Status" not in second.get_bucket_versioning(Bucket=name)
    second.put_object(Bucket=name, Key="k", Body=b"theirs")
    assert fetch(url)[0] == 403  # what was signed for the old bucket doesn't open the new one
    with refused("AccessDenied"):
        s3.put_object(Bucket=name, Key="k", Body=b"mine", ExpectedBucketOwner="123456789012")


def test_an_upload_goes_by_its_bucket_and_key(shared_cloud: Any, s3: Any, name: str) -> None:
    other = new_bucket(shared_cloud)
    upload = s3.create_multipart_upload(Bucket=name, Key="a")["UploadId"]
    for bucket, key in ((name, "b"), (other, "a")):
        with refused("NoSuchUpload", status=404):
            s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"x")
        with refused("NoSuchUpload"):
            s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)


def test_a_copy_needs_the_right_to_read(shared_cloud: Any, s3: Any, name: str) -> None:
    s3.put_object(Bucket=name, Key="private", Body=b"x")
    second, theirs = shared_cloud.client("s3", "second"), new_bucket(shared_cloud, "second")
    with refused("AccessDenied", "s3:GetObject"):
        second.copy_object(Bucket=theirs, Key="k", CopySource=f"{name}/private")
    upload = second.create_multipart_upload(Bucket=theirs, Key="k")["UploadId"]
    with refused("AccessDenied", "s3:GetObject"):
        second.upload_part_copy(Bucket=theirs, Key="k", UploadId=upload, PartNumber=1, CopySource=f"{name}/private")


def test_a_refused_call_changes_nothing(shared_cloud: Any, s3: Any, name: str) -> None:
    s3.put_object(Bucket=name, Key="kept", Body=b"x", Tagging="a=b")
    nobody = shared_cloud.client("s3", credentials=new_user(shared_cloud)["keys"])
    before = shared_cloud.on_loop(records)
    place = {"Bucket": name, "Key": "kept"}
    for call, more in (
        (nobody.put_object, {**place, "Body": b"y" * 100_000}), (nobody.delete_object, place),
        (nobody.put_object_tagging, {**place, "Tagging": {"TagSet": []}}), (nobody.delete_object_tagging, place),
        (nobody.create_multipart_upload, place), (nobody.put_object_acl, {**place, "ACL": "private"}),
        (nobody.copy_object, {**place, "CopySource": f"{name}/kept"}), (nobody.delete_bucket, {"Bucket": name}),
        (nobody.put_bucket_policy, {"Bucket": name, "Policy": "{}"}), (nobody.create_bucket, {"Bucket": fresh("no")}),
        (nobody.put_bucket_versioning, {"Bucket": name, "VersioningConfiguration": {"Status": "Enabled"}}),
        (nobody.delete_public_access_block, {"Bucket": name}), (nobody.delete_bucket_encryption, {"Bucket": name}),
        (nobody.put_bucket_logging, {"Bucket": name, "BucketLoggingStatus": {}}),
        (nobody.delete_bucket_lifecycle, {"Bucket": name}), (nobody.delete_bucket_cors, {"Bucket": name}),
    ):  # fmt: skip
        with refused("AccessDenied", status=403):
            call(**more)
    assert shared_cloud.on_loop(records) == before


def records(cloud: Any) -> list[Any]:
    rows: list[Any] = cloud.store.db.execute(
        "SELECT kind, key, value FROM record WHERE kind LIKE 's3.%' ORDER BY kind, key"
    ).fetchall()
    return rows
