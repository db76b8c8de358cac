"""One-time codes: a right one is taken once, and says that the user holds the device."""

from labsupport.cloud.core import mfa
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.mfa import MfaDevice
from labsupport.cloud.services.sts.base import Params, denied


def checked(call: Call, params: Params) -> tuple[MfaDevice, int] | None:
    """The caller's device and the step of its code; `None` where no code is given. AccessDenied: it isn't right."""
    serial, code = params.get("SerialNumber"), params.get("TokenCode")
    if call.cloud.settings.open or not (serial or code):
        return None
    if not (serial and code):
        raise denied("MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.")
    device = call.store.get(MfaDevice, call.caller.account, serial)
    if device is None or call.caller.kind != "user" or device.user_id != call.caller.id:
        raise denied(
            "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is "
            "valid and associated with this user."
        )
    step = mfa.step_of(call.cloud, device, code)
    if step is None:
        raise denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
    return device, step


def use(call: Call, params: Params) -> bool:
    """Take the code, so that it can't be used again; whether one was given."""
    found = checked(call, params)
    if found is None:
        return bool(call.cloud.settings.open and params.get("TokenCode"))
    device, step = found
    device.last_step = step
    call.store.put(device)
    return True
