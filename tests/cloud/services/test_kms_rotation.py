"""Rotation by the lab's clock and on demand; what old material encrypted stays readable."""

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from kms_help import user_of
from s3_help import events, refused, statement
from services_help import news, open_topic, subscribed, text_of

DAY = 86400


@pytest.fixture
def kms(cloud: Any) -> Any:
    return cloud.client("kms")


def materials(kms: Any, key: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    return found


def test_automatic_rotation(cloud: Any, kms: Any) -> None:
    made = kms.create_key()["KeyMetadata"]
    key, first = made["Arn"], made["CurrentKeyMaterialId"]
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    old = kms.encrypt(KeyId=key, Plaintext=b"old", EncryptionContext={"a": "b"})["CiphertextBlob"]
    data = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    status = kms.get_key_rotation_status(KeyId=key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"], status["KeyId"]) == (True, 90, key)
    cloud.advance(89 * DAY)
    cloud.settle("kms")
    assert kms.list_key_rotations(KeyId=key)["Rotations"] == []
    cloud.advance(2 * DAY)
    cloud.settle("kms")
    (rotation,) = kms.list_key_rotations(KeyId=key)["Rotations"]
    assert (rotation["RotationType"], rotation["KeyMaterialState"]) == ("AUTOMATIC", "CURRENT")
    assert rotation["RotationDate"] == status["NextRotationDate"]
    assert kms.get_key_rotation_status(KeyId=key)["NextRotationDate"] - rotation["RotationDate"] == timedelta(days=90)
    second = kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    assert second == rotation["KeyMaterialId"] != first
    opened = kms.decrypt(CiphertextBlob=old, EncryptionContext={"a": "b"})
    assert (opened["Plaintext"], opened["KeyMaterialId"]) == (b"old", first)
    assert kms.decrypt(CiphertextBlob=data["CiphertextBlob"])["Plaintext"] == data["Plaintext"]
    new = kms.encrypt(KeyId=key, Plaintext=b"new")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=new)["KeyMaterialId"] == second
    moved = kms.re_encrypt(CiphertextBlob=old, SourceEncryptionContext={"a": "b"}, DestinationKeyId=key)
    assert (moved["SourceKeyMaterialId"], moved["DestinationKeyMaterialId"]) == (first, second)
    assert [one["KeyMaterialState"] for one in materials(kms, key)] == ["NON_CURRENT", "CURRENT"]
    told = events(cloud, source="kms.amazonaws.com", name="RotateKey")[0]
    assert (told["eventType"], told["resources"][0]["ARN"]) == ("AwsServiceEvent", key)
    assert told["serviceEventDetails"] == {"keyId": key.rpartition("/")[2]}


def test_years_that_pass_at_once_are_rotated_one_by_one(cloud: Any, kms: Any) -> None:
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.enable_key_rotation(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 365
    cloud.advance(3 * 365 * DAY + 1)
    cloud.settle("kms")
    dates = [one["RotationDate"] for one in kms.list_key_rotations(KeyId=key)["Rotations"]]
    assert [later - earlier for earlier, later in pairwise(dates)] == [timedelta(days=365)] * 2
    kms.disable_key_rotation(KeyId=key)
    cloud.advance(400 * DAY)
    cloud.settle("kms")
    assert len(kms.list_key_rotations(KeyId=key)["Rotations"]) == 3
    pages = list(kms.get_paginator("list_key_rotations").paginate(KeyId=key, PaginationConfig={"PageSize": 2}))
    assert [len(page["Rotations"]) for page in pages] == [2, 1]


def test_what_falls_due_while_a_key_is_disabled_is_done_when_it_is_enabled(cloud: Any, kms: Any) -> None:
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=100)
    kms.disable_key(KeyId=key)
    cloud.advance(101 * DAY)
    cloud.settle("kms")
    assert kms.list_key_rotations(KeyId=key)["Rotations"] == []
    kms.enable_key(KeyId=key)
    cloud.settle("kms")
    assert len(kms.list_key_rotations(KeyId=key)["Rotations"]) == 1


def test_rotation_on_demand(kms: Any) -> None:
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.enable_key_rotation(KeyId=key)
    next_date = kms.get_key_rotation_status(KeyId=key)["NextRotationDate"]
    blobs = []
    for number in range(25):
        blobs.append(kms.encrypt(KeyId=key, Plaintext=bytes([number]))["CiphertextBlob"])
        assert kms.rotate_key_on_demand(KeyId=key)["KeyId"] == key
    with refused("LimitExceededException"):
        kms.rotate_key_on_demand(KeyId=key)
    found = kms.list_key_rotations(KeyId=key)["Rotations"]
    assert [one["RotationType"] for one in found] == ["ON_DEMAND"] * 25
    assert kms.get_key_rotation_status(KeyId=key)["NextRotationDate"] == next_date
    opened = [kms.decrypt(CiphertextBlob=blob) for blob in blobs]
    assert [one["Plaintext"] for one in opened] == [bytes([number]) for number in range(25)]
    assert [one["KeyMaterialId"] for one in opened] == [one["KeyMaterialId"] for one in materials(kms, key)[:25]]


def test_the_longest_period(kms: Any) -> None:
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=2560)
    with refused("ValidationException"):
        kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=2561)


