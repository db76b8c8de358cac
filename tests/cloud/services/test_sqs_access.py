"""Who may use a queue, and who its key; what is left after a kill."""

import json
from typing import Any

import pytest
from identity_help import SECOND
from services_help import ACCOUNT, code_of, may, person, policy, refused, trail
from sqs_help import Queues, arn_of


@pytest.fixture
def queues(shared_cloud: Any) -> Queues:
    return Queues(shared_cloud)


CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "send_message": ("SendMessage", {"MessageBody": "x"}),
    "send_message_batch": ("SendMessage", {"Entries": [{"Id": "1", "MessageBody": "x"}]}),
    "receive_message": ("ReceiveMessage", {}),
    "delete_message_batch": ("DeleteMessage", {"Entries": [{"Id": "1", "ReceiptHandle": "x"}]}),
    "change_message_visibility_batch": (
        "ChangeMessageVisibility", {"Entries": [{"Id": "1", "ReceiptHandle": "x", "VisibilityTimeout": 1}]}),
    "get_queue_attributes": ("GetQueueAttributes", {}),
    "purge_queue": ("PurgeQueue", {}),
}  # fmt: skip


@pytest.mark.parametrize("operation", CALLS)
def test_each_call_asks_for_its_action(queues: Queues, operation: str) -> None:
    url, (action, params) = queues.new(), CALLS[operation]
    nobody = person(queues.cloud, f"none-{operation}")("sqs")
    code, message = refused(getattr(nobody, operation), QueueUrl=url, **params)
    assert code == "AccessDenied"
    assert message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/none-{operation} is not authorized to perform: sqs:{action.lower()} on "
        f"resource: {arn_of(url)} because no identity-based policy allows the sqs:{action.lower()} action"
    )
    allowed = person(queues.cloud, f"one-{operation}", may(f"sqs:{action}", resource=arn_of(url)))("sqs")
    getattr(allowed, operation)(QueueUrl=url, **params)
    assert code_of(allowed.send_message, QueueUrl=queues.new(), MessageBody="x") == "AccessDenied"


def test_listing_asks_for_the_account(queues: Queues) -> None:
    code, message = refused(person(queues.cloud, "lister")("sqs").list_queues)
    assert code == "AccessDenied"
    assert f"sqs:listqueues on resource: arn:aws:sqs:us-east-1:{ACCOUNT}: because" in message


def test_a_message_stays_out_of_the_trail(queues: Queues) -> None:
    url = queues.new()
    queues.send(url, "told-to-nobody")
    queues.received(url)
    events = queues.cloud.on_loop(
        lambda cloud: [row[0] for row in cloud.store.db.execute("SELECT plain(event) FROM trail")]
    )
    assert any('"SendMessage"' in one and "HIDDEN_DUE_TO_SECURITY_REASONS" in one for one in events)
    assert not any("told-to-nobody" in one for one in events)
    assert trail(queues.cloud, "SendMessage") == []  # a data event
    assert trail(queues.cloud, "CreateQueue")


def test_another_account_by_the_queues_policy(queues: Queues) -> None:
    url, other = queues.new(), queues.cloud.client("sqs", "second")
    assert code_of(other.send_message, QueueUrl=url, MessageBody="x") == "AccessDenied"
    statement = {**may("sqs:*", resource=arn_of(url)), "Principal": {"AWS": SECOND}}
    queues.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(statement)})
    other.send_message(QueueUrl=url, MessageBody="from the other one")
    assert queues.bodies(url) == ["from the other one"]
    name = url.rsplit("/", 1)[-1]
    assert other.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=ACCOUNT)["QueueUrl"] == url
    assert code_of(other.get_queue_url, QueueName=name) == "AWS.SimpleQueueService.NonExistentQueue"
    for operation, params in (
        (other.delete_queue, {}),
        (other.set_queue_attributes, {"Attributes": {"DelaySeconds": "1"}}),
        (other.tag_queue, {"Tags": {"a": "b"}}),
        (other.list_queue_tags, {}),
        (other.add_permission, {"Label": "x", "AWSAccountIds": [SECOND], "Actions": ["*"]}),
    ):
        assert code_of(operation, QueueUrl=url, **params) == "AccessDenied"  # which no policy gives away


def test_a_policy_that_denies(queues: Queues) -> None:
    url = queues.new()
    statement = {**may("sqs:SendMessage", effect="Deny", resource=arn_of(url)), "Principal": "*"}
    queues.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(statement)})
    code, message = refused(queues.sqs.send_message, QueueUrl=url, MessageBody="x")
    assert code == "AccessDenied"
    assert message.endswith("with an explicit deny in a resource-based policy")


# Encryption


@pytest.fixture
def key(shared_cloud: Any) -> str:
    arn: str = shared_cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    return arn


SEND, RECEIVE = ("kms:GenerateDataKey", "kms:Decrypt"), ("kms:Decrypt",)


