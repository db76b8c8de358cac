"""What browsers send: preflights, requests from other origins, forms with a file."""

import base64
import http.client
import json
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config
from s3_help import SECOND, allow_all, files, fresh, new_bucket, new_user, policy, refused, statement

RULES = [
    {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]},
    {"AllowedMethods": ["PUT", "POST"], "AllowedOrigins": ["https://*.example.com"], "AllowedHeaders": ["x-amz-*"],
     "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 300},
]  # fmt: skip


@pytest.fixture(scope="module")
def name(shared_cloud: Any) -> str:
    found = new_bucket(shared_cloud)
    shared_cloud.client("s3").put_bucket_cors(Bucket=found, CORSConfiguration={"CORSRules": RULES})
    return found


def send(cloud: Any, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(cloud.url).netloc, timeout=10)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


# Preflights


def preflight(cloud: Any, name: str, origin: str, method: str, wanted: str = "") -> tuple[int, dict[str, str], bytes]:
    more = {"Access_Control_Request_Headers": wanted} if wanted else {}
    return send(cloud, "OPTIONS", f"/{name}/k", Origin=origin, Access_Control_Request_Method=method, **more)


@pytest.mark.parametrize(
    ("origin", "method", "wanted", "allowed"),
    [
        ("http://anywhere", "GET", "", "*"),
        ("http://anywhere", "PUT", "", None),
        ("https://shop.example.com", "PUT", "x-amz-date, X-Amz-Meta-A", "https://shop.example.com"),
        ("https://shop.example.com", "PUT", "authorization", None),
        ("https://example.com", "PUT", "", None),
        ("https://shop.example.com.evil", "PUT", "", None),
        ("https://shop.example.com", "DELETE", "", None),
    ],
)
def test_preflights(shared_cloud: Any, name: str, origin: str, method: str, wanted: str, allowed: str | None) -> None:
    status, headers, body = preflight(shared_cloud, name, origin, method, wanted)
    if allowed is None:
        assert (status, b"<Code>AccessForbidden</Code>" in body) == (403, True)
        assert "access-control-allow-origin" not in headers
        return
    assert (status, body, headers["access-control-allow-origin"]) == (200, b"", allowed)
    if method == "PUT":
        assert headers["access-control-allow-headers"] == wanted.lower()
        assert headers["access-control-expose-headers"] == "ETag"
        assert (headers["access-control-max-age"], headers["access-control-allow-credentials"]) == ("300", "true")


@pytest.mark.parametrize(
    ("place", "headers", "status"),
    [
        ("k", {}, 400),
        ("k", {"Origin": "http://x"}, 400),
        ("k", {"Origin": "http://x", "Access_Control_Request_Method": "TRACE"}, 400),
    ],
)
def test_preflights_that_say_too_little(
    shared_cloud: Any, name: str, place: str, headers: dict[str, str], status: int
) -> None:
    assert send(shared_cloud, "OPTIONS", f"/{name}/{place}", **headers)[0] == status


def test_a_bucket_without_rules_allows_no_page(shared_cloud: Any) -> None:
    for bucket in (new_bucket(shared_cloud), "nowhere-at-all"):
        status, _, body = preflight(shared_cloud, bucket, "http://x", "GET")
        assert (status, b"CORS is not enabled for this bucket" in body) == (403, True)


def test_answers_name_the_origins_that_may_read_them(shared_cloud: Any, name: str) -> None:
    s3 = shared_cloud.client("s3", config=Config(signature_version="s3v4"))
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    url = s3.generate_presigned_url("get_object", {"Bucket": name, "Key": "k"}, 60)
    request = urllib.request.Request(url, headers={"Origin": "http://anywhere"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.headers["access-control-allow-origin"] == "*"
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert "access-control-allow-origin" not in answer.headers
    status, headers, _ = send(shared_cloud, "GET", f"/{name}/k", Origin="http://anywhere")
    assert (status, headers["access-control-allow-origin"]) == (403, "*")
    assert "access-control-allow-origin" not in send(shared_cloud, "DELETE", f"/{name}/k", Origin="http://anywhere")[1]


# Forms


def form(fields: dict[str, str], content: bytes, file_name: str = "up.txt", boundary: str = "b0") -> tuple[bytes, str]:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in fields.items()
    ]
    parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file_name}"\r\n\r\n')
    body = "".join(parts).encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def post(cloud: Any, name: str, fields: dict[str, str], content: bytes = b"content", **more: Any) -> Any:
    body, kind = form(fields, content, **more)
    return send(cloud, "POST", f"/{name}", body, Content_Type=kind)


def signed(cloud: Any, name: str, key: str, fields: Any = None, conditions: Any = None, **more: Any) -> dict[str, str]:
    version = more.pop("version", "s3v4")
    s3 = cloud.client("s3", config=Config(signature_version=version), **more)
    found: dict[str, str] = s3.generate_presigned_post(name, key, fields, conditions)["fields"]
    return found


