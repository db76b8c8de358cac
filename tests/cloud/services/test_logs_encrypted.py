"""Log groups under a KMS key: ciphertext at rest, the service's right to the key, a key that is disabled."""

import time
from typing import Any

import pytest
from services_help import ACCOUNT, may, person, policy, refused, trail

SERVICE = "logs.us-east-1.amazonaws.com"
ROOT = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}


def arn_of(group: str) -> str:
    return f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}"


def key_for(cloud: Any, group: str, principal: str = SERVICE) -> str:
    """A key that the service may use for this group only, as the user guide shows it."""
    use = {
        "Effect": "Allow",
        "Principal": {"Service": principal},
        "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        "Resource": "*",
        "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": arn_of(group)}},
    }
    key: str = cloud.client("kms").create_key(Policy=policy(ROOT, use))["KeyMetadata"]["Arn"]
    return key


def put(cloud: Any, group: str, *messages: str) -> None:
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    cloud.client("logs").put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


def read(logs: Any, group: str) -> list[str]:
    return [one["message"] for one in logs.get_log_events(logGroupName=group, logStreamName="s")["events"]]


@pytest.fixture
def logs(shared_cloud: Any) -> Any:
    return shared_cloud.client("logs")


def test_events_under_a_key(shared_cloud: Any, logs: Any) -> None:
    key = key_for(shared_cloud, "/sealed")
    logs.create_log_group(logGroupName="/sealed", kmsKeyId=key)
    logs.create_log_stream(logGroupName="/sealed", logStreamName="s")
    (shown,) = logs.describe_log_groups(logGroupNamePrefix="/sealed")["logGroups"]
    assert shown["kmsKeyId"] == key
    put(shared_cloud, "/sealed", "the first swordfish", "the second")
    reader = person(shared_cloud, "logs-reader", may("logs:*"))("logs")  # needs no right to the key
    assert read(reader, "/sealed") == ["the first swordfish", "the second"]
    found = reader.filter_log_events(logGroupName="/sealed", filterPattern="swordfish")["events"]
    assert [one["message"] for one in found] == ["the first swordfish"]
    (shown,) = logs.describe_log_groups(logGroupNamePrefix="/sealed")["logGroups"]
    assert shown["storedBytes"] == 2 * 26 + len("the first swordfish") + len("the second")
    rows = shared_cloud.on_loop(lambda it: it.store.db.execute("SELECT stream, message FROM log_event").fetchall())
    stored = [message for stream, message in rows if "/sealed" in stream]
    assert [(type(one), b"swordfish" in one) for one in stored] == [(bytes, False)] * 2
    asked = trail(shared_cloud, "Decrypt")[-1]
    assert asked["userIdentity"] == {"type": "AWSService", "invokedBy": SERVICE}
    assert asked["requestParameters"]["encryptionContext"] == {"aws:logs:arn": arn_of("/sealed")}


def test_a_disabled_key_closes_the_group(shared_cloud: Any, logs: Any) -> None:
    key, kms = key_for(shared_cloud, "/closed"), shared_cloud.client("kms")
    logs.create_log_group(logGroupName="/closed", kmsKeyId=key)
    logs.create_log_stream(logGroupName="/closed", logStreamName="s")
    put(shared_cloud, "/closed", "x")
    kms.disable_key(KeyId=key)
    assert refused(read, logs, "/closed") == (
        "InvalidParameterException", f"The specified KMS key cannot be used: {key} is disabled."
    )  # fmt: skip
    assert refused(put, shared_cloud, "/closed", "y")[0] == "InvalidParameterException"
    kms.enable_key(KeyId=key)
    assert read(logs, "/closed") == ["x"]
    kms.put_key_policy(KeyId=key, Policy=policy(ROOT))
    code, message = refused(read, logs, "/closed")
    assert (code, arn_of("/closed") in message) == ("AccessDeniedException", True)


