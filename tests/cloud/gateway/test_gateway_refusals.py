"""A refused call changes nothing: asked of every operation that could, from the registry of operations."""

import base64
import hashlib
import json
import re
from collections.abc import Awaitable
from typing import Any

import pytest

from labsupport.cloud.core import model
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Caller, User
from labsupport.cloud.core.service import Operation, Service
from labsupport.cloud.gateway import perform
from labsupport.cloud.gateway.trail import is_read_only

ACCOUNT = "123456789012"
# Services for whose operations the caller is known by other means than policies.
APART = {"codedeploy-commands", "codecommit-archive"}


REFUSED_OTHERWISE = {
    "sts:AssumeRoot": "its task policy is looked at first",
    "kms:RetireGrant": "it needs a token or a grant's id first, and whom it names decides",
}


QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:some-queue"
LIKE = {  # what has to look real to name something
    "QueueUrl": f"http://127.0.0.1/{ACCOUNT}/some-queue",
    "TaskHandle": base64.b64encode(json.dumps({"sourceArn": QUEUE, "taskId": "x"}).encode()).decode(),
}


class _Empty:
    """A body that nobody may come to read."""

    def __aiter__(self) -> "_Empty":
        return self

    async def __anext__(self) -> bytes:
        raise AssertionError("the body of a refused call was read")


def value_of(shape: Any, depth: int = 0) -> Any:
    """A small value of a shape: required members only, one item in a list."""
    kind = shape.type_name
    if kind == "structure":
        return {name: LIKE.get(name) or value_of(shape.members[name], depth + 1) for name in shape.required_members}
    if kind == "list":
        return [value_of(shape.member, depth + 1)] if depth < 6 else []
    if kind == "map":
        return {"key": value_of(shape.value, depth + 1)} if depth < 6 else {}
    if kind == "string":
        return shape.enum[0] if shape.enum else "x" * max(4, shape.metadata.get("min", 1))
    plain = {"boolean": True, "blob": b"x", "timestamp": 0, "float": 1.0, "double": 1.0}
    return plain.get(kind, shape.metadata.get("min", 1))


def state(cloud: Cloud) -> str:
    """A digest of all records, of messages and of all work that waits."""
    digest = hashlib.sha256()
    for table in ("record", "job", "sqs_message", "sqs_dedup"):
        for row in cloud.store.db.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3"):
            digest.update(repr(row).encode())
    return digest.hexdigest()


def changing(cloud: Cloud) -> list[tuple[Service, Operation]]:
    services = [cloud.service(name) for name in cloud.service_names if name not in APART]
    return [
        (service, operation)
        for service in services
        if service
        for operation in service.operations.values()
        if not is_read_only(operation.name) and operation.action is not None
    ]


@pytest.fixture
def nobody(shared_cloud: Any) -> Caller:
    """A user without any policy."""
    shared_cloud.client("iam").create_user(UserName="nobody")
    user = shared_cloud.on_loop(lambda cloud: cloud.store.get(User, ACCOUNT, "nobody"))
    return Caller("user", user.account, user.arn, user.id, user.name)


async def _ask(cloud: Cloud, service: Service, operation: Operation, caller: Caller) -> str:
    """The code of the error that the call ends with."""
    shape = model.load(service.name).operation_model(operation.name).input_shape
    call = Call(cloud, service, operation.name, caller, ACCOUNT, "us-east-1", body=_Empty())  # type: ignore[arg-type]
    try:
        result = perform.perform(call, operation.name, value_of(shape) if shape else {})
        if isinstance(result, Awaitable):
            await result
    except AwsError as error:
        return error.code
    return "nothing"


def test_no_refused_operation_changes_anything(
    shared_cloud: Any, nobody: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared_cloud.settle()
    monkeypatch.setattr(perform, "validate", lambda *_: None)  # made-up values need not look like real ones

    async def ask_all(cloud: Cloud) -> dict[str, tuple[str, bool]]:
        found = {}
        for service, operation in changing(cloud):
            before = state(cloud)
            code = await _ask(cloud, service, operation, nobody)
            found[f"{service.name}:{operation.name}"] = (code, state(cloud) == before)
        return found

    found = shared_cloud.on_loop(ask_all)
    assert [name for name, (_, same) in found.items() if not same] == []
    assert [name for name, (code, _) in found.items() if code == "nothing"] == []
    assert {
        name for name, (code, _) in found.items() if not re.search("AccessDenied|Unauth|AuthorizationError", code)
    } == {*REFUSED_OTHERWISE}
    assert len(found) >= 250
