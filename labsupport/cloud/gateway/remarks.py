"""Warnings about what a user, group or role holds: the page `/_lab/warnings`."""

from typing import Any

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import not_simulated
from labsupport.cloud.core.identity import Caller, Group, Role, User
from labsupport.cloud.gateway.holders import held_by
from labsupport.cloud.gateway.perform import perform
from labsupport.cloud.policy import lint
from labsupport.cloud.policy.records import Policy
from labsupport.cloud.policy.source import positions

_KINDS: dict[str, type[User] | type[Group] | type[Role]] = {"user": User, "group": Group, "role": Role}


def warnings(cloud: Cloud, caller: Caller, arn: str) -> list[dict[str, Any]]:
    """About the identity policies and the boundary of one that the caller may ask IAM about.

    IAM decides who may ask, and whether there is such a one: they are its policies, and the question is like the one
    which condition keys they read. AWS's own policies are left out, since nobody here can change them.
    """
    iam = cloud.service("iam")
    if iam is None:
        raise not_simulated("iam")
    call = Call(cloud, iam, "", caller, caller.account, cloud.settings.region)
    perform(call, "GetContextKeysForPrincipalPolicy", {"PolicySourceArn": arn})
    held = held_by(cloud.store, _holder(cloud, caller.account, arn))
    policies = [*held.identity, *(held.boundary or ())]
    own = [one for one in policies if not one.is_aws_managed]
    return [found for policy in own for found in _about(policy)]


def _holder(cloud: Cloud, account: str, arn: str) -> User | Group | Role:
    kind, _, name = arn.rpartition(":")[2].partition("/")
    found = cloud.store.get(_KINDS[kind], account, name.rpartition("/")[2])
    assert found is not None  # IAM has just answered about it
    return found


def _about(policy: Policy) -> list[dict[str, Any]]:
    places = positions(policy.text) if policy.text else []
    return [
        {
            "policy": policy.name,
            "kind": policy.kind,
            "holder": policy.holder,
            "line": places[remark.statement][0].line if places else None,
            **remark.as_dict(),
        }
        for remark in lint.warnings(policy.document)
    ]