def test_a_grant_to_the_service_for_one_group(shared_cloud: Any, logs: Any) -> None:
    """The key policy says nothing of the service; a grant does, for what it does on behalf of this group."""
    kms = shared_cloud.client("kms")
    key = kms.create_key(Policy=policy(ROOT))["KeyMetadata"]["Arn"]
    grant = {
        "KeyId": key, "GranteeServicePrincipal": SERVICE, "RetiringServicePrincipal": SERVICE,
        "Operations": ["GenerateDataKey", "Decrypt"], "Constraints": {"SourceArn": arn_of("/granted")},
    }  # fmt: skip
    grant_id = kms.create_grant(**grant)["GrantId"]
    (shown,) = kms.list_grants(KeyId=key)["Grants"]
    assert {name: shown[name] for name in grant} == grant
    assert refused(logs.create_log_group, logGroupName="/ungranted", kmsKeyId=key)[0] == "AccessDeniedException"
    logs.create_log_group(logGroupName="/granted", kmsKeyId=key)
    logs.create_log_stream(logGroupName="/granted", logStreamName="s")
    put(shared_cloud, "/granted", "x")
    assert read(logs, "/granted") == ["x"]
    kms.revoke_grant(KeyId=key, GrantId=grant_id)
    assert refused(read, logs, "/granted")[0] == "AccessDeniedException"


@pytest.mark.parametrize("how", ["another group", "another service", "no such key", "disabled", "signing", "an alias"])
def test_keys_that_cannot_be_associated(shared_cloud: Any, logs: Any, how: str) -> None:
    kms, code = shared_cloud.client("kms"), "AccessDeniedException"
    key = key_for(shared_cloud, "/other" if how == "another group" else "/refused")
    if how == "another service":
        key = key_for(shared_cloud, "/refused", "logs.eu-west-1.amazonaws.com")
    if how == "no such key":
        key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/8b1e24a1-8a24-4d0a-9e0c-4dfc8a3c7c46"
    if how == "disabled":
        kms.disable_key(KeyId=key)
        code = "InvalidParameterException"
    if how == "signing":
        text = kms.get_key_policy(KeyId=key)["Policy"]
        made = kms.create_key(Policy=text, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        key, code = made["KeyMetadata"]["Arn"], "InvalidParameterException"
    if how == "an alias":
        key, code = "alias/aws/logs", "InvalidParameterException"
    assert refused(logs.create_log_group, logGroupName="/refused", kmsKeyId=key)[0] == code
    assert logs.describe_log_groups(logGroupNamePrefix="/refused")["logGroups"] == []


def test_old_events_stay_as_they_came(shared_cloud: Any, logs: Any) -> None:
    """Plain, then under one key, then under another, then plain again; each is read with its own."""
    first, second = (key_for(shared_cloud, "/turns") for _ in range(2))
    logs.create_log_group(logGroupName="/turns")
    logs.create_log_stream(logGroupName="/turns", logStreamName="s")
    put(shared_cloud, "/turns", "plain")
    logs.associate_kms_key(logGroupName="/turns", kmsKeyId=first)
    put(shared_cloud, "/turns", "one")
    logs.associate_kms_key(resourceIdentifier=arn_of("/turns"), kmsKeyId=second)
    put(shared_cloud, "/turns", "two")
    logs.disassociate_kms_key(logGroupName="/turns")
    put(shared_cloud, "/turns", "plain again")
    assert sorted(read(logs, "/turns")) == ["one", "plain", "plain again", "two"]
    assert "kmsKeyId" not in logs.describe_log_groups(logGroupNamePrefix="/turns")["logGroups"][0]
    shared_cloud.client("kms").disable_key(KeyId=first)
    assert refused(read, logs, "/turns")[0] == "InvalidParameterException"
    put(shared_cloud, "/turns", "still comes in")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"logGroupName": "/nothing"}, "ResourceNotFoundException"),
        ({}, "InvalidParameterException"),
        ({"logGroupName": "/a", "resourceIdentifier": arn_of("/a")}, "InvalidParameterException"),
        ({"resourceIdentifier": f"arn:aws:logs:us-east-1:{ACCOUNT}:query-result:*"}, "NotSimulated"),
    ],
)
def test_associations_that_are_refused(logs: Any, params: dict[str, str], code: str) -> None:
    assert refused(logs.associate_kms_key, kmsKeyId=f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1", **params)[0] == code
    assert refused(logs.disassociate_kms_key, **params)[0] == code


def test_no_event_lies_in_clear(cloud: Any) -> None:
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/g", kmsKeyId=key_for(cloud, "/g"))
    logs.create_log_stream(logGroupName="/g", logStreamName="s")
    put(cloud, "/g", "a swordfish in the log")
    cloud.stop()
    held = b"".join(path.read_bytes() for path in cloud.home.rglob("*") if path.is_file())
    assert (b"/g" in held, b"swordfish" in held) == (True, False)
