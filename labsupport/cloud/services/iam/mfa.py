"""Virtual MFA devices (IAM User Guide: "Assign a virtual MFA device"; RFC 6238)."""

import base64
import io
import secrets
from typing import Any
from urllib.parse import quote

from labsupport.cloud.core import mfa
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import User
from labsupport.cloud.core.mfa import MfaDevice
from labsupport.cloud.services.iam import tagging
from labsupport.cloud.services.iam.base import (
    Params,
    checked_tags,
    conflict,
    exists,
    missing,
    on_user,
    over_limit,
    paged,
    service,
    time,
    user_named,
)
from labsupport.cloud.services.iam.users import shown_user

MOST = 8  # that a user has
_SEED_BYTES = 40
_ISSUER = quote("Amazon Web Services")


def _arn(call: Call, params: Params) -> str:
    return f"arn:aws:iam::{call.account}:mfa{params.get('Path', '/')}{params['VirtualMFADeviceName']}"


def _named(call: Call, params: Params) -> MfaDevice:
    device = call.store.get(MfaDevice, call.account, params["SerialNumber"])
    if device is None:
        raise missing(f"VirtualMFADevice with serial number {params['SerialNumber']} doesn't exist.")
    return device


def _of_user(call: Call, params: Params) -> tuple[MfaDevice, User]:
    """A device that is the user's, who is the caller where none is named."""
    user = user_named(call, params)
    device = call.store.get(MfaDevice, call.account, params["SerialNumber"])
    if device is None or device.user_id != user.id:
        raise missing(f"MFA Device with serial number {params['SerialNumber']} doesn't exist for user {user.name}.")
    return device, user


@service.operation(on=_arn, tagging="iam:TagMFADevice")
def create_virtual_mfa_device(call: Call, params: Params) -> Params:
    """The seed is shown this once, as text and as a QR code for an authenticator app."""
    serial = _arn(call, params)
    if call.store.get(MfaDevice, call.account, serial):
        raise exists("MFADevice entity at the same path and name already exists.")
    seed = base64.b32encode(secrets.token_bytes(_SEED_BYTES))
    device = MfaDevice(
        account=call.account,
        serial=serial,
        sealed=mfa.sealed(call.cloud, base64.b32decode(seed), serial),
        created=call.epoch,
        tags=checked_tags(params.get("Tags")),
    )
    call.store.put(device)
    shown = {"SerialNumber": serial, "Base32StringSeed": seed, "QRCodePNG": _qr_code(call, params, seed)}
    return {"VirtualMFADevice": {**shown, **_tags(device)}}


def _tags(device: MfaDevice) -> Params:
    return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(device.tags.items())]} if device.tags else {}


def _qr_code(call: Call, params: Params, seed: bytes) -> bytes:
    """A PNG of the address that authenticator apps read (the key URI format)."""
    import segno  # only when a device is made

    label = quote(f"{params['VirtualMFADeviceName']}@{call.account}", safe="@")
    picture = io.BytesIO()
    address = f"otpauth://totp/{_ISSUER}:{label}?secret={seed.decode()}&issuer={_ISSUER}"
    segno.make(address).save(picture, kind="png", scale=4)
    return picture.getvalue()


@service.operation(on=on_user)
def enable_mfa_device(call: Call, params: Params) -> Params:
    user, device = user_named(call, params), _named(call, params)
    if device.enabled:
        raise exists("MFA Device is already in use.")
    if len(mfa.of_user(call.cloud, call.account, user.name)) >= MOST:
        raise over_limit(f"Cannot exceed quota for MFADevicesPerUser: {MOST}")
    _check_codes(call, device, params)
    device.user, device.user_id, device.enabled = user.name, user.id, call.epoch
    call.store.put(device)
    return {}


@service.operation(on=on_user)
def resync_mfa_device(call: Call, params: Params) -> Params:
    """Bring a device into step whose clock has gone astray."""
    device, _ = _of_user(call, params)
    _check_codes(call, device, params)
    call.store.put(device)
    return {}


def _check_codes(call: Call, device: MfaDevice, params: Params) -> None:
    if not mfa.pair(call.cloud, device, params["AuthenticationCode1"], params["AuthenticationCode2"]):
        raise AwsError("InvalidAuthenticationCodeException", "Authentication code for device is not valid.", 403)


@service.operation(on=on_user)
def deactivate_mfa_device(call: Call, params: Params) -> Params:
    device, _ = _of_user(call, params)
    device.user, device.user_id, device.enabled, device.drift = "", "", 0.0, 0
    call.store.put(device)
    return {}


@service.operation(on="{SerialNumber}")
def delete_virtual_mfa_device(call: Call, params: Params) -> Params:
    device = _named(call, params)
    if device.enabled:
        raise conflict("MFA VirtualDevice in use. Must deactivate first.")
    call.store.delete(device)
    return {}


@service.operation(on=on_user)
def list_mfa_devices(call: Call, params: Params) -> Params:
    found = mfa.of_user(call.cloud, call.account, user_named(call, params).name)
    return paged(found, lambda one: one.serial, params, "MFADevices", _shown)


@service.operation(on=on_user)
def get_mfa_device(call: Call, params: Params) -> Params:
    if "UserName" in params:
        return _shown(_of_user(call, params)[0])
    device = _named(call, params)
    return _shown(device) if device.enabled else {"SerialNumber": device.serial}


def _shown(device: MfaDevice) -> Params:
    return {"UserName": device.user, "SerialNumber": device.serial, "EnableDate": time(device.enabled)}


@service.operation(on="arn:{partition}:iam::{account}:mfa/")
def list_virtual_mfa_devices(call: Call, params: Params) -> Params:
    wanted = {"Assigned": [True], "Unassigned": [False]}.get(params.get("AssignmentStatus", "Any"), [True, False])
    found = [one for one in call.store.list(MfaDevice, call.account) if bool(one.enabled) in wanted]
    return paged(found, lambda one: one.serial, params, "VirtualMFADevices", lambda one: _shown_virtual(call, one))


def _shown_virtual(call: Call, device: MfaDevice) -> Params:
    shown: Params = {"SerialNumber": device.serial, **_tags(device)}
    user: Any = call.store.get(User, call.account, device.user) if device.user else None
    return {**shown, "User": shown_user(user), "EnableDate": time(device.enabled)} if user else shown


tagging.register("mfa_device", _named, "{SerialNumber}")
