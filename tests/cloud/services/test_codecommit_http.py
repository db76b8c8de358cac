"""Requests that no git would send: each is answered with a reason, none with a failure of the lab."""

import base64
import gzip
import http.client
import random
from typing import Any

import pytest
from codecommit_help import new_repository

from labsupport.cloud.services.codecommit import push, transport
from labsupport.cloud.services.codecommit.pktline import FLUSH, packet

NEW, NONE = "b" * 40, "0" * 40
PUSH = {"content-type": "application/x-git-receive-pack-request"}
PULL = {"content-type": "application/x-git-upload-pack-request"}
COMMAND = packet(f"{NONE} {NEW} refs/heads/main\0 report-status".encode()) + FLUSH


class Door:
    """Plain HTTP with a user's git credentials."""

    def __init__(self, cloud: Any) -> None:
        new_repository(cloud, "door")
        self.address = cloud.url.removeprefix("http://")
        answer = cloud.client("iam").create_service_specific_credential(
            UserName="learner", ServiceName="codecommit.amazonaws.com"
        )["ServiceSpecificCredential"]
        pair = f"{answer['ServiceUserName']}:{answer['ServicePassword']}"
        self.credentials = {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

    def ask(
        self, method: str, path: str, body: bytes = b"", *, anonymous: bool = False, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.address, timeout=30)
        known = {} if anonymous else self.credentials
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in {**known, **named, "content-length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        connection.close()
        return found


@pytest.fixture(scope="module")
def door(shared_cloud: Any) -> Door:
    return Door(shared_cloud)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/repos/", 404),
        ("GET", "/v1/repos/door", 404),
        ("GET", "/v1/repos/../x/info/refs?service=git-upload-pack", 404),
        ("GET", "/v1/repos/%2e%2e/info/refs?service=git-upload-pack", 404),
        ("GET", "/v1/repos/../info/refs?service=git-upload-pack", 404),
        ("GET", "/v1/repos/..%2f..%2fetc/info/refs?service=git-upload-pack", 404),
        ("GET", "/v1/repos/door/../door/info/refs?service=git-upload-pack", 404),
        ("GET", "/v1/repos/door%00/info/refs?service=git-upload-pack", 404),
        ("GET", "/v1/repos/do%6fr/info/refs?service=git-upload-pack", 404),
        ("GET", "/v1/repos/door.git/info/refs?service=git-upload-pack", 404),
        ("GET", "/v1/repos/nowhere/info/refs?service=git-upload-pack", 404),
        ("GET", f"/v1/repos/{'x' * 101}/info/refs?service=git-upload-pack", 404),
        ("GET", "/v1/repos/door/objects/info/packs", 404),
        ("GET", "/v1/repos/door/HEAD", 404),
        ("GET", "/v1/repos/door/config", 404),
        ("GET", "/v1/repos/door/info/refs", 403),
        ("GET", "/v1/repos/door/info/refs?service=git-upload-archive", 403),
        ("GET", "/v1/repos/door/info/refs?service=git-upload-pack&x=y", 403),
        ("POST", "/v1/repos/door/info/refs?service=git-upload-pack", 405),
        ("GET", "/v1/repos/door/git-upload-pack", 405),
        ("PUT", "/v1/repos/door/git-receive-pack", 405),
        ("HEAD", "/v1/repos/door/info/refs?service=git-upload-pack", 405),
        ("POST", "/v1/repos/door/git-upload-pack", 415),
        ("POST", "/v1/repos/door/git-receive-pack", 415),
    ],
)
def test_addresses(door: Door, method: str, path: str, status: int) -> None:
    found, headers, body = door.ask(method, path)
    assert found == status
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert body.endswith(b"\n") or method == "HEAD"


@pytest.mark.parametrize(
    ("service", "start"),
    [
        ("git-upload-pack", b"001e# service=git-upload-pack\n0000"),
        ("git-receive-pack", b"001f# service=git-receive-pack\n0000"),
    ],
)
def test_what_git_sees_first(door: Door, service: str, start: bytes) -> None:
    status, headers, body = door.ask("GET", f"/v1/repos/door/info/refs?service={service}")
    assert (status, body[: len(start)]) == (200, start)
    assert headers["content-type"] == f"application/x-{service}-advertisement"
    assert headers["cache-control"].startswith("no-cache")


@pytest.mark.parametrize("protocol", ["version=2", "version=9", "nonsense", "x" * 300, "version=2;rm", "version=1"])
def test_versions_of_the_protocol(door: Door, protocol: str) -> None:
    path = "/v1/repos/door/info/refs?service=git-upload-pack"
    status, _, body = door.ask("GET", path, git_protocol=protocol)
    assert status == 200
    assert body.startswith(b"000eversion 2\n" if protocol == "version=2" else b"001e# service")


@pytest.mark.parametrize("header", [None, "Basic !!", "Bearer x", "Basic"])
def test_whoever_does_not_say_who_they_are_is_asked(door: Door, header: str | None) -> None:
    given = {"authorization": header} if header else {}
    path = "/v1/repos/door/info/refs?service=git-upload-pack"
    status, headers, _ = door.ask("GET", path, anonymous=True, **given)
    assert (status, headers["www-authenticate"]) == (401, 'Basic realm="AWS CodeCommit"')