@pytest.mark.parametrize(
    ("operation", "actions", "condition", "allowed"),
    [
        ("send", (), {}, False),
        ("send", ("kms:GenerateDataKey",), {}, False),
        ("send", ("kms:Decrypt",), {}, False),
        ("send", SEND, {}, True),
        ("send", SEND, {"kms:ViaService": "sqs.us-east-1.amazonaws.com"}, True),
        ("send", SEND, {"kms:ViaService": "sns.us-east-1.amazonaws.com"}, False),
        ("receive", (), {}, False),
        ("receive", RECEIVE, {}, True),
        ("receive", RECEIVE, {"kms:EncryptionContext:aws:sqs:arn": "QUEUE"}, True),
        ("receive", RECEIVE, {"kms:EncryptionContext:aws:sqs:arn": "other"}, False),
    ],
)
def test_what_is_needed_of_the_key(
    queues: Queues, key: str, operation: str, actions: tuple[str, ...], condition: dict[str, str], allowed: bool
) -> None:
    url = queues.new(KmsMasterKeyId=key)
    queues.send(url, "secret")
    wanted = {name: value.replace("QUEUE", arn_of(url)) for name, value in condition.items()}
    limits = {"StringEquals": wanted} if wanted else {}
    statements = [may("sqs:*"), *([may(*actions, resource=key, **limits)] if actions else [])]
    someone = person(queues.cloud, f"k-{url.rsplit('/', 1)[-1]}", *statements)("sqs")
    call, params = (
        (someone.send_message, {"MessageBody": "x"}) if operation == "send" else (someone.receive_message, {})
    )
    if allowed:
        call(QueueUrl=url, **params)
    else:
        code, message = refused(call, QueueUrl=url, **params)
        assert code == "KMS.AccessDeniedException"
        assert f"on resource: {key}" in message
        assert queues.counts(url) == ("1", "0", "0")


@pytest.mark.parametrize(
    ("fault", "code"), [("disabled", "KMS.DisabledException"), ("deleted", "KMS.InvalidStateException")]
)
def test_a_key_that_cannot_be_used(queues: Queues, key: str, fault: str, code: str) -> None:
    url, kms = queues.new(KmsMasterKeyId=key), queues.cloud.client("kms")
    queues.send(url, "x")
    queues.received(url, VisibilityTimeout=0)
    if fault == "disabled":
        kms.disable_key(KeyId=key)
    else:
        kms.schedule_key_deletion(KeyId=key)
    assert code_of(queues.sqs.send_message, QueueUrl=url, MessageBody="x") == code
    assert code_of(queues.sqs.receive_message, QueueUrl=url) == code
    if fault == "disabled":
        kms.enable_key(KeyId=key)
        assert queues.bodies(url) == ["x"]


def test_a_key_that_there_is_not(queues: Queues) -> None:
    url = queues.new(KmsMasterKeyId=f"arn:aws:kms:us-east-1:{ACCOUNT}:key/8b1e24a1-8a24-4d0a-9e0c-4dfc8a3c7c46")
    assert code_of(queues.sqs.send_message, QueueUrl=url, MessageBody="x") == "KMS.NotFoundException"


def test_a_data_key_is_used_for_its_period(queues: Queues, key: str) -> None:
    queues.cloud.advance(600 - queues.cloud.on_loop(lambda cloud: cloud.clock.epoch()) % 600)
    url = queues.new(KmsMasterKeyId=key, KmsDataKeyReusePeriodSeconds="600")

    def asked() -> int:
        return len([one for one in trail(queues.cloud, "GenerateDataKey") if key in json.dumps(one)])

    queues.send(url, "a", "b")
    assert queues.bodies(url, VisibilityTimeout=0) == ["a", "b"]
    assert asked() == 1
    queues.cloud.advance(601)
    queues.send(url, "c")
    assert asked() == 2
    assert queues.drained(url) == ["a", "b", "c"]


def test_the_key_of_aws(queues: Queues) -> None:
    url = queues.new(KmsMasterKeyId="alias/aws/sqs")
    queues.send(url, "x")
    assert queues.bodies(url) == ["x"]
    (event, *_) = trail(queues.cloud, "GenerateDataKey")[-1:]
    assert event["requestParameters"]["encryptionContext"] == {"aws:sqs:arn": arn_of(url)}


def test_messages_stay_under_the_key_that_they_came_in_with(queues: Queues, key: str) -> None:
    url = queues.new(KmsMasterKeyId=key)
    queues.send(url, "old")
    queues.sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": ""})
    queues.send(url, "new")
    assert queues.drained(url) == ["old", "new"]
    dead = queues.new()
    redrive = {"deadLetterTargetArn": arn_of(dead), "maxReceiveCount": 1}
    queues.sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"KmsMasterKeyId": key, "RedrivePolicy": json.dumps(redrive)}
    )
    queues.send(url, "dead")
    assert queues.bodies(url, VisibilityTimeout=0) == ["dead"]
    assert queues.bodies(url) == []
    queues.cloud.client("kms").disable_key(KeyId=key)
    assert code_of(queues.sqs.receive_message, QueueUrl=dead) == "KMS.DisabledException"


# Restarts


def test_messages_are_there_after_a_restart(start_cloud: Any) -> None:
    cloud = start_cloud()
    queues = Queues(cloud)
    url = queues.new(VisibilityTimeout="100")
    queues.send(url, "away", "waiting")
    away = queues.bodies(url, 1)
    cloud.stop()
    again = Queues(start_cloud(home=cloud.home))
    assert sorted([*away, *again.bodies(url)]) == ["away", "waiting"]
    again.cloud.advance(101)
    assert sorted(again.bodies(url)) == ["away", "waiting"]
