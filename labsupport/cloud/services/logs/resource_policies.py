"""Resource policies: which AWS services may write to the account's log groups."""

import json

import msgspec

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.policy import document
from labsupport.cloud.policy.records import Mode
from labsupport.cloud.services.logs.base import Params, bad_token, milliseconds, refused, service
from labsupport.cloud.store.record import record

MOST = 10


@record("logs.resource-policy", key=("account", "region", "name"))
class ResourcePolicy(msgspec.Struct, kw_only=True):
    account: str
    region: str
    name: str
    text: str
    updated: int  # milliseconds


def _all(call: Call) -> list[ResourcePolicy]:
    return list(call.store.list(ResourcePolicy, call.account, call.region))


def _shown(policy: ResourcePolicy) -> Params:
    return {"policyName": policy.name, "policyDocument": policy.text, "lastUpdatedTime": policy.updated}


@service.operation()
def put_resource_policy(call: Call, params: Params) -> Params:
    name, text = params.get("policyName"), params.get("policyDocument")
    if not name or not text:
        raise refused("policyName and policyDocument are required.")
    if params.get("resourceArn") or params.get("expectedRevisionId"):
        raise not_simulated("A resource policy of one log group")
    try:
        document.parse(text, "resource")
    except AwsError as error:
        raise refused(error.message) from None
    if name not in {one.name for one in _all(call)} and len(_all(call)) >= MOST:
        raise AwsError("LimitExceededException", "Resource limit exceeded.")
    policy = ResourcePolicy(account=call.account, region=call.region, name=name, text=text, updated=milliseconds(call))
    call.store.put(policy)
    return {"resourcePolicy": _shown(policy)}


@service.operation()
def describe_resource_policies(call: Call, params: Params) -> Params:
    chosen, token = paging.page(
        _all(call), lambda one: one.name, params.get("nextToken"), params.get("limit", 50), bad_token()
    )
    return {"resourcePolicies": [_shown(one) for one in chosen], "nextToken": token}


@service.operation()
def delete_resource_policy(call: Call, params: Params) -> Params:
    found = call.store.get(ResourcePolicy, call.account, call.region, params.get("policyName", ""))
    if found is None:
        raise AwsError("ResourceNotFoundException", "Policy with the given name was not found.")
    call.store.delete(found)
    return {}


def _resource_policy(call: Call, resource: str) -> tuple[str | None, str, str, Mode] | None:
    """All of the account's policies together: they hold for every group they name."""
    statements = []
    for policy in _all(call):
        found = json.loads(policy.text)["Statement"]
        statements += found if isinstance(found, list) else [found]
    text = json.dumps({"Version": "2012-10-17", "Statement": statements}) if statements else None
    return text, "resource", call.account, "either"


service.resource_policy = _resource_policy
