"""IAM's own condition keys (Service Authorization Reference: "Condition keys for AWS IAM")."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import Role, User
from labsupport.cloud.services.iam.base import Params


def made_context(_: Call, params: Params) -> Params:
    """For who is made: the boundary that is asked for."""
    boundary = params.get("PermissionsBoundary")
    return {"iam:permissionsboundary": boundary} if boundary else {}


def held_context(call: Call, params: Params) -> Params:
    """For what is given to a user or role, or taken away: its boundary now, and the managed policy."""
    found: Params = {"iam:policyarn": params["PolicyArn"]} if "PolicyArn" in params else {}
    holder: User | Role | None = None
    if "RoleName" in params:
        holder = call.store.get(Role, call.account, params["RoleName"])
    elif "UserName" in params:
        holder = call.store.get(User, call.account, params["UserName"])
    if holder is not None and holder.boundary:
        found["iam:permissionsboundary"] = holder.boundary
    return found