@pytest.mark.parametrize("pair", ["AKIAIOSFODNN7EXAMPLE:20260101T000000Z" + "0" * 64, "x:y", ":", "é:é"])
def test_strangers_are_refused(door: Door, pair: str) -> None:
    header = "Basic " + base64.b64encode(pair.encode()).decode()
    path = "/v1/repos/door/info/refs?service=git-upload-pack"
    status, _, body = door.ask("GET", path, anonymous=True, authorization=header)
    assert status == 403
    assert body


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"zzzz", 400),
        (b"0003", 400),
        (b"00", 400),
        (b"\xff" * 50, 400),
        (packet(b"nonsense") + FLUSH, 400),
        (packet(b"push-cert\0") + FLUSH, 400),
        (COMMAND[:20], 400),
        (packet(f"{NONE} {NEW} refs/heads/\xff".encode("latin-1")) + FLUSH, 400),
        (FLUSH, 200),
    ],
)
def test_pushes_that_are_none(door: Door, body: bytes, status: int) -> None:
    assert door.ask("POST", "/v1/repos/door/git-receive-pack", body, **PUSH)[0] == status


@pytest.mark.parametrize(
    "body",
    [
        COMMAND,
        COMMAND + b"PACK",
        COMMAND + b"no pack at all",
        COMMAND + b"PACK\0\0\0\2\0\0\0\1" + b"x" * 40,
        packet(f"{NONE} {NEW} refs/heads/a..b\0report-status".encode()) + FLUSH + b"PACK\0\0\0\2\0\0\0\0",
        packet(f"{NEW} {NEW} ../../outside\0report-status".encode()) + FLUSH,
    ],
)
def test_pushes_that_git_refuses_change_nothing(shared_cloud: Any, door: Door, body: bytes) -> None:
    status, _, report = door.ask("POST", "/v1/repos/door/git-receive-pack", body, **PUSH)
    assert status in (200, 400)
    assert b"ng " in report or status == 400
    assert shared_cloud.client("codecommit").list_branches(repositoryName="door")["branches"] == []
    shared_cloud.settle("codecommit")


def test_a_client_without_a_report_gets_the_refusal_as_text(shared_cloud: Any, door: Door) -> None:
    shared_cloud.client("codecommit").create_repository(repositoryName="full")
    many = b"".join(packet(f"{NONE} {NEW} refs/heads/b{number}".encode()) for number in range(4001))
    status, _, body = door.ask("POST", "/v1/repos/full/git-receive-pack", many + FLUSH, **PUSH)
    assert (status, b"at most 4000 references" in body) == (403, True)


@pytest.mark.parametrize("body", [b"", b"zzzz", b"0003", FLUSH, b"0001", packet(b"want x\n") + FLUSH, b"\0" * 99])
def test_fetches_that_are_none(door: Door, body: bytes) -> None:
    for protocol in ("version=2", ""):
        status, _, _ = door.ask("POST", "/v1/repos/door/git-upload-pack", body, **PULL, git_protocol=protocol)
        assert status in (200, 400)


def test_bodies_may_be_compressed(door: Door) -> None:
    path, packed = "/v1/repos/door/git-receive-pack", gzip.compress(FLUSH)
    assert door.ask("POST", path, packed, **PUSH, content_encoding="gzip")[0] == 200
    assert door.ask("POST", path, FLUSH, **PUSH, content_encoding="gzip")[0] == 400
    assert door.ask("POST", path, packed[:-9], **PUSH, content_encoding="gzip")[0] in (200, 400)
    assert door.ask("POST", path, packed, **PUSH, content_encoding="br")[0] == 415


def test_bodies_have_limits(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "LARGEST_HEAD", 1000)
    monkeypatch.setattr(transport, "LARGEST_WISH", 1000)
    long = b"".join(packet(f"{NONE} {NEW} refs/heads/b{number}".encode()) for number in range(50))
    bomb = gzip.compress(packet(b"have " + b"0" * 60000) * 2000)
    assert door.ask("POST", "/v1/repos/door/git-receive-pack", long, **PUSH)[0] == 413
    status, _, _ = door.ask("POST", "/v1/repos/door/git-upload-pack", bomb, **PULL, content_encoding="gzip")
    assert status == 413


def test_no_bytes_make_the_lab_fail(door: Door) -> None:
    seeded = random.Random(11)
    for number in range(40):
        body = bytearray(COMMAND + b"PACK\0\0\0\2\0\0\0\1")
        for _ in range(seeded.randrange(1, 6)):
            body[seeded.randrange(len(body))] = seeded.randrange(256)
        what, headers = ("git-receive-pack", PUSH) if number % 2 else ("git-upload-pack", PULL)
        assert door.ask("POST", f"/v1/repos/door/{what}", bytes(body), **headers)[0] < 500
