"""Who may call: accounts, users, keys, roles and sessions as records, and the caller of one call."""

from dataclasses import dataclass, field

import msgspec

from labsupport.cloud.store.record import record

Tags = dict[str, str]


@record("identity.account", key=("id",))
class Account(msgspec.Struct, kw_only=True):
    id: str
    name: str
    created: float


@record("identity.name", key=("account", "kind", "folded"))
class Name(msgspec.Struct, kw_only=True):
    """A name that is taken: users, roles and groups are told apart without regard to case."""

    account: str
    kind: str
    folded: str


@record("identity.user", key=("account", "name"))
class User(msgspec.Struct, kw_only=True):
    account: str
    name: str
    id: str
    path: str = "/"
    created: float
    inline: dict[str, str] = {}  # policy name -> document's text
    attached: list[str] = []  # ARNs of managed policies
    groups: list[str] = []
    boundary: str | None = None  # ARN of a managed policy
    tags: Tags = {}

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:user{self.path}{self.name}"


@record("identity.group", key=("account", "name"))
class Group(msgspec.Struct, kw_only=True):
    account: str
    name: str
    id: str
    path: str = "/"
    created: float
    inline: dict[str, str] = {}
    attached: list[str] = []


@record("identity.role", key=("account", "name"))
class Role(msgspec.Struct, kw_only=True):
    account: str
    name: str
    id: str
    path: str = "/"
    created: float
    trust: str  # the trust policy's text
    description: str = ""
    max_session: int = 3600  # seconds
    inline: dict[str, str] = {}
    attached: list[str] = []
    boundary: str | None = None
    tags: Tags = {}
    last_used: float | None = None

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:role{self.path}{self.name}"


@record("identity.profile", key=("account", "name"))
class InstanceProfile(msgspec.Struct, kw_only=True):
    account: str
    name: str
    id: str
    path: str = "/"
    created: float
    roles: list[str] = []  # role names; at most one
    tags: Tags = {}

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:instance-profile{self.path}{self.name}"


class PolicyVersion(msgspec.Struct, kw_only=True):
    id: str
    document: str
    created: float


@record("identity.policy", key=("arn",))
class ManagedPolicy(msgspec.Struct, kw_only=True):
    arn: str
    account: str
    name: str
    id: str
    path: str = "/"
    description: str = ""
    created: float
    updated: float
    default_version: str = "v1"
    made_versions: int = 1  # ever: numbers are not given twice
    versions: list[PolicyVersion] = []
    tags: Tags = {}


@record("identity.access-key", key=("id",))
class AccessKey(msgspec.Struct, kw_only=True):
    """A long-term key of a user, or of the account's root where `user` is empty."""

    id: str
    account: str
    user: str
    secret: str
    active: bool = True
    created: float


@record("identity.session", key=("id",))
class Session(msgspec.Struct, kw_only=True):
    """Temporary credentials: of a role (`role_id` set), or of a user with a session token."""

    id: str  # the access key id, ASIA…
    account: str
    secret: str
    token: str
    issued: float
    expires: float
    name: str
    role: str = ""  # name
    role_id: str = ""  # a role made anew under an old name is not the same role
    user: str = ""
    user_id: str = ""  # likewise
    policies: list[str] = []  # session policies' texts
    tags: Tags = {}
    source_identity: str = ""
    mfa: bool = False
    issued_to: str = ""  # the service that asked for it (codebuild.amazonaws.com)
    transitive: list[str] = []  # keys of tags that pass on to the next role
    provider: str = ""  # the identity provider that vouches for whoever assumed the role
    federated: bool = False  # a federated user's (GetFederationToken); `user` is who asked
    task_policy: str = ""  # a member account's root, for one task: the ARN of the policy that limits it


@record("identity.git-credential", key=("user_name",))
class ServiceCredential(msgspec.Struct, kw_only=True):
    """A user's name and password for one service (git credentials for CodeCommit)."""

    user_name: str  # `learner-at-123456789012`
    id: str
    account: str
    user: str
    service: str
    password: str
    active: bool = True
    created: float


@record("identity.ssh-key", key=("id",))
class SshPublicKey(msgspec.Struct, kw_only=True):
    """A user's public key for git over SSH; its id is the user name there."""

    id: str  # APKA…
    account: str
    user: str
    body: str  # ssh-rsa AAAA…
    fingerprint: str
    active: bool = True
    uploaded: float


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated principal of a call.

    `kind` is IAM's: root, user, session (an assumed role), federated (a user by GetFederationToken), service
    (`codebuild.amazonaws.com`, for the lab's own work), anonymous. `provider` is who vouches for somebody who is
    about to assume a role by web identity or SAML. `id` is the unique id that aws:userid shows (`AROA…:session-name`).
    """

    kind: str
    account: str
    arn: str
    id: str
    name: str = ""
    access_key: str = ""
    role: str = ""
    role_id: str = ""
    role_arn: str = ""
    service: str = ""
    provider: str = ""
    session: Session | None = field(default=None, compare=False)
    via: tuple[str, ...] = ()  # services that pass this caller's call on (aws:CalledVia)


def root(account: str, access_key: str = "") -> Caller:
    return Caller("root", account, f"arn:aws:iam::{account}:root", account, access_key=access_key)


def service_principal(name: str, account: str) -> Caller:
    """`codebuild` -> the principal codebuild.amazonaws.com, at work in `account`."""
    full = name if "." in name else f"{name}.amazonaws.com"
    return Caller("service", account, full, full, name=full, service=full)


ANONYMOUS = Caller("anonymous", "anonymous", "*", "anonymous")
