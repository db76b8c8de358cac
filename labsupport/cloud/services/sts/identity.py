"""Who am I, and whose is this key?"""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import AccessKey, Session
from labsupport.cloud.services.sts.base import Params, invalid, role_of, service


@service.operation(action=None)
def get_caller_identity(call: Call, params: Params) -> Params:
    return {"UserId": call.caller.id, "Account": call.caller.account, "Arn": call.caller.arn}


@service.operation()
def get_access_key_info(call: Call, params: Params) -> Params:
    key = params["AccessKeyId"]
    holder = call.store.get(Session, key) if key.startswith("ASIA") else call.store.get(AccessKey, key)
    if holder is None:
        raise invalid(f"The access key {key} does not exist.")
    return {"Account": holder.account}


def trust_policy(call: Call, resource: str) -> tuple[str | None, str, str, str] | None:
    """A role's trust policy has to allow whoever assumes it; across accounts the caller's own policies too."""
    if resource.endswith(":root"):  # AssumeRoot: that the accounts belong together stands for the other's consent
        return None, "resource", call.caller.account, "either"
    role = role_of(call, resource) if ":role/" in resource else None
    return (role.trust, "trust", role.account, "resource_required") if role else None


service.resource_policy = trust_policy
