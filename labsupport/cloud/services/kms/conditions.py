"""The condition keys of KMS's calls (KMS Developer Guide: "AWS KMS condition keys"), names in lower case."""

from functools import cache
from typing import Any

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.kms import granting
from labsupport.cloud.services.kms.base import Alias, Key, Params
from labsupport.cloud.services.kms.lookup import find
from labsupport.cloud.services.kms.specs import ENCRYPT, SYMMETRIC

_OF_PARAMETERS = {
    "EncryptionAlgorithm": "kms:encryptionalgorithm",
    "ExpirationModel": "kms:expirationmodel",
    "GranteePrincipal": "kms:granteeprincipal",
    "KeyAgreementAlgorithm": "kms:keyagreementalgorithm",
    "KeyPairSpec": "kms:datakeypairspec",
    "MacAlgorithm": "kms:macalgorithm",
    "MessageType": "kms:messagetype",
    "PendingWindowInDays": "kms:schedulekeydeletionpendingwindowindays",
    "PrimaryRegion": "kms:primaryregion",
    "ReplicaRegion": "kms:replicaregion",
    "RetiringPrincipal": "kms:retiringprincipal",
    "RotationPeriodInDays": "kms:rotationperiodindays",
    "SigningAlgorithm": "kms:signingalgorithm",
    "WrappingAlgorithm": "kms:wrappingalgorithm",
    "WrappingKeySpec": "kms:wrappingkeyspec",
}
_DEFAULTS = {  # what AWS compares where a request leaves the parameter out
    "EncryptionAlgorithm": (SYMMETRIC, ("Encrypt", "Decrypt")),
    "MessageType": ("RAW", ("Sign", "Verify")),
    "PendingWindowInDays": (30, ("ScheduleKeyDeletion",)),
    "ExpirationModel": ("KEY_MATERIAL_EXPIRES", ("ImportKeyMaterial",)),
}
_BYPASSES = ("CreateKey", "PutKeyPolicy", "ReplicateKey")


def of_caller(call: Call) -> Params:
    """Who asks, and through which service."""
    keys: Params = {"kms:calleraccount": call.caller.account}
    if call.caller.via:
        keys["kms:viaservice"] = call.caller.via[-1].replace(".amazonaws.com", f".{call.region}.amazonaws.com")
    return keys


def of_new_key(call: Call, params: Params) -> Params:
    """CreateKey's: of the key that is asked for."""
    spec = params.get("KeySpec") or params.get("CustomerMasterKeySpec") or SYMMETRIC
    usage, origin = params.get("KeyUsage") or ENCRYPT, params.get("Origin", "AWS_KMS")
    multi = "PRIMARY" if params.get("MultiRegion") else ""
    return of_caller(call) | _of_parameters(call, params) | _of_kind(spec, usage, origin, multi)


def on_key_conditions(call: Call, params: Params) -> Params:
    """Those of a call on one key, whichever it is; and which grants on it reach the call."""
    name = params.get("KeyId") or ""
    meant = name or params.get("TargetKeyId") or params.get("AliasName")
    key = find(call, meant) if meant else None
    return of_caller(call) | _of_parameters(call, params) | of_alias(name) | of_key(call, key, params)


def of_key(call: Call, key: Key | None, params: Params) -> Params:
    if key is None:
        return {}
    keys = _of_kind(key.spec, key.usage, key.origin, key.multi_region)
    aliases = _aliases(call, key.account, key.region).get(key.id)
    if aliases:
        keys["kms:resourcealiases"] = aliases
    return keys | {granting.CONDITION: granting.applicable(call, key, params)}


def _aliases(call: Call, account: str, region: str) -> dict[str, list[str]]:
    """The names of every key that has any."""

    def gathered() -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for one in call.store.list(Alias, account, region):
            names.setdefault(one.target, []).append(one.name)
        return names

    return call.store.remembered(("aliases", account, region), gathered)


def _of_kind(spec: str, usage: str, origin: str, multi_region: str) -> Params:
    keys: Params = {
        "kms:keyspec": spec,
        "kms:customermasterkeyspec": spec,
        "kms:keyusage": usage,
        "kms:customermasterkeyusage": usage,
        "kms:keyorigin": origin,
        "kms:multiregion": _bool(multi_region),
    }
    return keys | ({"kms:multiregionkeytype": multi_region} if multi_region else {})


def of_alias(name: str) -> Params:
    local = name.split(":", 5)[-1]
    return {"kms:requestalias": local} if local.startswith("alias/") else {}


def of_context(context: dict[str, str] | None) -> Params:
    keys: Params = {f"kms:encryptioncontext:{name.lower()}": value for name, value in (context or {}).items()}
    if context:
        keys["kms:encryptioncontextkeys"] = list(context)
    return keys


def _of_parameters(call: Call, params: Params) -> Params:
    given = {**_defaults(call.operation), **params}
    keys: Params = {key: str(given[name]) for name, key in _OF_PARAMETERS.items() if given.get(name) is not None}
    if call.operation in _BYPASSES:
        keys["kms:bypasspolicylockoutsafetycheck"] = _bool(params.get("BypassPolicyLockoutSafetyCheck"))
    if params.get("ValidTo"):
        keys["kms:validto"] = params["ValidTo"].strftime("%Y-%m-%dT%H:%M:%SZ")
    return keys | of_context(params.get("EncryptionContext")) | _of_grant(call, params)


@cache
def _defaults(operation: str) -> Params:
    found = {name: value for name, (value, operations) in _DEFAULTS.items() if operation in operations}
    return found | ({"EncryptionAlgorithm": SYMMETRIC} if operation.startswith("GenerateDataKey") else {})


def _of_grant(call: Call, params: Params) -> Params:
    if call.operation != "CreateGrant":
        return {}
    keys: Params = {
        "kms:grantoperations": list(params["Operations"]),
        "kms:grantisforawsresource": _bool(_for_aws(call)),
    }
    kinds = [kind for kind, wanted in (params.get("Constraints") or {}).items() if wanted]
    return keys | ({"kms:grantconstrainttype": kinds} if kinds else {})


def _for_aws(call: Call) -> bool:
    """Whether a service that is integrated with KMS asks, on somebody's behalf."""
    return bool(call.caller.via) or call.caller.kind == "service"


def _bool(value: Any) -> str:
    return str(bool(value)).lower()
