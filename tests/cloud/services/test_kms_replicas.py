"""Multi-Region keys."""

import os
from typing import Any

import pytest
from kms_help import external, put, state, user_of
from s3_help import FIRST, refused, statement

HERE, THERE, THIRD = "us-east-1", "eu-west-1", "ap-southeast-1"
DAY = 86400


@pytest.fixture
def regions(cloud: Any) -> dict[str, Any]:
    return {region: cloud.client("kms", region_name=region) for region in (HERE, THERE, THIRD)}


def primary(kms: Any, **more: Any) -> str:
    key: str = kms.create_key(MultiRegion=True, **more)["KeyMetadata"]["KeyId"]
    return key


def arn(key: str, region: str) -> str:
    return f"arn:aws:kms:{region}:{FIRST}:key/{key}"


def test_one_key_in_two_regions(regions: dict[str, Any]) -> None:
    kms, far = regions[HERE], regions[THERE]
    key = primary(kms)
    assert key.startswith("mrk-")
    blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "b"})["CiphertextBlob"]
    with refused("AccessDeniedException"):
        far.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})
    made = kms.replicate_key(KeyId=key, ReplicaRegion=THERE, Description="r", Tags=[{"TagKey": "a", "TagValue": "1"}])
    metadata = made["ReplicaKeyMetadata"]
    assert (metadata["Arn"], metadata["Description"], metadata["MultiRegion"]) == (arn(key, THERE), "r", True)
    assert metadata["MultiRegionConfiguration"] == {
        "MultiRegionKeyType": "REPLICA",
        "PrimaryKey": {"Arn": arn(key, HERE), "Region": HERE},
        "ReplicaKeys": [{"Arn": arn(key, THERE), "Region": THERE}],
    }
    shown = kms.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"]
    assert (shown["MultiRegionKeyType"], len(shown["ReplicaKeys"])) == ("PRIMARY", 1)
    opened = far.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})
    assert (opened["Plaintext"], opened["KeyId"]) == (b"x", arn(key, THERE))
    back = far.encrypt(KeyId=key, Plaintext=b"y")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=back, KeyId=key)["KeyId"] == arn(key, HERE)
    assert far.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "a", "TagValue": "1"}]
    far.disable_key(KeyId=key)  # states are each key's own
    assert kms.decrypt(CiphertextBlob=back)["Plaintext"] == b"y"
    with refused("AlreadyExistsException"):
        kms.replicate_key(KeyId=key, ReplicaRegion=THERE)