def test_a_period_may_be_a_condition(cloud: Any, kms: Any) -> None:
    key = kms.create_key()["KeyMetadata"]["Arn"]
    condition = {"NumericLessThanEquals": {"kms:RotationPeriodInDays": "180"}}
    user = user_of(cloud, statement("kms:EnableKeyRotation", key, Condition=condition))
    user.enable_key_rotation(KeyId=key, RotationPeriodInDays=180)
    with refused("AccessDeniedException"):
        user.enable_key_rotation(KeyId=key, RotationPeriodInDays=181)


def test_keys_of_aws_are_rotated_every_year_and_by_nobody_else(cloud: Any, kms: Any) -> None:
    key = kms.describe_key(KeyId="alias/aws/ssm")["KeyMetadata"]["KeyId"]
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    for call in (kms.disable_key_rotation, kms.rotate_key_on_demand, kms.enable_key_rotation):
        with refused("AccessDeniedException"):
            call(KeyId=key)
    cloud.client("ssm").put_parameter(Name="/a", Value="secret", Type="SecureString")
    cloud.advance(366 * DAY)
    cloud.settle("kms")
    assert len(kms.list_key_rotations(KeyId=key)["Rotations"]) == 1
    assert cloud.client("ssm").get_parameter(Name="/a", WithDecryption=True)["Parameter"]["Value"] == "secret"


def test_rotations_survive_a_restart(start_cloud: Any, tmp_path: Any) -> None:
    first = start_cloud(home=tmp_path / "home")
    kms = first.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.rotate_key_on_demand(KeyId=key)
    first.stop()
    again = start_cloud(home=tmp_path / "home").client("kms")
    assert again.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_eventbridge_is_told(cloud: Any, kms: Any) -> None:
    """KMS Developer Guide: "Monitoring with Amazon EventBridge"."""
    topic, events_client = open_topic(cloud, "keys", "events"), cloud.client("events")
    subscribed(cloud, topic, "keys@example.com")
    events_client.put_rule(Name="keys", EventPattern='{"source": ["aws.kms"]}')
    events_client.put_targets(Rule="keys", Targets=[{"Id": "1", "Arn": topic}])
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.rotate_key_on_demand(KeyId=key)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    cloud.advance(7.1 * DAY)
    cloud.settle("kms")
    cloud.settle("events")
    told = [json.loads(text_of(one)) for one in news(cloud, "keys@example.com")]
    assert sorted(one["detail-type"] for one in told) == ["KMS CMK Deletion", "KMS CMK Rotation"]
    assert {(one["resources"][0], one["detail"]["key-id"]) for one in told} == {(key, key.rpartition("/")[2])}
    gone = events(cloud, source="kms.amazonaws.com", name="DeleteKey")[0]
    assert (gone["eventType"], gone["resources"][0]["ARN"]) == ("AwsServiceEvent", key)
