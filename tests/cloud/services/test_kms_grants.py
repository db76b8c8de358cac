"""Grants: what they allow and to whom, their constraints, their end."""

from typing import Any

import pytest
from kms_help import Keys, user_of
from s3_help import FIRST, events, new_user, policy, refused, statement

ENCRYPTING = ["Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
              "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"]  # fmt: skip
ALWAYS = ["CreateGrant", "DescribeKey", "RetireGrant"]


def test_a_grant_is_a_permission_and_its_end_takes_it_away(kms: Any, key: str, someone: Any) -> None:
    arn, theirs = someone
    with refused("AccessDeniedException"):
        theirs.encrypt(KeyId=key, Plaintext=b"x")
    made = kms.create_grant(KeyId=key, GranteePrincipal=arn, Operations=["Encrypt", "DescribeKey"], Name="ours")
    assert len(made["GrantId"]) == 64
    blob = theirs.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made["GrantToken"]])["CiphertextBlob"]
    theirs.describe_key(KeyId=key)
    for call in (lambda: theirs.decrypt(CiphertextBlob=blob), lambda: theirs.get_key_policy(KeyId=key)):
        with refused("AccessDeniedException"):
            call()
    kms.revoke_grant(KeyId=key, GrantId=made["GrantId"])
    with refused("AccessDeniedException"):
        theirs.encrypt(KeyId=key, Plaintext=b"x")
    with refused("InvalidGrantTokenException"):
        kms.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made["GrantToken"]])
    with refused("NotFoundException"):
        kms.revoke_grant(KeyId=key, GrantId=made["GrantId"])


CALLS: dict[str, Any] = {
    "Encrypt": lambda kms, key, blob: kms.encrypt(KeyId=key, Plaintext=b"x"),
    "Decrypt": lambda kms, key, blob: kms.decrypt(CiphertextBlob=blob),
    "GenerateDataKey": lambda kms, key, blob: kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
    "GenerateDataKeyWithoutPlaintext": lambda kms, key, blob: kms.generate_data_key_without_plaintext(
        KeyId=key, KeySpec="AES_256"
    ),
    "GenerateDataKeyPair": lambda kms, key, blob: kms.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P256"),
    "GenerateDataKeyPairWithoutPlaintext": lambda kms, key, blob: kms.generate_data_key_pair_without_plaintext(
        KeyId=key, KeyPairSpec="ECC_NIST_P256"
    ),
    "DescribeKey": lambda kms, key, blob: kms.describe_key(KeyId=key),
}


def test_each_operation_is_granted_by_its_own_name(shared_cloud: Any, kms: Any, key: str) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    for granted in CALLS:
        made = new_user(shared_cloud)
        theirs = shared_cloud.client("kms", credentials=made["keys"])
        kms.create_grant(KeyId=key, GranteePrincipal=made["arn"], Operations=[granted])
        for called, call in CALLS.items():
            if called == granted:
                call(theirs, key, blob)
            else:
                with refused("AccessDeniedException", f"kms:{called}"):
                    call(theirs, key, blob)


def test_re_encryption_needs_both_sides(kms: Any, key: str, someone: Any) -> None:
    arn, theirs = someone
    other = kms.create_key()["KeyMetadata"]["Arn"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "1"})["CiphertextBlob"]
    asked = {"CiphertextBlob": blob, "SourceEncryptionContext": {"a": "1"}, "DestinationKeyId": other}
    constraint = {"EncryptionContextEquals": {"a": "1"}}
    kms.create_grant(KeyId=key, GranteePrincipal=arn, Operations=["ReEncryptFrom"], Constraints=constraint)
    with refused("AccessDeniedException", "kms:ReEncryptTo"):
        theirs.re_encrypt(**asked)
    constraint = {"EncryptionContextEquals": {"b": "2"}}
    kms.create_grant(KeyId=other, GranteePrincipal=arn, Operations=["ReEncryptTo"], Constraints=constraint)
    with refused("AccessDeniedException", "kms:ReEncryptTo"):
        theirs.re_encrypt(**asked)
    theirs.re_encrypt(**asked, DestinationEncryptionContext={"b": "2"})


