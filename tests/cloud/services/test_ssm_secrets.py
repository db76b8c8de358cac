"""SecureString parameters: under which key, and who may read them."""

from typing import Any

import pytest
from services_help import ACCOUNT, code_of, may, person, refused, trail
from ssm_help import PLACE, put, value_of

# Secrets


def test_a_secret(ssm: Any, shared_cloud: Any) -> None:
    put(ssm, "/secret/a", "swordfish", "SecureString")
    assert value_of(ssm, "/secret/a", WithDecryption=True) == "swordfish"
    assert "swordfish" not in value_of(ssm, "/secret/a")
    assert ssm.get_parameters(Names=["/secret/a"], WithDecryption=True)["Parameters"][0]["Value"] == "swordfish"
    put(ssm, "/secret/a", "marlin", None, Overwrite=True)
    history = ssm.get_parameter_history(Name="/secret/a", WithDecryption=True)["Parameters"]
    assert [(one["Value"], one["KeyId"]) for one in history] == [
        ("swordfish", "alias/aws/ssm"),
        ("marlin", "alias/aws/ssm"),
    ]
    entries = trail(shared_cloud, "PutParameter")
    assert not any("swordfish" in str(entry) or "marlin" in str(entry) for entry in entries)
    decrypted = trail(shared_cloud, "Decrypt")[-1]
    assert decrypted["requestParameters"]["encryptionContext"] == {"PARAMETER_ARN": PLACE + "secret/a"}
    assert decrypted["sourceIPAddress"] == "ssm.amazonaws.com"


def test_the_value_lies_encrypted(cloud: Any) -> None:
    put(cloud.client("ssm"), "/secret", "swordfish", "SecureString")
    cloud.stop()
    held = b"".join(path.read_bytes() for path in cloud.home.glob("cloud.sqlite3*"))
    assert b"/secret" in held
    assert b"swordfish" not in held


def own_key(cloud: Any, *users: str) -> str:
    """A key that its account's policies govern, and that these users may not use."""
    key: str = cloud.client("kms").create_key()["KeyMetadata"]["KeyId"]
    return key


def test_a_secret_under_ones_own_key(shared_cloud: Any) -> None:
    ssm, key = shared_cloud.client("ssm"), own_key(shared_cloud)
    put(ssm, "/own/a", "swordfish", "SecureString", KeyId=key)
    reader = person(shared_cloud, "ssm-no-key", may("ssm:GetParameter"))("ssm")
    assert value_of(reader, "/own/a") != "swordfish"
    code, message = refused(reader.get_parameter, Name="/own/a", WithDecryption=True)
    assert code == "AccessDeniedException"
    assert "kms:Decrypt" in message
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{key}"
    via = {"StringEquals": {"kms:ViaService": "ssm.us-east-1.amazonaws.com"}}
    allowed = person(shared_cloud, "ssm-key", may("ssm:GetParameter"), may("kms:Decrypt", resource=arn, **via))
    assert value_of(allowed("ssm"), "/own/a", WithDecryption=True) == "swordfish"


@pytest.mark.parametrize("key", ["alias/nowhere", "8b1e24a1-8a24-4d0a-9e0c-4dfc8a3c7c46"])
def test_a_key_that_is_not_there(ssm: Any, key: str) -> None:
    assert code_of(put, ssm=ssm, name="/no/key", kind="SecureString", KeyId=key) == "InvalidKeyId"


def test_a_disabled_key(shared_cloud: Any) -> None:
    ssm, key = shared_cloud.client("ssm"), own_key(shared_cloud)
    put(ssm, "/disabled/a", "x", "SecureString", KeyId=key)
    shared_cloud.client("kms").disable_key(KeyId=key)
    assert code_of(ssm.get_parameter, Name="/disabled/a", WithDecryption=True) == "InvalidKeyId"


def parameter_arn(name: str) -> str:
    return f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter{name}"


def test_an_advanced_secret_is_under_a_data_key(shared_cloud: Any) -> None:
    """Its value may be longer than what KMS encrypts, and putting it needs kms:GenerateDataKey (not kms:Encrypt)."""
    key, value = own_key(shared_cloud), "swordfish" * 800
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{key}"
    asked = {"Name": "/own/long", "Value": value, "Type": "SecureString", "Tier": "Advanced", "KeyId": key}
    standard = person(shared_cloud, "ssm-standard", may("ssm:*"), may("kms:Encrypt", resource=arn))("ssm")
    code, message = refused(standard.put_parameter, **asked)
    assert (code, "kms:GenerateDataKey" in message) == ("AccessDeniedException", True)
    context = {"StringEquals": {"kms:EncryptionContext:PARAMETER_ARN": parameter_arn("/own/long")}}
    allowed = may("kms:GenerateDataKey", "kms:Decrypt", resource=arn, **context)
    advanced = person(shared_cloud, "ssm-advanced", may("ssm:*"), allowed)("ssm")
    assert advanced.put_parameter(**asked)["Tier"] == "Advanced"
    assert value_of(advanced, "/own/long", WithDecryption=True) == value
    assert value_of(advanced, "/own/long") != value
    shared_cloud.client("kms").rotate_key_on_demand(KeyId=key)
    assert value_of(advanced, "/own/long", WithDecryption=True) == value
    shared_cloud.client("kms").disable_key(KeyId=key)
    assert code_of(advanced.get_parameter, Name="/own/long", WithDecryption=True) == "InvalidKeyId"


@pytest.mark.parametrize("tier", ["Standard", "Advanced"])
def test_an_asymmetric_key_holds_no_secret(shared_cloud: Any, tier: str) -> None:
    made = shared_cloud.client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    asked = {"Name": "/pair", "Value": "x", "Type": "SecureString", "Tier": tier, "KeyId": made["KeyId"]}
    assert code_of(shared_cloud.client("ssm").put_parameter, **asked) == "InvalidKeyId"
