"""Who is it? From a claim (an access key and a signature) to a caller that the records know."""

from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest
from labsupport.cloud.core.identity import ANONYMOUS, AccessKey, Caller, Role, Session, User, root
from labsupport.cloud.gateway import sigv4
from labsupport.cloud.store.store import Store

Known = tuple[Caller, str]  # the caller and the secret key that signs


def authenticate(cloud: Cloud, request: HttpRequest, family: sigv4.Family, claim: sigv4.Claim | None) -> Known:
    """The caller of a signed request and its secret, after its signature and session token have been verified.

    `family` (json, query, s3, ec2) picks the error's code. An unsigned request is anonymous; which
    operations take that is the gateway's to say.
    """
    if claim is None:
        return ANONYMOUS, ""
    known = holder(cloud.store, claim.access_key)
    if cloud.settings.open:
        return known or (root(cloud.settings.account, claim.access_key), "")
    if known is None:
        raise sigv4.unknown_key(family, claim.access_key)
    caller, secret = known
    sigv4.verify(request, claim, secret, cloud.clock.true_now(), family)
    _check_token(cloud, family, caller, claim.token)
    return known


def holder(store: Store, access_key: str) -> Known | None:
    """The caller that an access key stands for, with its secret; `None` for a key that is unknown or inactive."""
    return store.remembered(("key", access_key), lambda: _holder(store, access_key))


def _holder(store: Store, access_key: str) -> Known | None:
    if access_key.startswith("ASIA"):
        session = store.get(Session, access_key)
        caller = _of_session(store, session) if session else None
        return (caller, session.secret) if session and caller else None
    key = store.get(AccessKey, access_key)
    if key is None or not key.active:
        return None
    if not key.user:
        return root(key.account, key.id), key.secret
    user = store.get(User, key.account, key.user)
    return (_of_user(user, key.id), key.secret) if user else None


def caller_of_key(store: Store, access_key: str) -> Caller:
    known = holder(store, access_key)
    if known is None:
        raise AwsError("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
    return known[0]


def _of_user(user: User, access_key: str) -> Caller:
    return Caller("user", user.account, user.arn, user.id, user.name, access_key)


def _of_session(store: Store, session: Session) -> Caller | None:
    if session.role:
        return _of_role(store, session)
    if not session.user:
        return _of_federated(session, "") if session.federated else _of_root(session)
    user = store.get(User, session.account, session.user)
    if user is None or user.id != session.user_id:
        return None
    if session.federated:
        return _of_federated(session, user.arn)
    return Caller("user", user.account, user.arn, user.id, user.name, session.id, session=session)


def _of_federated(session: Session, asked_by: str) -> Caller:
    """Somebody to whom a user (or the root, whose ARN stands for nobody's policies) gave credentials."""
    who = asked_by or f"arn:aws:iam::{session.account}:root"
    arn = f"arn:aws:sts::{session.account}:federated-user/{session.name}"
    unique = f"{session.account}:{session.name}"
    return Caller("federated", session.account, arn, unique, session.name, session.id, role_arn=who, session=session)


def _of_root(session: Session) -> Caller:
    arn = f"arn:aws:iam::{session.account}:root"
    return Caller("root", session.account, arn, session.account, access_key=session.id, session=session)


def _of_role(store: Store, session: Session) -> Caller | None:
    """A role deleted and made anew has another id: the old sessions do not become the new role's."""
    role = store.get(Role, session.account, session.role)
    if role is None or role.id != session.role_id:
        return None
    arn = f"arn:aws:sts::{session.account}:assumed-role/{role.name}/{session.name}"
    return Caller(
        "session",
        session.account,
        arn,
        f"{role.id}:{session.name}",
        f"{role.name}/{session.name}",
        session.id,
        role.name,
        role.id,
        role.arn,
        session=session,
    )


def _check_token(cloud: Cloud, family: sigv4.Family, caller: Caller, token: str | None) -> None:
    session = caller.session
    if session is None:
        if token:
            raise sigv4.invalid_token(family)
        return
    if token != session.token:
        raise sigv4.invalid_token(family)
    if session.expires <= cloud.clock.epoch():
        raise sigv4.expired_token(family)