@pytest.mark.parametrize(
    ("constraint", "context", "allowed"),
    [
        ({"EncryptionContextEquals": {"Department": "IT"}}, {"Department": "IT"}, True),
        ({"EncryptionContextEquals": {"Department": "IT"}}, {"Department": "IT", "Purpose": "Test"}, False),
        ({"EncryptionContextEquals": {"Department": "IT"}}, {}, False),
        ({"EncryptionContextEquals": {"Department": "IT"}}, {"department": "IT"}, False),
        ({"EncryptionContextEquals": {"Department": "IT"}}, {"Department": "it"}, False),
        ({"EncryptionContextSubset": {"Department": "IT"}}, {"Department": "IT"}, True),
        ({"EncryptionContextSubset": {"Department": "IT"}}, {"Department": "IT", "Purpose": "Test"}, True),
        ({"EncryptionContextSubset": {"Department": "IT"}}, {"Purpose": "Test"}, False),
        ({"EncryptionContextSubset": {"Department": "IT"}}, {"DEPARTMENT": "IT"}, False),
        ({"EncryptionContextSubset": {"a": "1", "b": "2"}}, {"b": "2", "a": "1", "c": "3"}, True),
        ({"EncryptionContextSubset": {"a": "1", "b": "2"}}, {"b": "2"}, False),
        ({}, {"any": "thing"}, True),
    ],
)
def test_constraints(kms: Any, key: str, someone: Any, constraint: Any, context: Any, allowed: bool) -> None:
    arn, theirs = someone
    blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
    operations = ["Encrypt", "Decrypt", "GenerateDataKey", "DescribeKey"]
    kms.create_grant(KeyId=key, GranteePrincipal=arn, Operations=operations, Constraints=constraint)
    theirs.describe_key(KeyId=key)  # has no encryption context, so the constraint doesn't bear on it
    for call in (
        lambda: theirs.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context),
        lambda: theirs.decrypt(CiphertextBlob=blob, EncryptionContext=context),
        lambda: theirs.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context),
    ):
        if allowed:
            call()
        else:
            with refused("AccessDeniedException"):
                call()


KINDS = {
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"): ENCRYPTING,
    ("RSA_2048", "ENCRYPT_DECRYPT"): ["Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo", "GetPublicKey"],
    ("ECC_NIST_P256", "SIGN_VERIFY"): ["Sign", "Verify", "GetPublicKey"],
    ("ECC_NIST_P256", "KEY_AGREEMENT"): ["DeriveSharedSecret", "GetPublicKey"],
    ("HMAC_256", "GENERATE_VERIFY_MAC"): ["GenerateMac", "VerifyMac"],
    ("ML_KEM_768", "ENCAPSULATE_DECAPSULATE"): ["Encapsulate", "Decapsulate", "GetPublicKey"],
}
EVERY = sorted({*ALWAYS, *(one for found in KINDS.values() for one in found)})


@pytest.mark.parametrize("kind", KINDS, ids=["-".join(kind) for kind in KINDS])
def test_operations_that_a_kind_of_key_can_grant(kms: Any, keys: Keys, someone: Any, kind: tuple[str, str]) -> None:
    key = keys(*kind)
    kms.create_grant(KeyId=key, GranteePrincipal=someone[0], Operations=[*KINDS[kind], *ALWAYS])
    for other in set(EVERY) - {*KINDS[kind], *ALWAYS}:
        with refused("ValidationException", other):
            kms.create_grant(KeyId=key, GranteePrincipal=someone[0], Operations=[other])


def test_a_signature_by_grant(kms: Any, keys: Keys, someone: Any) -> None:
    key, (arn, theirs) = keys("ECC_NIST_P256", "SIGN_VERIFY"), someone
    asked = {"KeyId": key, "Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"}
    with refused("AccessDeniedException"):
        theirs.sign(**asked)
    kms.create_grant(KeyId=key, GranteePrincipal=arn, Operations=["Sign"])
    signature = theirs.sign(**asked)["Signature"]
    assert kms.verify(**asked, Signature=signature)["SignatureValid"] is True


LONG = {"a": "x" * 385}
MANY = {f"k{number}": "v" for number in range(9)}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"Operations": ["CreateGrant"]}, "ValidationException"),
        (
            {"Constraints": {"EncryptionContextEquals": {"a": "b"}, "EncryptionContextSubset": {}}},
            "ValidationException",
        ),
        ({"Constraints": {"EncryptionContextSubset": LONG}}, "ValidationException"),
        ({"Constraints": {"EncryptionContextSubset": MANY}}, "ValidationException"),
        ({"GranteePrincipal": f"arn:aws:iam::{FIRST}:user/nobody"}, "InvalidArnException"),
        ({"GranteePrincipal": "arn:aws:iam::999999999999:root"}, "InvalidArnException"),
        ({"GranteePrincipal": "somebody"}, "InvalidArnException"),
        ({"RetiringPrincipal": f"arn:aws:iam::{FIRST}:role/nobody"}, "InvalidArnException"),
        ({"GranteeServicePrincipal": "rds.us-east-1.amazonaws.com"}, "ValidationException"),
        ({"GranteePrincipal": None}, "ValidationException"),
        ({"GrantTokens": ["no token"]}, "InvalidGrantTokenException"),
    ],
)
def test_grants_that_are_refused(kms: Any, key: str, someone: Any, more: dict[str, Any], code: str) -> None:
    asked = {"KeyId": key, "GranteePrincipal": someone[0], "Operations": ["Decrypt"], **more}
    with refused(code, status=400):
        kms.create_grant(**{name: value for name, value in asked.items() if value is not None})


