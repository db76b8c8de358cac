"""A function's environment variables, encrypted (Lambda Developer Guide: "Securing Lambda environment variables").

Under the AWS managed key nobody needs a permission. With a customer's key whoever configures the function needs
kms:Encrypt and kms:CreateGrant, who wants to see the variables kms:Decrypt; the grant lets the function's role open
them when it runs.
"""

import base64
import dataclasses
import json
import secrets
from contextlib import suppress

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from labsupport.cloud.core.call import Call, Client
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Caller
from labsupport.cloud.services.functions.base import Settings, invalid, service

MANAGED_KEY = "alias/aws/lambda"
LARGEST = 4096  # bytes
RESERVED = (
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
)  # fmt: skip
_FAILED = (
    "Lambda was unable to configure your environment variables because the environment variables you have provided"
)
_NONCE = 12
_OF_KMS = {
    "AccessDeniedException": ("KMSAccessDeniedException", "KMS access was denied"),
    "DisabledException": ("KMSDisabledException", "the KMS key used is disabled"),
    "KMSInvalidStateException": ("KMSInvalidStateException", "the state of the KMS key used is not valid for Decrypt"),
    "NotFoundException": ("KMSNotFoundException", "the KMS key was not found"),
}


def check(variables: dict[str, str]) -> None:
    reserved = sorted(name for name in variables if name in RESERVED)
    if reserved:
        raise invalid(
            f"{_FAILED} contains reserved keys that are currently not supported for modification. Reserved keys used "
            f"in this request: {', '.join(reserved)}"
        )
    if any("\0" in name + value for name, value in variables.items()):
        raise invalid(f"{_FAILED} contains a NUL character.")
    text = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(text.encode()) > LARGEST:
        raise invalid(f"{_FAILED} exceeded the 4KB limit. String measured: {text}")


def seal(call: Call, function: str, settings: Settings, variables: dict[str, str]) -> None:
    """Keep variables in a function's settings (its ARN), under the key that the settings name, as the caller."""
    settings.grant = settings.variables = ""
    if not variables:
        return
    key, nonce = secrets.token_bytes(32), secrets.token_bytes(_NONCE)
    kms, asked = call.aws("kms"), {"KeyId": settings.key or MANAGED_KEY, "EncryptionContext": _context(function)}
    try:
        wrapped = kms.encrypt(Plaintext=key, **asked)["CiphertextBlob"]
        if settings.key:
            settings.grant = _grant(kms, function, settings)
    except AwsError as error:
        raise _refused(error) from None
    head = len(wrapped).to_bytes(2) + wrapped + nonce
    body = AESGCM(key).encrypt(nonce, json.dumps(variables).encode(), function.encode())
    settings.variables = base64.b64encode(head + body).decode()


def _grant(kms: Client, function: str, settings: Settings) -> str:
    constraints = {"EncryptionContextEquals": _context(function)}
    made = kms.create_grant(
        KeyId=settings.key,
        GranteePrincipal=settings.role,
        Operations=["Decrypt", "RetireGrant"],
        Constraints=constraints,
    )
    return str(made["GrantId"])


def _refused(error: AwsError) -> AwsError:
    if error.code == "NotSimulated":
        return error
    message = (
        "Lambda was unable to configure access to your environment variables because the KMS key is invalid for "
        f"CreateGrant. Please check your KMS key settings. KMS Exception: {error.code} KMS Message: {error.message}"
    )
    failed = invalid(message)
    failed.decision = error.decision
    return failed


def opened(call: Call, function: str, settings: Settings, caller: Caller | None = None) -> dict[str, str]:
    """The variables: for the caller of this call, or for a session of the function's role. Raises AwsError."""
    if not settings.variables:
        return {}
    blob = base64.b64decode(settings.variables)
    start = 2 + int.from_bytes(blob[:2])
    kms = call.aws("kms") if caller is None else Client(call, "kms", _by_lambda(caller))
    try:
        answer = kms.decrypt(CiphertextBlob=blob[2:start], EncryptionContext=_context(function))
    except AwsError as error:
        raise _unreadable(error) from None
    nonce, body = blob[start : start + _NONCE], blob[start + _NONCE :]
    found: dict[str, str] = json.loads(AESGCM(answer["Plaintext"]).decrypt(nonce, body, function.encode()))
    return found


def _unreadable(error: AwsError) -> AwsError:
    code, why = _OF_KMS.get(error.code, (error.code, error.message))
    message = (
        f"Lambda was unable to decrypt the environment variables because {why}. Please check the function's KMS key "
        f"settings. KMS Exception: {error.code} KMS Message: {error.message}"
    )
    return AwsError(code, message, decision=error.decision)


def _by_lambda(caller: Caller) -> Caller:
    """A session of the function's role, as Lambda uses it: keys see the service (kms:ViaService)."""
    return dataclasses.replace(caller, via=(service.principal,))


def _context(function: str) -> dict[str, str]:
    return {"aws:lambda:FunctionArn": function}


def revoke(call: Call, settings: Settings) -> None:
    """Give the role's right to the key back, as the role; where that can't be done, the grant stays with the key."""
    if settings.grant:
        with suppress(AwsError):
            call.aws("kms", role=settings.role, session="lambda").retire_grant(
                KeyId=settings.key, GrantId=settings.grant
            )
