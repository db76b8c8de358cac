"""Tags of what IAM keeps: the same three operations for each kind, and what policies ask of them (aws:ResourceTag)."""

from collections.abc import Callable
from typing import Any

from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import InstanceProfile, ManagedPolicy, Role, User
from labsupport.cloud.core.mfa import MfaDevice
from labsupport.cloud.core.providers import OidcProvider, SamlProvider
from labsupport.cloud.services.iam.base import Params, checked_tags, listed_tags, service, untagged
from labsupport.cloud.services.iam.records import ServerCertificate

Found = Callable[[Call, Params], Any]
# What is found by its name, and what by its ARN: the kind in an ARN -> the record.
_BY_NAME = {
    "user": User,
    "role": Role,
    "instance-profile": InstanceProfile,
    "server-certificate": ServerCertificate,
}
_BY_ARN = {"mfa": MfaDevice, "oidc-provider": OidcProvider, "saml-provider": SamlProvider}


def register(name: str, found: Found, on: Any) -> None:
    """Tag…, Untag… and List…Tags of one kind (`mfa_device`); `found` gives the record that the parameters name."""

    def tag(call: Call, params: Params) -> Params:
        holder = found(call, params)
        holder.tags = checked_tags(params["Tags"], holder.tags)
        call.store.put(holder)
        return {}

    def untag(call: Call, params: Params) -> Params:
        holder = found(call, params)
        holder.tags = untagged(holder.tags, params["TagKeys"])
        call.store.put(holder)
        return {}

    def listed(call: Call, params: Params) -> Params:
        return listed_tags(found(call, params).tags, params)

    for operation, pattern in ((tag, "tag_{}"), (untag, "untag_{}"), (listed, "list_{}_tags")):
        operation.__name__ = pattern.format(name)
        service.operation(on=on)(operation)


def tags_of(call: Call, resource: str) -> dict[str, str]:
    """The tags of a resource of IAM, by its ARN."""
    arn = parse(resource)
    if arn is None or arn.service != "iam":
        return {}
    kind, _, rest = arn.resource.partition("/")
    found: Any = None
    if kind in _BY_NAME:
        found = call.store.get(_BY_NAME[kind], arn.account, rest.rsplit("/", 1)[-1])
    elif kind in _BY_ARN:
        found = call.store.get(_BY_ARN[kind], arn.account, resource)
    elif kind == "policy":
        found = call.store.get(ManagedPolicy, resource)
    return dict(found.tags) if found else {}


service.resource_tags = tags_of
