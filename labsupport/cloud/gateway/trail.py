"""The last step: CloudTrail's record of a call (CloudTrail User Guide: "CloudTrail record contents")."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from labsupport.cloud.core import ids, model
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Caller
from labsupport.cloud.core.service import Operation
from labsupport.cloud.gateway.redact import redacted
from labsupport.cloud.store.trail import Entry

_READS = ("Get", "List", "Describe", "Head", "BatchGet", "Lookup", "Search", "Filter", "Test", "Validate", "Simulate")
_ALSO_READS = {
    "AssumeRole", "Decapsulate", "Decrypt", "DeriveSharedSecret", "Encapsulate", "Encrypt", "GenerateDataKey",
    "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "GenerateMac",
    "GenerateRandom", "GitPull", "ReEncrypt", "ReceiveMessage", "Sign", "Verify", "VerifyMac",
}  # fmt: skip
_encode = msgspec.json.Encoder().encode
Params = dict[str, Any]


def record(
    call: Call, operation: Operation, params: Params, *, result: Params | None = None, error: Exception | None = None
) -> None:
    """Note a call of an operation that the model knows, without its secrets."""
    shapes = model.operation(call.service.name, operation.name)
    read_only = is_read_only(operation.name)
    shown = None if read_only or result is None else redacted(shapes.output_shape, result)
    name = call.service.event_name(operation.name) if call.service.event_name else operation.name
    note(call, name, redacted(shapes.input_shape, params), shown, error, read_only, not operation.data_event)
    if call.service.recorded is not None:
        call.service.recorded(call, operation.name, params, result, error)


def note(
    call: Call,
    name: str,
    params: Params | None,
    result: Params | None,
    error: Exception | None = None,
    read_only: bool = False,
    management: bool = True,
    additional: Params | None = None,
    details: Params | None = None,
) -> None:
    """Note anything that was asked for, or with `details` what a service did by itself; `params`, `result`,
    `additional` and `details` are shown as they are."""
    now, caller = call.epoch, call.caller
    event: Params = {
        "eventVersion": "1.11",
        "userIdentity": identity(caller, call),
        "eventTime": _stamp(int(now)),
        "eventSource": f"{call.service.iam}.amazonaws.com",
        "eventName": name,
        "awsRegion": call.region,
        "sourceIPAddress": call.source_ip,
        "userAgent": call.user_agent,
        **_error_of(error),
        "requestParameters": params or None,
        "responseElements": result or None,
        **({"additionalEventData": additional} if additional else {}),
        **({"serviceEventDetails": details} if details else {}),
        "requestID": call.request_id,
        "eventID": ids.uuid4(),
        "readOnly": read_only,
        "resources": [_resource(arn, call.account) for arn in call.resources if ":" in arn],
        "eventType": "AwsServiceEvent" if details else "AwsApiCall",
        "managementEvent": management,
        "recipientAccountId": call.account,
        "eventCategory": "Management" if management else "Data",
    }
    decision = getattr(error, "decision", None)
    call.store.note(
        Entry(
            now, call.account, call.region, event["eventSource"], name, caller.name, caller.access_key, read_only,
            management, event.get("errorCode"), _encode(event), _encode(decision) if decision else None,
        )
    )  # fmt: skip


def _resource(arn: str, account: str) -> Params:
    """A resource that was named; what a client calls one need not be an ARN."""
    parts = arn.split(":")
    shown = {"ARN": arn, "accountId": (parts[4] if len(parts) > 5 else "") or account}
    return {**shown, "type": "AWS::KMS::Key"} if arn.startswith("arn:aws:kms:") and ":key/" in arn else shown


@lru_cache(maxsize=8)
def _stamp(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_read_only(name: str) -> bool:
    return name.startswith(_READS) or name in _ALSO_READS


def identity(caller: Caller, call: Call) -> Params:
    """The element userIdentity (CloudTrail User Guide: "CloudTrail userIdentity element")."""
    if caller.kind == "service":
        return {"type": "AWSService", "invokedBy": caller.service}
    if caller.kind == "anonymous":
        return {"type": "AWSAccount", "accountId": "anonymous", "principalId": ""}
    if caller.provider:
        kind = "SAMLUser" if ":saml-provider/" in caller.provider else "WebIdentityUser"
        who = {"principalId": caller.id, "userName": caller.name, "identityProvider": caller.provider}
        return {"type": kind, **who}
    kinds = {"root": "Root", "user": "IAMUser", "session": "AssumedRole", "federated": "FederatedUser"}
    shown = {"type": kinds[caller.kind], "principalId": caller.id, "arn": caller.arn, "accountId": caller.account}
    shown["accessKeyId"] = caller.access_key
    if caller.kind == "user":
        shown["userName"] = caller.name
    return {**shown, **_session(caller, call), **({"invokedBy": caller.via[-1]} if caller.via else {})}


def _session(caller: Caller, call: Call) -> Params:
    session = caller.session
    if session is None:
        return {}
    issued = _stamp(int(session.issued))
    context: Params = {"attributes": {"creationDate": issued, "mfaAuthenticated": str(session.mfa).lower()}}
    if session.role:
        context["sessionIssuer"] = {
            "type": "Role",
            "principalId": session.role_id,
            "arn": f"arn:aws:iam::{session.account}:role/{session.role}",
            "accountId": session.account,
            "userName": session.role,
        }
    elif session.federated:
        user = {"type": "IAMUser", "principalId": session.user_id, "userName": session.user} if session.user else {}
        issuer = {"arn": caller.role_arn, "accountId": session.account}
        context["sessionIssuer"] = {**(user or {"type": "Root", "principalId": session.account}), **issuer}
    if session.provider:
        context["webIdFederationData"] = {"federatedProvider": session.provider, "attributes": {}}
    if session.source_identity:
        context["sourceIdentity"] = session.source_identity
    return {"sessionContext": context}


def _error_of(error: Exception | None) -> Params:
    if error is None:
        return {}
    if isinstance(error, AwsError):
        return {"errorCode": error.code.removesuffix("Exception") if "AccessDenied" in error.code else error.code,
                "errorMessage": error.message}  # fmt: skip
    return {"errorCode": "InternalFailure", "errorMessage": "An internal error occurred."}