def test_a_constraint_is_for_keys_with_a_context(kms: Any, keys: Keys, someone: Any) -> None:
    asked = {"GranteePrincipal": someone[0], "Constraints": {"EncryptionContextSubset": {"a": "b"}}}
    with refused("ValidationException"):
        kms.create_grant(KeyId=keys("ECC_NIST_P256", "SIGN_VERIFY"), Operations=["Sign"], **asked)


def test_a_name_makes_a_repeated_request_the_same(kms: Any, key: str, someone: Any) -> None:
    asked = {"KeyId": key, "GranteePrincipal": someone[0], "Operations": ["Decrypt", "Encrypt"]}
    first = kms.create_grant(Name="once", **asked)["GrantId"]
    assert kms.create_grant(Name="once", **{**asked, "Operations": ["Encrypt", "Decrypt"]})["GrantId"] == first
    assert kms.create_grant(Name="once", **{**asked, "Operations": ["Decrypt"]})["GrantId"] != first
    assert kms.create_grant(**asked)["GrantId"] != kms.create_grant(**asked)["GrantId"]


def test_lists_of_grants(shared_cloud: Any, kms: Any, key: str, someone: Any) -> None:
    arn, _ = someone
    retiring = new_user(shared_cloud)["arn"]
    constraint = {"EncryptionContextSubset": {"a": "b"}}
    asked = {"KeyId": key, "GranteePrincipal": arn, "Operations": ["Decrypt"]}
    full = kms.create_grant(**asked, Name="n", RetiringPrincipal=retiring, Constraints=constraint)["GrantId"]
    other = kms.create_grant(**{**asked, "GranteePrincipal": retiring})["GrantId"]
    (shown,) = kms.list_grants(KeyId=key, GrantId=full)["Grants"]
    wanted = {
        "KeyId": key, "GrantId": full, "Name": "n", "GranteePrincipal": arn, "RetiringPrincipal": retiring,
        "IssuingAccount": f"arn:aws:iam::{FIRST}:root", "Operations": ["Decrypt"], "Constraints": constraint,
    }  # fmt: skip
    assert {name: shown[name] for name in wanted} == wanted
    assert [one["GrantId"] for one in kms.list_grants(KeyId=key, GranteePrincipal=retiring)["Grants"]] == [other]
    pages = list(kms.get_paginator("list_grants").paginate(KeyId=key, PaginationConfig={"PageSize": 1}))
    assert sorted(one["GrantId"] for page in pages for one in page["Grants"]) == sorted([full, other])
    assert len(pages) == 2
    found = kms.list_retirable_grants(RetiringPrincipal=retiring)["Grants"]
    assert [one["GrantId"] for one in found] == [full]
    with refused("InvalidMarkerException"):
        kms.list_grants(KeyId=key, Marker="garbage")


# The end of a grant


def test_who_may_retire_a_grant(shared_cloud: Any, kms: Any, key: str) -> None:
    grantee, retiring = new_user(shared_cloud), new_user(shared_cloud)
    denied = new_user(shared_cloud, statement("kms:RetireGrant", effect="Deny"))
    stranger = user_of(
        shared_cloud, statement("kms:*", effect="Allow", Condition={"Bool": {"aws:ViaAWSService": "true"}})
    )
    delegate = user_of(shared_cloud, statement("kms:RetireGrant"))

    def client(user: Any) -> Any:
        return shared_cloud.client("kms", credentials=user["keys"])

    def made(operations: list[str], principal: str = retiring["arn"]) -> dict[str, Any]:
        asked = {"KeyId": key, "GranteePrincipal": grantee["arn"], "RetiringPrincipal": principal}
        grant: dict[str, Any] = kms.create_grant(**asked, Operations=operations)
        return grant

    plain, retirable = made(["Decrypt"]), made(["Decrypt", "RetireGrant"])
    for who, grant in ((client(grantee), plain), (stranger, plain), (stranger, retirable)):
        with refused("AccessDeniedException", "kms:RetireGrant"):
            who.retire_grant(KeyId=key, GrantId=grant["GrantId"])
    client(grantee).retire_grant(GrantToken=retirable["GrantToken"])
    client(retiring).retire_grant(KeyId=key, GrantId=plain["GrantId"])
    again = made(["Decrypt"], denied["arn"])
    with refused("AccessDeniedException", "explicit deny"):
        client(denied).retire_grant(KeyId=key, GrantId=again["GrantId"])
    delegate.retire_grant(KeyId=key, GrantId=again["GrantId"])  # the account that made it hands the right on
    shared_cloud.client("kms", "root").retire_grant(KeyId=key, GrantId=made(["Decrypt"])["GrantId"])
    assert kms.list_grants(KeyId=key)["Grants"] == []