def test_a_replica_of_a_key_pair_signs_alike(regions: dict[str, Any]) -> None:
    kms, far = regions[HERE], regions[THERE]
    key = primary(kms, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    kms.replicate_key(KeyId=key, ReplicaRegion=THERE)
    asked = {"KeyId": key, "Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"}
    assert kms.verify(**asked, Signature=far.sign(**asked)["Signature"])["SignatureValid"] is True
    assert kms.get_public_key(KeyId=key)["PublicKey"] == far.get_public_key(KeyId=key)["PublicKey"]


def test_what_cannot_be_replicated(regions: dict[str, Any]) -> None:
    kms, far = regions[HERE], regions[THERE]
    key, plain = primary(kms), kms.create_key()["KeyMetadata"]["KeyId"]
    with refused("UnsupportedOperationException"):
        kms.replicate_key(KeyId=plain, ReplicaRegion=THERE)
    with refused("ValidationException"):
        kms.replicate_key(KeyId=key, ReplicaRegion=HERE)
    kms.replicate_key(KeyId=key, ReplicaRegion=THERE)
    with refused("UnsupportedOperationException"):
        far.replicate_key(KeyId=key, ReplicaRegion=THIRD)
    kms.disable_key(KeyId=key)
    with refused("DisabledException"):
        kms.replicate_key(KeyId=key, ReplicaRegion=THIRD)


def test_rotation_is_the_primarys_and_holds_for_all(cloud: Any, regions: dict[str, Any]) -> None:
    kms, far = regions[HERE], regions[THERE]
    key = primary(kms)
    kms.replicate_key(KeyId=key, ReplicaRegion=THERE)
    for call in (far.enable_key_rotation, far.rotate_key_on_demand):
        with refused("UnsupportedOperationException"):
            call(KeyId=key)
    old = far.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"]
    kms.rotate_key_on_demand(KeyId=key)
    kms.enable_key_rotation(KeyId=key)
    assert far.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    cloud.advance(366 * DAY)
    cloud.settle("kms")
    here, there = (one.list_key_rotations(KeyId=key)["Rotations"] for one in (kms, far))
    assert [one["KeyMaterialId"] for one in here] == [one["KeyMaterialId"] for one in there]
    assert [one["RotationType"] for one in there] == ["ON_DEMAND", "AUTOMATIC"]
    new = kms.encrypt(KeyId=key, Plaintext=b"new")["CiphertextBlob"]
    assert [far.decrypt(CiphertextBlob=one)["Plaintext"] for one in (old, new)] == [b"old", b"new"]


def test_the_primary_may_move(cloud: Any, regions: dict[str, Any]) -> None:
    kms, far = regions[HERE], regions[THERE]
    key = primary(kms)
    with refused("NotFoundException"):
        kms.update_primary_region(KeyId=key, PrimaryRegion=THERE)
    kms.replicate_key(KeyId=key, ReplicaRegion=THERE)
    kms.enable_key_rotation(KeyId=key)
    with refused("UnsupportedOperationException"):
        far.update_primary_region(KeyId=key, PrimaryRegion=HERE)
    kms.update_primary_region(KeyId=key, PrimaryRegion=THERE)
    kinds = [
        one.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"]["MultiRegionKeyType"]
        for one in (kms, far)
    ]
    assert kinds == ["REPLICA", "PRIMARY"]
    far.replicate_key(KeyId=key, ReplicaRegion=THIRD)
    cloud.advance(366 * DAY)
    cloud.settle("kms")
    found = [len(one.list_key_rotations(KeyId=key)["Rotations"]) for one in regions.values()]
    assert found == [1, 1, 1]


def test_a_primary_goes_after_its_replicas(cloud: Any, regions: dict[str, Any]) -> None:
    kms, far = regions[HERE], regions[THERE]
    key = primary(kms)
    kms.replicate_key(KeyId=key, ReplicaRegion=THERE)
    answer = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert (answer["KeyState"], "DeletionDate" in answer) == ("PendingReplicaDeletion", False)
    found = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (found["KeyState"], found["PendingDeletionWindowInDays"]) == ("PendingReplicaDeletion", 7)
    with refused("KMSInvalidStateException", "is pending replica deletion."):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    cloud.advance(30 * DAY)
    cloud.settle("kms")
    assert state(kms, key) == "PendingReplicaDeletion"
    far.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    cloud.advance(7.1 * DAY)
    cloud.settle("kms")
    with refused("NotFoundException"):
        far.describe_key(KeyId=key)
    assert state(kms, key) == "PendingDeletion"
    cloud.advance(7.1 * DAY)
    cloud.settle("kms")
    with refused("NotFoundException"):
        kms.describe_key(KeyId=key)


def test_imported_material_is_imported_in_each_region(regions: dict[str, Any]) -> None:
    kms, far, material = regions[HERE], regions[THERE], os.urandom(32)
    key = external(kms, MultiRegion=True).rpartition("/")[2]
    put(kms, key, material)
    kms.replicate_key(KeyId=key, ReplicaRegion=THERE)
    assert state(far, key) == "PendingImport"
    with refused("UnsupportedOperationException"):
        put(far, key, os.urandom(32))
    put(far, key, material)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert far.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_replication_needs_a_right_in_both_regions(cloud: Any, regions: dict[str, Any]) -> None:
    key = primary(regions[HERE])
    only_here = {"StringEquals": {"aws:RequestedRegion": HERE}}
    user = user_of(cloud, statement("kms:ReplicateKey"), statement("kms:CreateKey", Condition=only_here))
    with refused("AccessDeniedException", "kms:CreateKey"):
        user.replicate_key(KeyId=key, ReplicaRegion=THERE)
    wanted = {"StringEquals": {"kms:ReplicaRegion": THERE}}
    user = user_of(cloud, statement("kms:ReplicateKey", Condition=wanted), statement("kms:CreateKey"))
    with refused("AccessDeniedException", "kms:ReplicateKey"):
        user.replicate_key(KeyId=key, ReplicaRegion=THIRD)
    user.replicate_key(KeyId=key, ReplicaRegion=THERE)
