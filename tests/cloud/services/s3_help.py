"""Buckets, people with few permissions, and refusals, for the tests of S3 and KMS."""

import itertools
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

FIRST, SECOND = "123456789012", "210987654321"
_numbers = itertools.count(1)


def fresh(beginning: str) -> str:
    """A name that no other test has."""
    return f"{beginning}-{next(_numbers)}"


def new_bucket(cloud: Any, profile: str = "learner", versions: bool = False) -> str:
    name = fresh("bucket")
    s3 = cloud.client("s3", profile)
    s3.create_bucket(Bucket=name)
    if versions:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def statement(action: str | list[str], resource: str | list[str] = "*", effect: str = "Allow", **more: Any) -> Any:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policy(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def new_user(cloud: Any, *statements: Any, profile: str = "learner") -> dict[str, Any]:
    """Somebody who may do just this: `arn`, and `keys` as keyword arguments of a client."""
    iam, name = cloud.client("iam", profile), fresh("user")
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"arn": arn, "keys": {**key, "SessionToken": None}, "name": name}


@contextmanager
def refused(code: str, part: str = "", status: int | None = None) -> Iterator[None]:
    """The block has to end in AWS's error of this code, with `part` in its message."""
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert (error["Code"], part in error.get("Message", "")) == (code, True), error
    if status is not None:
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def allow_all(cloud: Any, bucket: str) -> None:
    """Take the block of public access off."""
    cloud.client("s3").delete_public_access_block(Bucket=bucket)


def fetch(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def exchange(url: str, head: bytes, body: bytes = b"", timeout: float = 10) -> tuple[int, bytes]:
    """Send bytes as they are; the status and the whole of the first answer that comes."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout) as connection:
        connection.sendall(head + body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(65536)
        first, _, rest = answer.partition(b"\r\n\r\n")
        length = int(first.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        while len(rest) < length:
            rest += connection.recv(65536)
        return int(answer.split()[1]), rest


def events(cloud: Any, **wanted: Any) -> list[dict[str, Any]]:
    """The trail's entries with these columns, newest first, as CloudTrail's records."""
    where = " AND ".join(f"{name} = ?" for name in wanted)
    found = cloud.on_loop(lambda it: list(it.store.trail.newest_first(where, tuple(wanted.values()), 1000)))
    return [json.loads(entry.event) for _, entry in found]


def files(cloud: Any) -> list[Any]:
    return sorted(path for path in (cloud.home / "objects").rglob("*") if path.is_file())


def on_disk(cloud: Any, *needles: bytes) -> list[str]:
    """The files of the home folder that hold one of these byte strings."""
    found = [path for path in cloud.home.rglob("*") if path.is_file()]
    return [path.name for path in found if any(needle in path.read_bytes() for needle in needles)]
