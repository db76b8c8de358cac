"""What AWS accepts in policies of users, groups and roles, in boundaries, session policies and SCPs, with its reasons.

The order of the checks is AWS's: a document with several faults is refused for the one that comes first here.
"""

import re
from typing import Any

from labsupport.cloud.policy.grammar import check_document, conditions_of, malformed, statements_of, strings
from labsupport.cloud.policy.match import text_test
from labsupport.cloud.policy.operators import moment
from labsupport.cloud.policy.variables import ONE, STAR

SYNTAX = "Syntax errors in policy."
LEGACY = "The policy failed legacy parsing"
PARTITIONS = ("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc")
IAM_PATHS = (
    "user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/", "policy/",
    "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/",
)  # fmt: skip

_VARIABLE = re.compile(r"\$\{[^{}]*\}")
_VENDOR = re.compile(r"[A-Za-z0-9.-]+|\*", re.ASCII)


def check(document: dict[str, Any], *, managed: bool) -> None:
    """Raise MalformedPolicyDocument with AWS's reason; BadShape where AWS speaks of syntax errors only.

    `managed` policies must name the language's version of 2012; in inline ones it may be missing or older.
    """
    check_document(document)
    if managed and document.get("Version") != "2012-10-17":
        raise malformed("Policy document must be version 2012-10-17 or greater.")
    statements = statements_of(document)
    for statement in statements:
        _check_legacy(statement)
    if any("Principal" in statement or "NotPrincipal" in statement for statement in statements):
        raise malformed("Policy document should not specify a principal.")
    _check_sids(statements)
    for check_one in (_check_resources, _check_actions, _check_complete):
        for statement in statements:
            check_one(statement)


def _check_legacy(statement: dict[str, Any]) -> None:
    if statement["Effect"] not in ("Allow", "Deny"):
        raise malformed(LEGACY)
    if any(_cut_short(arn) for arn in _listed(statement, "Resource")):
        raise malformed(LEGACY)
    for name, _key, values in conditions_of(statement):
        if "date" in name.lower() and any(moment(value) is None for value in values):
            raise malformed(LEGACY)


def _cut_short(arn: str) -> bool:
    """An ARN whose service is empty, or that ends early after an empty part."""
    parts = _parts(arn)
    if len(parts) < 3 or not _known_partition(parts[1]):
        return False
    return parts[2] == "" or (len(parts) < 6 and "" in parts)


def _check_sids(statements: list[dict[str, Any]]) -> None:
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len(set(sids)) != len(sids):
        raise malformed("Statement IDs (SID) in a single policy must be unique.")
    if not all(re.fullmatch("[0-9A-Za-z]*", sid) for sid in sids):
        raise malformed(
            "Statement IDs (SID) must be alpha-numeric. "
            "Check that your input satisfies the regular expression [0-9A-Za-z]*"
        )


def _check_resources(statement: dict[str, Any]) -> None:
    for arn in _listed(statement, "Resource"):
        if arn != "*":
            _check_arn(arn)


def _check_arn(arn: str) -> None:
    parts = _parts(arn)
    if len(parts) < 2:
        raise malformed(f'Resource {arn} must be in ARN format or "*".')
    filled = parts + ["*"] * (6 - len(parts))
    if not _known_partition(filled[1]):
        raise malformed(f'Partition "{filled[1]}" is not valid for resource "{":".join(["arn", *filled[1:]])}".')
    if "*" in filled[2] or "?" in filled[2]:
        raise malformed("Resource vendor must be fully qualified and cannot contain regexes.")
    if filled[2] == "iam":
        _check_iam_arn(arn, filled)
    if filled[2] == "s3" and _plain(filled[3]) and not filled[4]:
        raise malformed(f"Resource {arn} can not contain region information.")


def _check_iam_arn(arn: str, parts: list[str]) -> None:
    if _plain(parts[3]):
        raise malformed(f"IAM resource {arn} cannot contain region information.")
    path = ":".join(parts[5:])
    beginning = re.split(r"[*?$]", path)[0]
    if path != "root" and not any(
        path.startswith(known) or (beginning != path and known.startswith(beginning)) for known in IAM_PATHS
    ):
        known = ", ".join(IAM_PATHS)
        raise malformed(f'IAM resource path must either be "*" or start with {known}.')


def _check_actions(statement: dict[str, Any]) -> None:
    actions = _listed(statement, "Action")
    if not actions:
        raise malformed("Policy statement must contain actions.")
    for action in actions:
        if action != "*":
            _check_action(action)


def _check_action(action: str) -> None:
    vendor, colon, name = action.partition(":")
    if not colon:
        raise malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    if ":" in name:
        raise malformed("Actions/Condition can contain only one colon.")
    if not _VENDOR.fullmatch(vendor):
        raise malformed(f"Vendor {vendor} is not valid")


def _check_complete(statement: dict[str, Any]) -> None:
    if not _listed(statement, "Resource"):
        raise malformed("Policy statement must contain resources.")


def _listed(statement: dict[str, Any], element: str) -> list[str]:
    """The texts of an element or of its negation."""
    return strings(statement.get(element, statement.get(f"Not{element}", [])))


def _parts(arn: str) -> list[str]:
    """An ARN's parts; the colons of policy variables don't count."""
    variables = _VARIABLE.findall(arn)
    parts = _VARIABLE.sub("\0", arn).split(":")
    return [_restored(part, variables) for part in parts]


def _restored(part: str, variables: list[str]) -> str:
    while "\0" in part:
        part = part.replace("\0", variables.pop(0), 1)
    return part


def _known_partition(text: str) -> bool:
    known = text_test(text.replace("*", STAR).replace("?", ONE))
    return any(known(partition) for partition in PARTITIONS)


def _plain(text: str) -> bool:
    """Something definite: neither empty, nor a wildcard, nor a variable."""
    return bool(text) and not set(text) & set("*?$")
