"""What IAM alone keeps, beside the records of `core/identity.py` that say who may call."""

import msgspec

from labsupport.cloud.core.identity import Tags
from labsupport.cloud.store.record import record


@record("iam.server-certificate", key=("account", "name"))
class ServerCertificate(msgspec.Struct, kw_only=True):
    """A certificate for a load balancer. Its private key is never shown again, so it rests sealed."""

    account: str
    name: str
    id: str
    path: str = "/"
    body: str
    chain: str = ""
    sealed_key: str
    uploaded: float
    expires: float
    tags: Tags = {}

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:server-certificate{self.path}{self.name}"


@record("iam.signing-certificate", key=("account", "user", "id"))
class SigningCertificate(msgspec.Struct, kw_only=True):
    account: str
    user: str
    id: str
    body: str
    fingerprint: str
    active: bool = True
    uploaded: float


@record("iam.login", key=("account", "user"))
class Login(msgspec.Struct, kw_only=True):
    """A user's password for the console: never itself, only its hash (scrypt)."""

    account: str
    user: str
    created: float
    changed: float
    salted: str
    earlier: list[str] = []  # hashes of passwords that may not be used again, the newest first
    reset_required: bool = False


@record("iam.password-policy", key=("account",))
class PasswordPolicy(msgspec.Struct, kw_only=True):
    """IAM User Guide: "Set an account password policy for IAM users". The defaults of the fields are the API's."""

    account: str
    minimum: int = 6
    symbols: bool = False
    numbers: bool = False
    uppercase: bool = False
    lowercase: bool = False
    users_may_change: bool = False
    max_age: int = 0  # days; 0: they don't expire
    remembered: int = 0
    hard_expiry: bool = False


@record("iam.settings", key=("account",))
class AccountSettings(msgspec.Struct, kw_only=True):
    """What holds for the account as a whole."""

    account: str
    alias: str = ""
    token_version: int = 1  # SetSecurityTokenServicePreferences
    report_made: float = 0.0
    report: str = ""  # the last credential report


@record("iam.alias", key=("alias",))
class Alias(msgspec.Struct, kw_only=True):
    """Aliases are unique over all accounts."""

    alias: str
    account: str


@record("iam.deletion", key=("account", "id"))
class Deletion(msgspec.Struct, kw_only=True):
    """A task that deletes a service-linked role."""

    account: str
    id: str
    role: str
    role_id: str
    status: str = "NOT_STARTED"
    reason: str = ""
    used: list[str] = []


@record("iam.access-job", key=("account", "id"))
class AccessJob(msgspec.Struct, kw_only=True):
    """A report of service last accessed details: what it is about, and when it was made."""

    account: str
    id: str
    arn: str
    granularity: str
    made: float