def test_the_key_policy_does_not_say_who_retires(shared_cloud: Any, kms: Any, key: str, someone: Any) -> None:
    named = new_user(shared_cloud)
    learner = f"arn:aws:iam::{FIRST}:user/learner"
    kms.put_key_policy(KeyId=key, Policy=policy(statement("kms:*", Principal={"AWS": [learner, named["arn"]]})))
    grant = kms.create_grant(KeyId=key, GranteePrincipal=someone[0], Operations=["Decrypt"])["GrantId"]
    theirs = shared_cloud.client("kms", credentials=named["keys"])
    with refused("AccessDeniedException", "kms:RetireGrant"):
        theirs.retire_grant(KeyId=key, GrantId=grant)
    theirs.revoke_grant(KeyId=key, GrantId=grant)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "ValidationException"),
        ({"GrantId": "0" * 64}, "ValidationException"),
        ({"GrantToken": "x", "GrantId": "0" * 64}, "ValidationException"),
        ({"GrantToken": "bm90aGluZw=="}, "InvalidGrantTokenException"),
    ],
)
def test_grants_that_cannot_be_retired(kms: Any, asked: dict[str, str], code: str) -> None:
    with refused(code):
        kms.retire_grant(**asked)


def test_grants_go_with_their_key(cloud: Any) -> None:
    kms = cloud.client("kms")
    key, retiring = kms.create_key()["KeyMetadata"]["Arn"], f"arn:aws:iam::{FIRST}:user/learner"
    kms.create_grant(KeyId=key, GranteePrincipal=retiring, RetiringPrincipal=retiring, Operations=["Decrypt"])
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    cloud.advance(8 * 86400)
    cloud.settle("kms")
    assert kms.list_retirable_grants(RetiringPrincipal=retiring)["Grants"] == []


# Grants that are passed on


@pytest.mark.parametrize(
    ("parent", "operations", "child", "allowed"),
    [
        ({"EncryptionContextSubset": {"a": "1"}}, ["Decrypt"], {"EncryptionContextSubset": {"a": "1"}}, True),
        ({"EncryptionContextSubset": {"a": "1"}}, ["Decrypt"], {"EncryptionContextSubset": {"a": "1", "b": "2"}}, True),
        ({"EncryptionContextSubset": {"a": "1"}}, ["Decrypt"], {"EncryptionContextEquals": {"a": "1"}}, True),
        ({"EncryptionContextSubset": {"a": "1"}}, ["Decrypt"], {"EncryptionContextSubset": {"b": "2"}}, False),
        ({"EncryptionContextSubset": {"a": "1"}}, ["Decrypt"], {}, False),
        ({"EncryptionContextSubset": {"a": "1"}}, ["Encrypt"], {"EncryptionContextSubset": {"a": "1"}}, False),
        ({"EncryptionContextEquals": {"a": "1"}}, ["Decrypt"], {"EncryptionContextEquals": {"a": "1"}}, True),
        ({"EncryptionContextEquals": {"a": "1"}}, ["Decrypt"], {"EncryptionContextSubset": {"a": "1"}}, False),
        ({}, ["Decrypt", "CreateGrant"], {}, True),
        ({}, ["Decrypt", "DescribeKey"], {}, False),
    ],
)
def test_what_a_grantee_may_pass_on(
    shared_cloud: Any, kms: Any, key: str, someone: Any, parent: Any, operations: list[str], child: Any, allowed: bool
) -> None:
    arn, theirs = someone
    third = new_user(shared_cloud)["arn"]
    kms.create_grant(KeyId=key, GranteePrincipal=arn, Operations=["Decrypt", "CreateGrant"], Constraints=parent)
    asked = {"KeyId": key, "GranteePrincipal": third, "Operations": operations, "Constraints": child}
    if allowed:
        theirs.create_grant(**asked)
    else:
        with refused("AccessDeniedException", "kms:CreateGrant"):
            theirs.create_grant(**asked)


def test_the_trail_shows_a_grant_without_its_token(shared_cloud: Any, kms: Any, key: str, someone: Any) -> None:
    constraint = {"EncryptionContextSubset": {"Stage": "prod"}}
    asked = {"KeyId": key, "GranteePrincipal": someone[0], "Operations": ["Decrypt"], "Constraints": constraint}
    made = kms.create_grant(**asked)
    event = events(shared_cloud, source="kms.amazonaws.com", name="CreateGrant")[0]
    assert event["requestParameters"] == {
        "keyId": key, "granteePrincipal": someone[0], "operations": ["Decrypt"],
        "constraints": {"encryptionContextSubset": {"Stage": "prod"}},
    }  # fmt: skip
    assert event["responseElements"] == {"grantId": made["GrantId"]}
    assert (event["readOnly"], made["GrantToken"] in str(event)) == (False, False)