@pytest.mark.parametrize("version", ["s3v4", "s3"])
@pytest.mark.parametrize("size", [0, 7, 300_000])
def test_a_form_uploads_its_file(shared_cloud: Any, name: str, size: int, version: str) -> None:
    content = (b"\r\n--b1 is no end\r\n--" * (size // 20 + 1))[:size]
    given = {"Content-Type": "text/css", "x-amz-meta-from": "page"}
    conditions = [["starts-with", "$Content-Type", "text/"], {"x-amz-meta-from": "page"}]
    fields = signed(shared_cloud, name, "in/${filename}", given, conditions, version=version)
    status, headers, body = post(shared_cloud, name, fields, content, file_name="C:\\\\a\\\\styles.css")
    assert (status, body) == (204, b"")
    answer = shared_cloud.client("s3").get_object(Bucket=name, Key="in/styles.css")
    assert (answer["Body"].read(), answer["ContentType"]) == (content, "text/css")
    assert (answer["Metadata"], answer["ETag"]) == ({"from": "page"}, headers["etag"])


BAD: list[tuple[dict[str, str], Any, str]] = [
    ({"key": "elsewhere"}, None, "Policy Condition failed"),
    ({"x-amz-meta-more": "x"}, None, "Extra input fields: x-amz-meta-more"),
    ({"acl": "public-read"}, None, "Extra input fields: acl"),
    ({"x-amz-signature": "0" * 64}, None, "SignatureDoesNotMatch"),
    ({"x-amz-credential": "AKIAUNKNOWN/20260101/us-east-1/s3/aws4_request"}, None, "InvalidAccessKeyId"),
    ({"x-amz-security-token": "made-up"}, None, "InvalidToken"),
    ({"policy": base64.b64encode(b"{").decode()}, None, "SignatureDoesNotMatch"),
    ({}, [["content-length-range", 8, 10]], "EntityTooSmall"),
    ({}, [["content-length-range", 1, 6]], "EntityTooLarge"),
    ({"Content-MD5": base64.b64encode(b"0" * 16).decode()}, [["starts-with", "$Content-MD5", ""]], "BadDigest"),
    ({}, [["perhaps", "$key", "x"]], "InvalidPolicyDocument"),
]


@pytest.mark.parametrize(("change", "conditions", "said"), BAD, ids=[one[2] for one in BAD])
def test_forms_that_are_refused_leave_nothing(shared_cloud: Any, change: Any, conditions: Any, said: str) -> None:
    name, before = new_bucket(shared_cloud), files(shared_cloud)
    fields = {**signed(shared_cloud, name, "k", None, conditions), **change}
    status, _, body = post(shared_cloud, name, fields)
    assert status in (400, 403)
    assert said.encode() in body, body
    assert "Contents" not in shared_cloud.client("s3").list_objects_v2(Bucket=name)
    assert files(shared_cloud) == before


def test_a_form_counts_for_its_bucket_and_its_time(
    shared_cloud: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields, other = signed(shared_cloud, name, "k"), new_bucket(shared_cloud)
    status, _, body = post(shared_cloud, other, fields)
    assert (status, b'["eq", "$bucket"' in body) == (403, True)
    later = datetime.now(UTC) + timedelta(hours=2)
    monkeypatch.setattr(shared_cloud.cloud.clock, "true_now", lambda: later)
    status, _, body = post(shared_cloud, name, fields)
    assert (status, b"Policy expired" in body) == (403, True)


def test_a_form_is_as_strong_as_its_signer(shared_cloud: Any, name: str) -> None:
    nobody = new_user(shared_cloud)
    status, _, body = post(shared_cloud, name, signed(shared_cloud, name, "k", credentials=nobody["keys"]))
    assert (status, b"s3:PutObject" in body) == (403, True)
    condition = {"StringEquals": {"s3:authType": "POST"}}
    somebody = new_user(shared_cloud, statement("s3:PutObject", Condition=condition))
    assert post(shared_cloud, name, signed(shared_cloud, name, "k", credentials=somebody["keys"]))[0] == 204
    with refused("AccessDenied"):
        shared_cloud.client("s3", credentials=somebody["keys"]).put_object(Bucket=name, Key="k", Body=b"x")
    session = shared_cloud.client("sts").get_session_token()["Credentials"]
    assert post(shared_cloud, name, signed(shared_cloud, name, "k", credentials=session))[0] == 204


def test_a_form_without_a_policy_is_a_strangers(shared_cloud: Any) -> None:
    name = new_bucket(shared_cloud)
    assert post(shared_cloud, name, {"key": "k"})[0] == 403
    allow_all(shared_cloud, name)
    anyone = statement("s3:PutObject", f"arn:aws:s3:::{name}/open/*", Principal="*")
    shared_cloud.client("s3").put_bucket_policy(Bucket=name, Policy=policy(anyone))
    assert post(shared_cloud, name, {"key": "open/k"})[0] == 204
    assert post(shared_cloud, name, {"key": "k"})[0] == 403
    other = shared_cloud.client("s3", "second")
    with refused("AccessDenied"):
        other.get_object(Bucket=name, Key="open/k", ExpectedBucketOwner=SECOND)


def test_what_a_form_asks_to_be_told(shared_cloud: Any, name: str) -> None:
    def answer(**asked: str) -> Any:
        conditions = [{field: value} for field, value in asked.items()]
        return post(shared_cloud, name, signed(shared_cloud, name, "a b", asked, conditions))

    status, headers, body = answer(success_action_status="201")
    assert (status, b"<Key>a b</Key>" in body, headers["content-type"]) == (201, True, "application/xml")
    assert answer(success_action_status="200")[0] == 200
    assert answer(success_action_status="404")[0] == 204
    status, headers, _ = answer(success_action_redirect="https://example.com/done?x=1")
    assert status == 303
    assert headers["location"].startswith(f"https://example.com/done?x=1&bucket={name}&key=a+b&etag=%22")
    status, headers, _ = answer(success_action_redirect="https://example.com/a%20b \x01ü")
    assert status == 303
    assert headers["location"].startswith("https://example.com/a%20b%20%01%C3%BC?bucket=")


def test_a_form_makes_no_object_that_cannot_be_read(shared_cloud: Any, name: str) -> None:
    """No header carries every text: AWS encodes metadata by RFC 2047, and counts what it leaves out."""
    given = {
        "x-amz-meta-plain": "a",
        "x-amz-meta-name": "Jürgen ☃",
        "x-amz-meta-bell": "a\x07b",
        "Content-Type": "a\x01b",
    }
    fields = signed(shared_cloud, name, "odd", given, [{field: value} for field, value in given.items()])
    assert post(shared_cloud, name, fields)[0] == 204
    found = shared_cloud.client("s3").head_object(Bucket=name, Key="odd")
    encoded = base64.b64encode("Jürgen ☃".encode()).decode()
    assert found["Metadata"] == {"plain": "a", "name": f"=?UTF-8?B?{encoded}?="}
    assert (found["MissingMeta"], found["ContentType"]) == (1, "a b")


def test_tags_in_a_form(shared_cloud: Any, name: str) -> None:
    tagging = "<Tagging><TagSet><Tag><Key>team</Key><Value>a &amp; b</Value></Tag></TagSet></Tagging>"
    given = {"tagging": tagging, "x-ignore-me": "x"}
    fields = signed(shared_cloud, name, "tagged", given, [{"tagging": tagging}])
    assert post(shared_cloud, name, fields)[0] == 204
    found = shared_cloud.client("s3").get_object_tagging(Bucket=name, Key="tagged")["TagSet"]
    assert found == [{"Key": "team", "Value": "a & b"}]


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b"", "multipart/form-data; boundary=b", "MalformedPOSTRequest"),
        (b"--b\r\n", "multipart/form-data", "MalformedPOSTRequest"),
        (b"--b--\r\n", "multipart/form-data; boundary=b", "IncorrectNumberOfFilesInPostRequest"),
        (b"--b\r\nno disposition\r\n\r\nx\r\n--b--", "multipart/form-data; boundary=b", "MalformedPOSTRequest"),
        (b'--b\r\nContent-Disposition: form-data; name="k"\r\n\r\n' + b"x" * 30_000, "multipart/form-data; boundary=b",
         "MaxPostPreDataLengthExceeded"),
        (b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nx\r\n--b--',
         "multipart/form-data; boundary=b", "InvalidArgument"),
        (b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--b--', "multipart/form-data; boundary=b",
         "MalformedPOSTRequest"),
    ],
)  # fmt: skip
def test_bodies_that_are_no_form(shared_cloud: Any, name: str, body: bytes, kind: str, code: str) -> None:
    status, _, answer = send(shared_cloud, "POST", f"/{name}", body, Content_Type=kind)
    assert (status, code.encode() in answer) == (400, True), answer


def test_an_upload_of_a_forms_type_is_an_upload(shared_cloud: Any, name: str) -> None:
    s3, key, kind = shared_cloud.client("s3"), fresh("kept-form"), "multipart/form-data; boundary=b"
    s3.put_object(Bucket=name, Key=key, Body=b"--b", ContentType=kind)
    assert s3.get_object(Bucket=name, Key=key)["Body"].read() == b"--b"


def test_a_policy_is_text_that_anyone_can_read(shared_cloud: Any, name: str) -> None:
    """It holds no secret: the signer's key id, and what the form may say."""
    fields = signed(shared_cloud, name, "k")
    told = json.loads(base64.b64decode(fields["policy"]))
    assert {"bucket": name} in told["conditions"]
    assert shared_cloud.keys()["aws_secret_access_key"] not in json.dumps(told)
