"""Message authentication codes of HMAC keys (RFC 2104)."""

import hmac

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.kms import material
from labsupport.cloud.services.kms.base import Key, Params, refuse_dry_run, service
from labsupport.cloud.services.kms.conditions import on_key_conditions
from labsupport.cloud.services.kms.encryption import check_use
from labsupport.cloud.services.kms.lookup import key_named, on_key
from labsupport.cloud.services.kms.specs import MAC


def _key(call: Call, params: Params) -> Key:
    return check_use(key_named(call, params["KeyId"]), MAC, call.operation, params["MacAlgorithm"])


def _mac(call: Call, key: Key, params: Params) -> bytes:
    refuse_dry_run(params)
    digest = params["MacAlgorithm"].removeprefix("HMAC_").replace("_", "").lower()  # HMAC_SHA_256 -> sha256
    return hmac.digest(material.secret(call.cloud, key), params["Message"], digest)


@service.operation(on=on_key(), context=on_key_conditions)
def generate_mac(call: Call, params: Params) -> Params:
    key = _key(call, params)
    return {"Mac": _mac(call, key, params), "MacAlgorithm": params["MacAlgorithm"], "KeyId": key.arn}


@service.operation(on=on_key(), context=on_key_conditions)
def verify_mac(call: Call, params: Params) -> Params:
    key = _key(call, params)
    if not hmac.compare_digest(_mac(call, key, params), params["Mac"]):
        raise AwsError("KMSInvalidMacException", "")
    return {"KeyId": key.arn, "MacValid": True, "MacAlgorithm": params["MacAlgorithm"]}
