"""Virtual MFA devices: whose they are, and whether a code is right. IAM keeps them, STS asks for codes."""

import base64

import msgspec

from labsupport.cloud.core import totp, vault
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.identity import Tags
from labsupport.cloud.store.record import record


@record("iam.mfa", key=("account", "serial"))
class MfaDevice(msgspec.Struct, kw_only=True):
    account: str
    serial: str  # arn:aws:iam::123456789012:mfa/path/name
    sealed: str  # the seed, as the vault gives it, in base 64
    created: float
    user: str = ""  # whose it is; empty: not enabled
    user_id: str = ""
    enabled: float = 0.0
    drift: int = 0  # steps by which the device's clock is ahead
    last_step: int = -1  # the last code taken: no code is taken twice
    tags: Tags = {}


def sealed(cloud: Cloud, seed: bytes, serial: str) -> str:
    return base64.b64encode(vault.seal(cloud, seed, serial.encode())).decode()


def pair(cloud: Cloud, device: MfaDevice, first: str, second: str) -> bool:
    """Two codes that follow each other bring the device into step; False where they aren't such."""
    now = totp.step_at(cloud.clock.true_epoch())
    step = totp.find_pair(_seed(cloud, device), first, second, now)
    if step is None or step <= device.last_step:
        return False
    device.drift = step - now if abs(step - now) > totp.AROUND else 0
    device.last_step = step
    return True


def step_of(cloud: Cloud, device: MfaDevice, code: str) -> int | None:
    """The step of a code that is right now and was not used before. The clients' clocks count, not the lab's."""
    now = totp.step_at(cloud.clock.true_epoch()) + device.drift
    step = totp.find(_seed(cloud, device), code, now)
    return step if step is not None and step > device.last_step else None


def of_user(cloud: Cloud, account: str, user: str) -> list[MfaDevice]:
    return [one for one in cloud.store.list(MfaDevice, account) if one.user == user and one.enabled]


def _seed(cloud: Cloud, device: MfaDevice) -> bytes:
    return vault.unseal(cloud, base64.b64decode(device.sealed), device.serial.encode())
