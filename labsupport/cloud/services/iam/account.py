"""The account itself: its alias, its password policy, and how much of what it has."""

from typing import Any

from labsupport.cloud.core import mfa
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import AccessKey, Group, InstanceProfile, ManagedPolicy, Role, User
from labsupport.cloud.core.mfa import MfaDevice
from labsupport.cloud.core.providers import OidcProvider, SamlProvider
from labsupport.cloud.services.iam import credentials, groups, managed, policies, principals, users
from labsupport.cloud.services.iam.base import MOST, Params, exists, missing, paged, service
from labsupport.cloud.services.iam.records import AccountSettings, Alias, PasswordPolicy, ServerCertificate

QUOTAS = {  # of a new account (IAM User Guide: "IAM and AWS STS quotas")
    **{f"{plural}Quota": most for plural, most in MOST.values()},
    "PolicyVersionsInUseQuota": 10_000,
    "UserPolicySizeQuota": 2048,
    "GroupPolicySizeQuota": 5120,
    "RolePolicySizeQuota": 10_240,
    "GroupsPerUserQuota": groups.MOST_GROUPS,
    "SigningCertificatesPerUserQuota": credentials.MOST,
    "AccessKeysPerUserQuota": users.MOST_KEYS,
    "AttachedPoliciesPerUserQuota": policies.MOST_ATTACHED,
    "AttachedPoliciesPerGroupQuota": policies.MOST_ATTACHED,
    "AttachedPoliciesPerRoleQuota": policies.MOST_ATTACHED,
    "PolicySizeQuota": managed.LARGEST,
    "VersionsPerPolicyQuota": managed.MOST_VERSIONS,
    "AssumeRolePolicySizeQuota": principals.LARGEST,
}
_COUNTED: dict[str, type[Any]] = {
    "Users": User,
    "Groups": Group,
    "Roles": Role,
    "InstanceProfiles": InstanceProfile,
    "ServerCertificates": ServerCertificate,
}


def settings_of(call: Call) -> AccountSettings:
    return call.store.get(AccountSettings, call.account) or AccountSettings(account=call.account)


@service.operation()
def create_account_alias(call: Call, params: Params) -> Params:
    """An account has one alias: a new one takes the old one's place."""
    alias, settings = params["AccountAlias"], settings_of(call)
    holder = call.store.get(Alias, alias)
    if holder and holder.account != call.account:
        raise exists(f"The account alias {alias} already exists.")
    if settings.alias:
        call.store.delete(Alias(alias=settings.alias, account=call.account))
    settings.alias = alias
    call.store.put(settings, Alias(alias=alias, account=call.account))
    return {}


@service.operation()
def delete_account_alias(call: Call, params: Params) -> Params:
    settings = settings_of(call)
    if settings.alias != params["AccountAlias"]:
        raise missing(f"The account alias {params['AccountAlias']} cannot be found.")
    call.store.delete(Alias(alias=settings.alias, account=call.account))
    settings.alias = ""
    call.store.put(settings)
    return {}


@service.operation()
def list_account_aliases(call: Call, params: Params) -> Params:
    alias = settings_of(call).alias
    return paged([alias] if alias else [], str, params, "AccountAliases", str)


@service.operation()
def set_security_token_service_preferences(call: Call, params: Params) -> Params:
    settings = settings_of(call)
    settings.token_version = {"v1Token": 1, "v2Token": 2}[params["GlobalEndpointTokenVersion"]]
    call.store.put(settings)
    return {}


# The password policy


def password_policy(call: Call) -> PasswordPolicy:
    found = call.store.get(PasswordPolicy, call.account)
    if found is None:
        raise missing(f"The Password Policy with domain name {call.account} cannot be found.")
    return found


@service.operation()
def update_account_password_policy(call: Call, params: Params) -> Params:
    """The whole policy: what is not given gets the API's default."""
    call.store.put(
        PasswordPolicy(
            account=call.account,
            minimum=params.get("MinimumPasswordLength", 6),
            symbols=params.get("RequireSymbols", False),
            numbers=params.get("RequireNumbers", False),
            uppercase=params.get("RequireUppercaseCharacters", False),
            lowercase=params.get("RequireLowercaseCharacters", False),
            users_may_change=params.get("AllowUsersToChangePassword", False),
            max_age=params.get("MaxPasswordAge", 0),
            remembered=params.get("PasswordReusePrevention", 0),
            hard_expiry=params.get("HardExpiry", False),
        )
    )
    return {}


@service.operation()
def get_account_password_policy(call: Call, params: Params) -> Params:
    policy = password_policy(call)
    shown = {
        "MinimumPasswordLength": policy.minimum,
        "RequireSymbols": policy.symbols,
        "RequireNumbers": policy.numbers,
        "RequireUppercaseCharacters": policy.uppercase,
        "RequireLowercaseCharacters": policy.lowercase,
        "AllowUsersToChangePassword": policy.users_may_change,
        "ExpirePasswords": policy.max_age > 0,
        "MaxPasswordAge": policy.max_age or None,
        "PasswordReusePrevention": policy.remembered or None,
        "HardExpiry": policy.hard_expiry,
    }
    return {"PasswordPolicy": shown}


@service.operation()
def delete_account_password_policy(call: Call, params: Params) -> Params:
    call.store.delete(password_policy(call))
    return {}


# The summary


@service.operation()
def get_account_summary(call: Call, params: Params) -> Params:
    account, store = call.account, call.store
    own = [one for one in store.list(ManagedPolicy) if one.account == account]
    devices = list(store.list(MfaDevice, account))
    root_keys = any(key.account == account and not key.user for key in store.list(AccessKey))
    counted = {name: store.count(struct, account) for name, struct in _COUNTED.items()}
    found = {
        **QUOTAS,
        **counted,
        "Policies": len(own),
        "PolicyVersionsInUse": sum(len(policy.versions) for policy in own),
        "Providers": store.count(OidcProvider, account) + store.count(SamlProvider, account),
        "MFADevices": len(devices),
        "MFADevicesInUse": sum(bool(device.enabled) for device in devices),
        "AccountMFAEnabled": int(bool(mfa.of_user(call.cloud, account, ""))),
        "AccountAccessKeysPresent": int(root_keys),
        "AccountPasswordPresent": 0,
        "AccountSigningCertificatesPresent": 0,
        "GlobalEndpointTokenVersion": settings_of(call).token_version,
    }
    return {"SummaryMap": found}
