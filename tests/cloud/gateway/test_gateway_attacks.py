"""Attacks on the way in: each fails, says nothing that helps, and leaves the cloud at work for everybody else."""

import base64
import json
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from gateway_signers import botocore_time

from labsupport.cloud.gateway import asgi, http

TARGET = "CodeCommit_20150413."
JSON = {"content-type": "application/x-amz-json-1.1"}
SCAPEGOAT = "victim"


class Wire:
    """One connection of which every byte is in the test's hand."""

    def __init__(self, cloud: Any) -> None:
        self.socket = socket.create_connection(("127.0.0.1", cloud.settings.port), timeout=30)

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, raw: bytes) -> tuple[int, bytes]:
        """The status and the rest of the first answer; 0 where the connection was closed without one."""
        self.socket.sendall(raw)
        return self.answer()

    def answer(self) -> tuple[int, bytes]:
        received = b""
        with suppress(ConnectionResetError):
            while part := self.socket.recv(65536):
                received += part
                head, blank, body = received.partition(b"\r\n\r\n")
                length = [line[16:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: ")]
                if blank and length and len(body) >= int(length[0]):
                    break
        return (int(received[9:12]), received) if received else (0, b"")


def signed(
    cloud: Any, operation: str, params: dict[str, Any], *, profile: str = "learner", **headers: str
) -> tuple[dict[str, str], bytes]:
    """A call to CodeCommit as a client signs it: headers and body."""
    keys, body = cloud.keys(profile), json.dumps(params).encode()
    given = {"Host": urlsplit(cloud.url).netloc, **JSON, "X-Amz-Target": TARGET + operation, **headers}
    request = AWSRequest("POST", cloud.url + "/", headers=given, data=body)
    credentials = Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"])
    SigV4Auth(credentials, "codecommit", "us-east-1").add_auth(request)
    return {name: str(value) for name, value in request.headers.items()}, body


def raw(headers: dict[str, str], body: bytes, *more: str, first: str = "POST / HTTP/1.1", length: bool = True) -> bytes:
    """The request's bytes; `more` are lines that are put in after the signed headers."""
    lines = [first, *(f"{name}: {value}" for name, value in headers.items() if name.lower() != "content-length"), *more]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@pytest.fixture(scope="module")
def cloud(shared_cloud: Any) -> Any:
    shared_cloud.client("codecommit").create_repository(repositoryName=SCAPEGOAT)
    return shared_cloud


def untouched(cloud: Any) -> bool:
    """Whether the repository is as it was, and nothing was made beside it."""
    codecommit = cloud.client("codecommit")
    (only,) = codecommit.list_repositories()["repositories"]
    told = codecommit.get_repository(repositoryName=only["repositoryName"])["repositoryMetadata"]
    return (told["repositoryName"], told.get("repositoryDescription")) == (SCAPEGOAT, None)


CHANGE = ("UpdateRepositoryDescription", {"repositoryName": SCAPEGOAT, "repositoryDescription": "changed"})
OTHER = json.dumps({"repositoryName": SCAPEGOAT, "repositoryDescription": "by another"}).encode()


# Signatures


@pytest.mark.parametrize(("minutes", "status"), [(0, 200), (4, 200), (16, 400), (-16, 400)])
def test_a_signature_serves_again_as_long_as_its_time_allows(cloud: Any, minutes: int, status: int) -> None:
    """AWS refuses no repetition within the time that a signature is good for, and every one outside of it."""
    with botocore_time(datetime.now(UTC) - timedelta(minutes=minutes)):
        sent = raw(*signed(cloud, "GetRepository", {"repositoryName": SCAPEGOAT}))
    with Wire(cloud) as wire:
        answers = [wire.ask(sent) for _ in range(2)]
    assert [one[0] for one in answers] == [status, status]
    assert [b"InvalidSignatureException" in one[1] for one in answers] == [status == 400] * 2


@pytest.mark.parametrize(
    ("old", "new", "body"),
    [
        ("POST / HTTP", "PUT / HTTP", None),
        ("POST / HTTP", "POST /other HTTP", None),
        ("POST / HTTP", "POST /?a=b HTTP", None),
        (CHANGE[0], "DeleteRepository", None),
        ("us-east-1", "eu-west-1", None),
        ("/codecommit/", "/codebuild/", None),
        ("X-Amz-Date: 2", "X-Amz-Date: 3", None),
        ("Signature=", "Signature=0", None),
        ("SignedHeaders=content-type;host;x-amz-date;x-amz-target", "SignedHeaders=host;x-amz-date", None),
        ("Host: 127.0.0.1", "Host: 127.0.0.2", None),
        ("", "", OTHER),
    ],
)
def test_nothing_of_a_signed_call_can_be_exchanged(cloud: Any, old: str, new: str, body: bytes | None) -> None:
    headers, own = signed(cloud, *CHANGE)
    sent = raw(headers, own if body is None else body)
    changed = sent.replace(old.encode(), new.encode(), 1) if old else sent
    assert (changed != sent) is bool(old)
    with Wire(cloud) as wire:
        status, answer = wire.ask(changed)
    assert status in (400, 403, 404), answer
    assert untouched(cloud)


@pytest.mark.parametrize(
    "lines",
    [
        ["Host: 127.0.0.1:1"],
        ["X-Amz-Target: CodeCommit_20150413.DeleteRepository"],
        ["x_amz_target: CodeCommit_20150413.DeleteRepository", "X-Amz-Target: CodeCommit_20150413.DeleteRepository"],
        ["X-Amz-Target:", " CodeCommit_20150413.DeleteRepository"],
        ["X-Amz-Security-Token: another"],
        ["X-Amz-Date: 20200101T000000Z"],
        ["Content-Type: application/x-www-form-urlencoded"],
        ["Content-Length: 0"],
        ["Content-Length: 5, 6"],
        ["X-Bad\x00: 1"],
        ["X Bad: 1"],
        ["X-Bad: a\x00b"],
        ["X-Bad: a\rX-Amz-Target: CodeCommit_20150413.DeleteRepository"],
        ["\tfolded"],
    ],
)
def test_headers_that_are_smuggled_in(cloud: Any, lines: list[str]) -> None:
    """Twice, folded, with two lengths, with control characters: all refused."""
    headers, body = signed(cloud, *CHANGE)
    with Wire(cloud) as wire:
        status, answer = wire.ask(raw(headers, body, *lines))
    assert status in (0, 400, 403, 413, 501), answer
    assert untouched(cloud)


@pytest.mark.parametrize(
    "line",
    ["Transfer-Encoding: chunked", "Transfer-Encoding : chunked", "Transfer-Encoding: xchunked", "Content-Length: 5"],
)
def test_where_a_request_ends_is_not_open_to_doubt(cloud: Any, line: str) -> None:
    """By one way of counting there is a whole call behind the first: neither is taken."""
    headers, _ = signed(cloud, "GetRepository", {"repositoryName": SCAPEGOAT})
    body = b"0\r\n\r\n" + raw(*signed(cloud, *CHANGE))
    with Wire(cloud) as wire:
        status, answer = wire.ask(raw(headers, body, line))
    assert (status in (0, 400), answer.count(b"HTTP/1.1 ") < 2) == (True, True)
    assert untouched(cloud)


def test_a_header_with_an_underscore_is_none_with_a_dash(cloud: Any) -> None:
    """Some servers take one for the other, and so what was signed for what was not."""
    headers, body = signed(cloud, *CHANGE)
    target = headers.pop("X-Amz-Target")
    with Wire(cloud) as wire:
        status, _ = wire.ask(raw(headers, body, f"x_amz_target: {target}"))
    assert status in (400, 403, 404)
    assert untouched(cloud)


def test_a_call_hidden_in_the_body_of_another(cloud: Any) -> None:
    """The body of a refused call is never read as the next request."""
    inner = raw(*signed(cloud, *CHANGE))
    headers, _ = signed(cloud, "GetRepository", {"repositoryName": SCAPEGOAT})
    with Wire(cloud) as wire:
        status, answer = wire.ask(raw(headers, inner))
    assert status in (400, 403)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert untouched(cloud)


# Names and accounts


@pytest.mark.parametrize(
    "name",
    [
        "../victim", "..", "victim/../other", "%2e%2e", "victim.git", "victim.GIT", "victim\u0000", "v\u0456ctim",
        "vic tim", "/victim", "victim/", "", "x" * 101, "victim\n", "${aws:username}", "-", "*",
    ],
)  # fmt: skip
def test_names_of_repositories_that_are_tricks(cloud: Any, name: str) -> None:
    headers, body = signed(cloud, "CreateRepository", {"repositoryName": name})
    with Wire(cloud) as wire:
        status, _ = wire.ask(raw(headers, body))
    if name in ("-", ".."):  # AWS's pattern allows them; they never become the name of a file
        cloud.client("codecommit").delete_repository(repositoryName=name)
        assert status == 200
    else:
        assert status == 400
    assert untouched(cloud)
    assert not list(cloud.home.parent.glob("victim*"))


@pytest.mark.parametrize(
    "path", ["victim%00", "victim%2f..%2fother", "..%5cvictim", "v%D1%96ctim", "victim;x", "victim//"]
)
@pytest.mark.parametrize("what", ["info/refs?service=git-upload-pack", "git-receive-pack"])
def test_paths_of_git_that_are_tricks(cloud: Any, path: str, what: str) -> None:
    made = cloud.client("iam").create_service_specific_credential(
        UserName="learner", ServiceName="codecommit.amazonaws.com"
    )["ServiceSpecificCredential"]
    pair = base64.b64encode(f"{made['ServiceUserName']}:{made['ServicePassword']}".encode()).decode()
    headers = {"Host": urlsplit(cloud.url).netloc, "Authorization": f"Basic {pair}"}
    method = "POST" if what == "git-receive-pack" else "GET"
    with Wire(cloud) as wire:
        status, _ = wire.ask(raw(headers, b"", first=f"{method} /v1/repos/{path}/{what} HTTP/1.1"))
    cloud.client("iam").delete_service_specific_credential(
        UserName="learner", ServiceSpecificCredentialId=made["ServiceSpecificCredentialId"]
    )
    assert status in (400, 404)
    assert not list(cloud.home.glob("cache/git/[!.]*/../*victim*"))


def test_another_account_reaches_nothing_by_any_name(cloud: Any) -> None:
    """Names are looked up in the caller's own account; an ARN of ours is refused as what it is."""
    codecommit, arn = cloud.client("codecommit", "second"), f"arn:aws:codecommit:us-east-1:123456789012:{SCAPEGOAT}"
    with pytest.raises(ClientError, match="RepositoryDoesNotExistException"):
        codecommit.get_repository(repositoryName=SCAPEGOAT)
    for call, params in (
        (codecommit.list_tags_for_resource, {}),
        (codecommit.tag_resource, {"tags": {"a": "b"}}),
        (codecommit.untag_resource, {"tagKeys": ["a"]}),
    ):
        with pytest.raises(ClientError) as caught:
            call(resourceArn=arn, **params)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
    assert "repositoryId" not in codecommit.delete_repository(repositoryName=SCAPEGOAT)
    assert untouched(cloud)


# Large and slow


def test_a_body_without_end(cloud: Any) -> None:
    headers, _ = signed(cloud, "GetRepository", {})
    with Wire(cloud) as wire:
        wire.socket.sendall(raw(headers, b"", "Transfer-Encoding: chunked", length=False))
        with suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(40):
                wire.socket.sendall(b"100000\r\n" + bytes(0x100000) + b"\r\n")
        status, answer = wire.answer()
    assert (status, b"RequestEntityTooLarge" in answer) in ((413, True), (0, False))


def test_a_head_without_end(cloud: Any) -> None:
    with Wire(cloud) as wire, suppress(BrokenPipeError, ConnectionResetError):
        wire.socket.sendall(b"GET / HTTP/1.1\r\n")
        for number in range(100):
            wire.socket.sendall(b"x-%d: " % number + b"y" * 4000 + b"\r\n")
        assert wire.answer()[0] in (0, 400)


@pytest.mark.parametrize("begin", [b"", b"POST / HTTP/1.1\r\nHost: x\r\n", b"GET / HT"])
def test_a_head_that_does_not_come_is_not_waited_for(cloud: Any, begin: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LONGEST_HEAD", 0.05)
    with Wire(cloud) as wire:
        assert wire.ask(begin) == (0, b"")


@pytest.mark.parametrize("service", ["codecommit", "s3"])
def test_a_body_that_does_not_come_is_not_waited_for(cloud: Any, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It blocks nobody else meanwhile."""
    monkeypatch.setattr(asgi, "LONGEST_PAUSE", 0.2)
    if service == "s3":
        cloud.client("s3").create_bucket(Bucket="slow-bucket")
        keys = cloud.keys()
        request = AWSRequest("PUT", f"{cloud.url}/slow-bucket/key", data=b"x" * 100)
        credentials = Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"])
        S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
        headers = {"Host": urlsplit(cloud.url).netloc, **{name: str(value) for name, value in request.headers.items()}}
        sent = raw(headers, b"x" * 100, first="PUT /slow-bucket/key HTTP/1.1")[:-1]
    else:
        sent = raw(*signed(cloud, *CHANGE))[:-1]
    with Wire(cloud) as wire:
        wire.socket.sendall(sent)
        assert untouched(cloud)
        status, answer = wire.answer()
    assert (status, b"RequestTimeout" in answer) == (400, True)
    assert untouched(cloud)


def test_slow_clients_leave_the_others_their_place(cloud: Any) -> None:
    headers, body = signed(cloud, *CHANGE)
    wires = [Wire(cloud) for _ in range(100)]
    try:
        for number, wire in enumerate(wires):
            wire.socket.sendall(raw(headers, body)[: 20 + number])
        begun = time.monotonic()
        assert untouched(cloud)
        assert time.monotonic() - begun < 5
    finally:
        for wire in wires:
            wire.socket.close()


# Web pages


def page(cloud: Any, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    given = {"Host": urlsplit(cloud.url).netloc, **{name.replace("_", "-"): value for name, value in headers.items()}}
    with Wire(cloud) as wire:
        return wire.ask(raw(given, body, first=f"{method} {path} HTTP/1.1"))


FOREIGN = [
    {"Host": "evil.example"},
    {"Host": "127.0.0.1.evil.example:80"},
    {"Host": "localhost.evil.example"},
    {"Host": "test.evil.example"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Host": "[::1", "Origin": ""},
]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize(("method", "path"), [("GET", "/_lab/health"), ("POST", "/_lab/reset"), ("POST", "/_lab/stop")])
def test_pages_of_other_sites_reach_none_of_the_lab_s(
    cloud: Any, headers: dict[str, str], method: str, path: str
) -> None:
    assert page(cloud, method, path, **headers)[0] in (400, 403)


@pytest.mark.parametrize("headers", FOREIGN)
def test_with_all_checks_off_they_reach_nothing_at_all(open_cloud: Any, headers: dict[str, str]) -> None:
    body = b"Action=CreateUser&Version=2010-05-08&UserName=planted"
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    assert page(open_cloud, "POST", "/", body, **form, **headers)[0] in (400, 403)
    assert page(open_cloud, "POST", "/_lab/reset", **headers)[0] in (400, 403)
    assert [one["UserName"] for one in open_cloud.client("iam").list_users()["Users"]].count("planted") == 0


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1:4566", "127.4.5.6", "[::1]:80", "bucket.localhost:4566", "lab:80", "host.docker.internal"],
)
def test_by_this_machine_s_own_names_it_is_reached(cloud: Any, host: str) -> None:
    assert page(cloud, "GET", "/_lab/health", Host=host)[0] == 200
    assert page(cloud, "GET", "/_lab/health", Origin=f"http://{host}")[0] == 200


def test_a_call_without_a_signature_changes_nothing(cloud: Any) -> None:
    """A page can send forms anywhere; what counts is signed."""
    body = b"Action=CreateUser&Version=2010-05-08&UserName=planted"
    status, _ = page(cloud, "POST", "/", body, Content_Type="application/x-www-form-urlencoded", Origin="http://a.b")
    assert status == 403
    status, _ = page(cloud, "POST", "/", OTHER, Content_Type="text/plain", X_Amz_Target=TARGET + CHANGE[0])
    assert status in (400, 403)
    assert untouched(cloud)
