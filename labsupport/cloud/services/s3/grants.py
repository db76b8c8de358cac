"""Access control lists as grants, and as the policy that they come to (User Guide: "Access control list (ACL)
overview", with its mapping to the permissions of policies)."""

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.s3.base import Bucket, Grant, Object, Params, canonical_id
from labsupport.cloud.services.s3.public import statements as statements_of

_GROUPS = "http://acs.amazonaws.com/groups/"
ALL, AUTHENTICATED = _GROUPS + "global/AllUsers", _GROUPS + "global/AuthenticatedUsers"
LOGS = _GROUPS + "s3/LogDelivery"
PUBLIC = (ALL, AUTHENTICATED)
# A canned list: what it grants beyond the owner's full control.
_CANNED: dict[str, tuple[tuple[str, str], ...]] = {
    "private": (),
    "public-read": ((ALL, "READ"),),
    "public-read-write": ((ALL, "READ"), (ALL, "WRITE")),
    "authenticated-read": ((AUTHENTICATED, "READ"),),
    "bucket-owner-read": (("bucket owner", "READ"),),
    "bucket-owner-full-control": (("bucket owner", "FULL_CONTROL"),),
    "log-delivery-write": ((LOGS, "WRITE"), (LOGS, "READ_ACP")),
}
_HEADERS = {
    "GrantFullControl": "FULL_CONTROL",
    "GrantRead": "READ",
    "GrantReadACP": "READ_ACP",
    "GrantWrite": "WRITE",
    "GrantWriteACP": "WRITE_ACP",
}
_ON_BUCKET = {
    "READ": ("ListBucket", "ListBucketVersions", "ListBucketMultipartUploads"),
    "READ_ACP": ("GetBucketAcl",),
    "WRITE_ACP": ("PutBucketAcl",),
}
_ON_OBJECT = {
    "READ": ("GetObject", "GetObjectVersion"),
    "READ_ACP": ("GetObjectAcl", "GetObjectVersionAcl"),
    "WRITE_ACP": ("PutObjectAcl", "PutObjectVersionAcl"),
}


def asked(params: Params, owner: str, bucket_owner: str, accounts: Iterable[str]) -> list[Grant] | None:
    """The grants that a request asks for, by a canned list, by headers or by a list in full; None where by nothing."""
    headers = [name for name in _HEADERS if params.get(name)]
    listed = params.get("AccessControlPolicy", {}).get("Grants")
    if sum((bool(params.get("ACL")), bool(headers), listed is not None)) > 1:
        raise AwsError("InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed", 400)
    known = {canonical_id(account): account for account in accounts}
    if listed is not None:
        return [Grant(*_grantee(one.get("Grantee", {}), known), one.get("Permission", "")) for one in listed]
    if headers:
        return [grant for name in headers for grant in _of_header(params[name], _HEADERS[name], known)]
    if not params.get("ACL"):
        return None
    if params["ACL"] not in _CANNED:
        raise not_simulated(f"The canned ACL {params['ACL']}")
    told = [Grant("account", owner, "FULL_CONTROL")]
    for who, permission in _CANNED[params["ACL"]]:
        kind, name = ("group", who) if who.startswith("http") else ("account", bucket_owner)
        told += [] if name == owner else [Grant(kind, name, permission)]
    return told


def _of_header(text: str, permission: str, known: dict[str, str]) -> Iterator[Grant]:
    for part in text.split(","):
        found = re.fullmatch(r'\s*(id|uri|emailAddress)\s*=\s*"?([^"]*)"?\s*', part)
        if found is None:
            raise AwsError("InvalidArgument", "Argument format not recognized", 400)
        name = {"id": "ID", "uri": "URI", "emailAddress": "EmailAddress"}[found[1]]
        yield Grant(*_grantee({name: found[2]}, known), permission)


def _grantee(given: Params, known: dict[str, str]) -> tuple[str, str]:
    if given.get("EmailAddress"):
        raise not_simulated("A grant to an e-mail address")
    if given.get("URI"):
        if given["URI"] not in (*PUBLIC, LOGS):
            raise AwsError("InvalidArgument", "Invalid group uri", 400)
        return "group", given["URI"]
    if given.get("ID") not in known:
        raise AwsError("InvalidArgument", "Invalid id", 400)
    return "account", known[given["ID"]]


def is_public(grants: list[Grant]) -> bool:
    return any(grant.who in PUBLIC for grant in grants)


def shown(owner: str, grants: list[Grant]) -> Params:
    """As GetBucketAcl and GetObjectAcl answer; without any grant the owner has full control."""
    found = grants or [Grant("account", owner, "FULL_CONTROL")]
    return {"Owner": {"ID": canonical_id(owner)}, "Grants": [_shown(grant) for grant in found]}


def _shown(grant: Grant) -> Params:
    if grant.kind == "group":
        return {"Grantee": {"Type": "Group", "URI": grant.who}, "Permission": grant.permission}
    return {"Grantee": {"Type": "CanonicalUser", "ID": canonical_id(grant.who)}, "Permission": grant.permission}


def statements(bucket: Bucket, found: Object | None) -> list[Params]:
    """What the lists of a bucket and of an object in it allow, as statements of a policy."""
    ignored = bucket.public_block.get("IgnorePublicAcls", False)
    told: list[Params] = []
    for grant in bucket.grants:
        if grant.permission in ("WRITE", "FULL_CONTROL"):
            told += _statement(grant, ["s3:PutObject"], f"{bucket.arn}/*", ignored)
        told += _statement(grant, _actions(grant, _ON_BUCKET), bucket.arn, ignored)
    if found:
        arn = f"{bucket.arn}/{_literal(found.key)}"
        told += [one for grant in found.grants for one in _statement(grant, _actions(grant, _ON_OBJECT), arn, ignored)]
    return told


def _actions(grant: Grant, table: Mapping[str, tuple[str, ...]]) -> list[str]:
    every = [name for names in table.values() for name in names]
    found = every if grant.permission == "FULL_CONTROL" else table.get(grant.permission, ())
    return [f"s3:{name}" for name in found]


def _literal(key: str) -> str:
    """A key as a policy's resource means it and nothing else."""
    return re.sub(r"[*?$]", lambda found: f"${{{found[0]}}}", key)


def _statement(grant: Grant, actions: list[str], resource: str, ignored: bool) -> list[Params]:
    if not actions or (ignored and grant.who in PUBLIC):
        return []
    told: Params = {"Effect": "Allow", "Action": actions, "Resource": resource}
    if grant.kind == "account":
        return [{**told, "Principal": {"AWS": f"arn:aws:iam::{grant.who}:root"}}]
    if grant.who == LOGS:
        return [{**told, "Principal": {"Service": "logging.s3.amazonaws.com"}}]
    if grant.who == AUTHENTICATED:
        told["Condition"] = {"StringNotEquals": {"aws:PrincipalType": "Anonymous"}}
    return [{**told, "Principal": "*"}]


def merged(policy: str, more: list[Params], denials_only: bool) -> str | None:
    """A bucket's policy with what lists allow; of somebody else's object the policy can only deny."""
    document: Params = msgspec.json.decode(policy) if policy else {"Version": "2012-10-17", "Statement": []}
    kept = [one for one in statements_of(document) if not denials_only or one["Effect"] == "Deny"]
    return msgspec.json.encode({**document, "Statement": [*kept, *more]}).decode() if kept or more else None
