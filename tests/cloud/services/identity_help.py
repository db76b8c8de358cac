"""What the tests of IAM and STS share: MFA devices and their codes, trust policies, roles and sessions."""

import base64
import time
from collections.abc import Callable
from typing import Any

from services_help import policy

from labsupport.cloud.core import totp

ACCOUNT, SECOND = "123456789012", "210987654321"
PLACE = f"arn:aws:iam::{ACCOUNT}:"


class Device:
    """A user's virtual MFA device, and its codes relative to now: `code(1)` is the next."""

    def __init__(self, serial: str, seed: bytes) -> None:
        self.serial, self.seed = serial, base64.b32decode(seed)

    def code(self, ahead: int = 0) -> str:
        return totp.code_at(self.seed, totp.step_at(time.time()) + ahead)

    def pair(self, ahead: int = 0) -> dict[str, str]:
        return {"AuthenticationCode1": self.code(ahead - 1), "AuthenticationCode2": self.code(ahead)}

    def given(self, ahead: int = 0) -> dict[str, str]:
        return {"SerialNumber": self.serial, "TokenCode": self.code(ahead)}


def new_device(iam: Any, name: str, **more: Any) -> Device:
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=name, **more)["VirtualMFADevice"]
    return Device(made["SerialNumber"], made["Base32StringSeed"])


def enabled_device(iam: Any, user: str) -> Device:
    """A device whose current code and the next are still unused."""
    device = new_device(iam, f"of-{user}")
    iam.enable_mfa_device(UserName=user, SerialNumber=device.serial, **device.pair(-1))
    return device


def trusts(principal: Any, action: Any = "sts:AssumeRole", kind: str = "AWS", **condition: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {kind: principal}, "Action": action}
    return policy({**statement, "Condition": condition} if condition else statement)


def new_role(cloud: Any, name: str, trust: str, *statements: dict[str, Any], **more: Any) -> str:
    iam = cloud.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **more)["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
    return arn


def assume(client: Any, arn: str, **more: Any) -> Any:
    return client.assume_role(RoleArn=arn, RoleSessionName="me", **more)


def session_of(cloud: Any, client: Any, arn: str, **more: Any) -> Callable[[str], Any]:
    """A session of a role: a function that gives its client of a service."""
    keys = assume(client, arn, **more)["Credentials"]
    return lambda service: cloud.client(service, credentials=keys)
