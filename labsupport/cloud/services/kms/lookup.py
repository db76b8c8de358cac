"""Keys found by any of their names, and whether their state lets them be used or changed.

States: KMS Developer Guide, "Key states of AWS KMS keys".
"""

import re
from typing import Any

from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.kms import managed
from labsupport.cloud.services.kms.base import Alias, Key, Params, not_found

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}", re.IGNORECASE | re.ASCII)
_ENDING = {"PendingDeletion": "pending deletion", "PendingReplicaDeletion": "pending replica deletion"}


def find(call: Call, name: str) -> Key | None:
    """A key by its id, ARN, alias name or alias ARN; another account's by an ARN only.

    A call asks several times for the same, by the name that it was given and then by the ARN: what it acts on, its
    policy, its tags, and then itself.
    """
    if name not in call.found:
        key = _find(call, name)
        call.found[name] = call.found.setdefault(key.arn, key) if key else None
    found: Key | None = call.found[name]
    return found


def _find(call: Call, name: str) -> Key | None:
    arn = parse(name)
    if arn and (arn.service, arn.region) != ("kms", call.region):
        return None  # a key is reached in its own Region only
    account, region, local = (arn.account, arn.region, arn.resource) if arn else (call.account, call.region, name)
    if local.startswith("alias/"):
        alias = call.store.get(Alias, account, region, local)
        if alias is None:
            return managed.named(call, local) if account == call.account else None
        return call.store.get(Key, account, region, alias.target)
    if arn and not local.startswith("key/"):
        return None
    return call.store.get(Key, account, region, local.removeprefix("key/") if arn else local)


def key_named(call: Call, name: str) -> Key:
    key = find(call, name)
    if key is None:
        raise _missing(call, name)
    return key


def _missing(call: Call, name: str) -> AwsError:
    arn = parse(name)
    if name.startswith("arn:") and (arn is None or arn.service != "kms"):
        return AwsError("InvalidArnException", f"Invalid arn {name}")
    if arn and arn.region != call.region:
        return not_found(f"Invalid arn {arn.region}")
    local = arn.resource if arn else name
    if local.startswith("alias/"):
        return not_found(f"Alias {name if arn else call.arn(name)} is not found.")
    if not _ID.fullmatch(local.removeprefix("key/") if arn else local):
        return not_found(f"Invalid keyId '{name}'")
    return not_found(f"Key '{name if arn else call.arn(f'key/{name}')}' does not exist")


def plain_key(call: Call, name: str) -> Key:
    """A key by its id or ARN: such calls take no alias."""
    local = name.split(":", 5)[-1]
    if local.startswith("alias/"):
        raise not_found(f"Invalid keyId '{name}'")
    return key_named(call, name)


def own_key(call: Call, name: str) -> Key:
    """A key of the caller's own account, by its id or ARN."""
    key = plain_key(call, name)
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


def invalid_state(message: str) -> AwsError:
    return AwsError("KMSInvalidStateException", message)


def not_ending(key: Key) -> Key:
    """A key that isn't about to be deleted."""
    if key.state in _ENDING:
        raise invalid_state(f"{key.arn} is {_ENDING[key.state]}.")
    return key


def usable(key: Key) -> Key:
    """A key that may be used for cryptography now, and that may be replicated, rotated and granted."""
    if key.state == "Disabled":
        raise AwsError("DisabledException", f"{key.arn} is disabled.")
    return imported(not_ending(key))


def imported(key: Key) -> Key:
    """A key that has the material it needs."""
    if key.state == "PendingImport":
        raise invalid_state(f"{key.arn} is pending import.")
    return key


def not_of_aws(key: Key) -> Key:
    if key.manager == "AWS":
        raise AwsError("AccessDeniedException", f"The key {key.arn} is managed by AWS and cannot be changed.", 400)
    return key


def changeable(call: Call, params: Params) -> Key:
    """The key of a call that changes it."""
    return not_of_aws(not_ending(own_key(call, params["KeyId"])))
