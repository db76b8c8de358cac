"""Key policies."""

import json
from typing import Any

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.policy import document
from labsupport.cloud.services.kms import principals
from labsupport.cloud.services.kms.base import Key, Params, not_found, service
from labsupport.cloud.services.kms.conditions import on_key_conditions
from labsupport.cloud.services.kms.lookup import not_of_aws, on_key, own_key

_LARGEST = 32768


def default(account: str) -> str:
    """The policy of a new key: the account's IAM policies decide (KMS Developer Guide: "Default key policy")."""
    statement = {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]})


def checked(call: Call, text: str) -> str:
    if len(text) > _LARGEST:
        raise AwsError("LimitExceededException", f"A key policy has at most {_LARGEST} characters.")
    try:
        document.parse(text, "resource")
    except AwsError as error:
        raise _malformed(error.message) from None
    if not principals.all_there(call, json.loads(text)):
        raise _malformed("Policy contains a statement with one or more invalid principals.")
    return text


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicyDocumentException", message, 400)


def refuse_lockout(call: Call, key: Key, context: dict[str, Any]) -> None:
    """Who sets a policy must still be able to set the next one."""
    try:
        call.authorise("kms:PutKeyPolicy", key.arn, context)
    except AwsError:
        raise _malformed("The new key policy will not allow you to update the key policy in the future.") from None


@service.operation(on=on_key(), context=on_key_conditions)
def get_key_policy(call: Call, params: Params) -> Params:
    key = own_key(call, params["KeyId"])
    _only_default(params)
    return {"Policy": key.policy, "PolicyName": "default"}


@service.operation(on=on_key(), context=on_key_conditions)
def put_key_policy(call: Call, params: Params) -> Params:
    key = not_of_aws(own_key(call, params["KeyId"]))  # its policy may be set while it waits for its deletion, too
    _only_default(params)
    key.policy = checked(call, params["Policy"])
    call.store.put(key)
    if not params.get("BypassPolicyLockoutSafetyCheck"):
        refuse_lockout(call, key, on_key_conditions(call, params))
    return {}


def _only_default(params: Params) -> None:
    if params.get("PolicyName", "default") != "default":
        raise not_found(f"No such policy exists: {params['PolicyName']}")


@service.operation(on=on_key(), context=on_key_conditions)
def list_key_policies(call: Call, params: Params) -> Params:
    own_key(call, params["KeyId"])
    return {"PolicyNames": ["default"], "Truncated": False}
