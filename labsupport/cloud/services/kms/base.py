"""Keys and aliases as records, found by any of their names (AWS KMS API Reference)."""

import json
import secrets
from typing import Any

import msgspec

from labsupport.cloud.core import ids, vault
from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.service import Service
from labsupport.cloud.policy.records import Mode
from labsupport.cloud.store.record import record

Params = dict[str, Any]
service = Service("kms")


@record("kms.key", key=("account", "region", "id"))
class Key(msgspec.Struct, kw_only=True):
    account: str
    region: str
    id: str
    material: bytes  # sealed under the home folder's key file
    policy: str
    description: str = ""
    created: float
    state: str = "Enabled"  # Enabled, Disabled, PendingDeletion
    deletion: float | None = None
    manager: str = "CUSTOMER"
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        return f"arn:aws:kms:{self.region}:{self.account}:key/{self.id}"


@record("kms.alias", key=("account", "region", "name"))
class Alias(msgspec.Struct, kw_only=True):
    account: str
    region: str
    name: str  # alias/shop
    target: str  # key id
    created: float
    updated: float

    @property
    def arn(self) -> str:
        return f"arn:aws:kms:{self.region}:{self.account}:{self.name}"


def not_found(what: str) -> AwsError:
    return AwsError("NotFoundException", what)


def find(call: Call, name: str) -> Key | None:
    """A key by its id, ARN, alias name or alias ARN; another account's by an ARN only."""
    arn = parse(name)
    if arn and (arn.service, arn.region) != ("kms", call.region):
        return None  # a key is reached in its own Region only
    account, region, local = (arn.account, arn.region, arn.resource) if arn else (call.account, call.region, name)
    if local.startswith("alias/"):
        alias = call.store.get(Alias, account, region, local)
        if alias is None:
            return _managed_by_aws(call, local) if account == call.account else None
        return call.store.get(Key, account, region, alias.target)
    if arn and not local.startswith("key/"):
        return None
    return call.store.get(Key, account, region, local.removeprefix("key/") if arn else local)


def key_named(call: Call, name: str) -> Key:
    key = find(call, name)
    if key is None:
        raise not_found(_missing(call, name))
    return key


def _missing(call: Call, name: str) -> str:
    arn = parse(name)
    if arn and arn.region != call.region:
        return f"Invalid arn {arn.region}"
    if "alias/" in name:
        shown = name if name.startswith("arn:") else call.arn(name)
        return f"Alias {shown} is not found."
    shown = name if name.startswith("arn:") else call.arn(f"key/{name}")
    return f"Key '{shown}' does not exist"


def usable(call: Call, key: Key) -> Key:
    """A key that may be used for cryptography now."""
    if key.state == "Disabled":
        raise AwsError("DisabledException", f"{key.arn} is disabled.")
    if key.state == "PendingDeletion":
        raise pending(key)
    return key


def pending(key: Key) -> AwsError:
    return AwsError("KMSInvalidStateException", f"{key.arn} is pending deletion.")


def own_key(call: Call, name: str) -> Key:
    """A key of the caller's own account, by its id or ARN: such calls take no alias."""
    local = name.rpartition(":")[2] if name.startswith("arn:") else name
    if local.startswith("alias/"):
        raise not_found(f"Invalid keyId {name}")
    key = key_named(call, name)
    if key.account != call.account:
        raise AwsError("AccessDeniedException", f"The key {key.arn} belongs to another account.", 400)
    return key


def on_key(parameter: str = "KeyId") -> Any:
    """Authorisation is always on the key's ARN, whichever name it is called by."""

    def arn(call: Call, params: Params) -> str:
        name = params[parameter]
        key = find(call, name)
        if key:
            return key.arn
        return name if name.startswith("arn:") else call.arn(name if name.startswith("alias/") else f"key/{name}")

    return arn


def conditions(call: Call, _: Params) -> Params:
    """Condition keys of every call on a key (KMS Developer Guide: "AWS KMS condition keys")."""
    keys = {"kms:calleraccount": call.caller.account}
    if call.caller.via:
        keys["kms:viaservice"] = call.caller.via[-1].replace(".amazonaws.com", f".{call.region}.amazonaws.com")
    return keys


def default_policy(account: str) -> str:
    """The policy of a new key: the account's IAM policies decide (KMS Developer Guide: "Default key policy")."""
    statement = {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]})


# Services whose AWS managed key comes to be on first use: alias/aws/NAME.
_AWS_KEYS = ("s3", "ssm", "codecommit", "sns", "sqs", "logs", "secretsmanager", "lambda", "ebs")


def _managed_by_aws(call: Call, alias: str) -> Key | None:
    """The AWS managed key of a service, made when first asked for."""
    name = alias.removeprefix("alias/aws/")
    if not alias.startswith("alias/aws/") or name not in _AWS_KEYS:
        return None
    key = new_key(call, _aws_policy(call, name), f"Default key that protects my {name} data", manager="AWS")
    now = call.epoch
    alias_record = Alias(account=call.account, region=call.region, name=alias, target=key.id, created=now, updated=now)
    call.store.put(key, alias_record)
    return key


def _aws_policy(call: Call, name: str) -> str:
    """Everybody of the account may use it, through that service only."""
    condition = {"kms:ViaService": f"{name}.{call.region}.amazonaws.com", "kms:CallerAccount": call.account}
    use = {
        "Sid": f"Allow access through {name} for all principals in the account that are authorized to use {name}",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
        "Resource": "*",
        "Condition": {"StringEquals": condition},
    }
    see = {
        "Sid": "Allow direct access to key metadata to the account",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{call.account}:root"},
        "Action": ["kms:Describe*", "kms:Get*", "kms:List*"],
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Id": f"auto-{name}-2", "Statement": [use, see]})


def new_key(call: Call, policy: str, description: str, manager: str = "CUSTOMER") -> Key:
    key_id = ids.uuid4()
    return Key(
        account=call.account,
        region=call.region,
        id=key_id,
        material=vault.seal(call.cloud, secrets.token_bytes(32), key_id.encode()),
        policy=policy,
        description=description,
        created=call.epoch,
        manager=manager,
    )


def _resource_policy(call: Call, resource: str) -> tuple[str | None, str, str, Mode] | None:
    key = find(call, resource) if ":key/" in resource else None
    return (key.policy, "resource", key.account, "resource_required") if key else None


def _resource_tags(call: Call, resource: str) -> dict[str, str]:
    key = find(call, resource) if ":key/" in resource else None
    return key.tags if key else {}


service.resource_policy = _resource_policy
service.resource_tags = _resource_tags
