"""Login profiles: users' passwords for the console (IAM User Guide: "Manage passwords for IAM users").

The lab has no console; the rules for passwords hold all the same, and only their hashes are kept.
"""

import base64
import hashlib
import hmac
import secrets

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import User
from labsupport.cloud.services.iam.base import Params, exists, missing, on_user, service, time, user_named
from labsupport.cloud.services.iam.records import Login, PasswordPolicy

_SYMBOLS = set("!@#$%^&*()_+-=[]{}|'")
_KINDS = {
    "uppercase": ("uppercase letter", str.isupper),
    "lowercase": ("lowercase letter", str.islower),
    "numbers": ("number", str.isdigit),
    "symbols": ("symbol", _SYMBOLS.__contains__),
}
_DEFAULT_LENGTH, _DEFAULT_KINDS = 8, 3  # where the account has no policy of its own


def _violation(message: str) -> AwsError:
    return AwsError("PasswordPolicyViolationException", message, 400)


def _hash(password: str, salt: bytes) -> str:
    key = hashlib.scrypt(password.encode(), salt=salt, n=2**13, r=8, p=1)
    return base64.b64encode(salt + key).decode()


def _matches(password: str, salted: str) -> bool:
    return hmac.compare_digest(_hash(password, base64.b64decode(salted)[:16]), salted)


def _checked(call: Call, user: User, password: str) -> PasswordPolicy | None:
    """What the account asks of passwords, or AWS's own rules where it asks nothing."""
    policy = call.store.get(PasswordPolicy, call.account)
    if len(password) < (policy.minimum if policy else _DEFAULT_LENGTH):
        length = policy.minimum if policy else _DEFAULT_LENGTH
        raise _violation(f"Password should have a minimum length of {length}")
    there = {name for name, (_, fits) in _KINDS.items() if any(map(fits, password))}
    for name, (words, _) in _KINDS.items():
        if policy and getattr(policy, name) and name not in there:
            raise _violation(f"Password should have at least one {words}")
    if policy is None and (len(there) < _DEFAULT_KINDS or password == user.name):
        raise _violation("Password does not conform to the account password policy.")
    return policy


def _login_of(call: Call, user: User) -> Login:
    found = call.store.get(Login, call.account, user.name)
    if found is None:
        raise missing(f"Login Profile for User {user.name} cannot be found.")
    return found


def _set(call: Call, user: User, login: Login, password: str) -> None:
    """A new password, which is none of those that the policy remembers."""
    policy = _checked(call, user, password)
    remembered = policy.remembered if policy else 0
    if any(_matches(password, one) for one in [login.salted, *login.earlier][:remembered] if one):
        raise _violation("Policy constraint violation with password reuse prevention")
    login.earlier = [one for one in [login.salted, *login.earlier] if one][:24]
    login.salted, login.changed = _hash(password, secrets.token_bytes(16)), call.epoch


@service.operation(on=on_user)
def create_login_profile(call: Call, params: Params) -> Params:
    user = user_named(call, params)
    if call.store.get(Login, call.account, user.name):
        raise exists(f"Login Profile for user {user.name} already exists.")
    if "Password" not in params:
        raise AwsError("ValidationError", "A password is needed where the user is not the account's root.", 400)
    login = Login(account=call.account, user=user.name, created=call.epoch, changed=call.epoch, salted="")
    _set(call, user, login, params["Password"])
    login.reset_required = params.get("PasswordResetRequired", False)
    call.store.put(login)
    return {"LoginProfile": _shown(login)}


@service.operation(on=on_user)
def get_login_profile(call: Call, params: Params) -> Params:
    return {"LoginProfile": _shown(_login_of(call, user_named(call, params)))}


@service.operation(on=on_user)
def update_login_profile(call: Call, params: Params) -> Params:
    user = user_named(call, params)
    login = _login_of(call, user)
    if "Password" in params:
        _set(call, user, login, params["Password"])
    login.reset_required = params.get("PasswordResetRequired", login.reset_required)
    call.store.put(login)
    return {}


@service.operation(on=on_user)
def delete_login_profile(call: Call, params: Params) -> Params:
    call.store.delete(_login_of(call, user_named(call, params)))
    return {}


@service.operation(action=None)
def change_password(call: Call, params: Params) -> Params:
    """One's own password: with the permission, or where the account's password policy lets everybody."""
    if call.caller.kind != "user":
        raise AwsError("InvalidUserTypeException", "Only IAM Users can change their own password", 400)
    user = user_named(call, {})
    policy = call.store.get(PasswordPolicy, call.account)
    if not (policy and policy.users_may_change):
        call.authorise("iam:ChangePassword", user.arn)
    login = _login_of(call, user)
    if not _matches(params["OldPassword"], login.salted):
        raise AwsError("AccessDenied", "The old password was incorrect.", 403)
    _set(call, user, login, params["NewPassword"])
    login.reset_required = False
    call.store.put(login)
    return {}


def _shown(login: Login) -> Params:
    created, reset = time(login.created), login.reset_required
    return {"UserName": login.user, "CreateDate": created, "PasswordResetRequired": reset}
