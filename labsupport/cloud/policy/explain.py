"""A decision in words: AWS's sentence, the story behind it, and the smallest statement that would allow the call.

AWS: "Troubleshoot access denied error messages".
"""

import json
from typing import Any

from labsupport.cloud.policy.evaluate import Decision

KINDS = {
    "identity": "identity-based policy",
    "resource": "resource-based policy",
    "trust": "role trust policy",
    "boundary": "permissions boundary",
    "session": "session policy",
    "scp": "service control policy",
    "rcp": "resource control policy",
    "endpoint": "VPC endpoint policy",
}
_ARTICLES = {"identity": "an", "trust": "the"}
_OF_RESOURCES = ("resource", "trust", "endpoint")


def message(decision: Decision, principal_label: str) -> str:
    """AWS's sentence for a refused call. `principal_label` is the caller's ARN, a service's name, or `anonymous`.

    A policy with an ARN of its own that denies is named.
    """
    action, reason = decision.request.action, decision.reason_kind
    start = f"User: {principal_label} is not authorized to perform: {action}{_on(decision.request.resource, action)}"
    if decision.effect == "explicitDeny":
        arn = denying_arn(decision)
        return f"{start} with an explicit deny in {_ARTICLES.get(reason, 'a')} {KINDS[reason]}{arn and f': {arn}'}"
    return f"{start} because no {KINDS[reason]} allows the {action} action"


def denying_arn(decision: Decision) -> str:
    """The ARN of the managed or service control policy that denies; an inline or a resource's policy has none."""
    kind = decision.reason_kind
    denying = [entry["arn"] for entry in decision.trace() if entry["kind"] == kind and entry["outcome"] == "deny"]
    return "" if kind in _OF_RESOURCES or not denying else denying[0] or ""


def _on(resource: str, action: str) -> str:
    """S3 puts the ARN between quotes; calls that concern no single resource name none."""
    if resource == "*":
        return ""
    return f' on resource: "{resource}"' if action.lower().startswith("s3:") else f" on resource: {resource}"


def narrative(decision: dict[str, Any]) -> list[str]:
    """The story of a decision (from `Decision.as_dict()`), one sentence or two per line."""
    who, what = _caller(decision), decision["action"]
    lines = [f"{who} asked for {what} on {_thing(decision)}."]
    if decision["allowed"]:
        return [*lines, *_allowed(decision)]
    lines += _denials(decision) if decision["effect"] == "explicitDeny" else _gaps(decision)
    return [*lines, *_nearly(decision), *_warned(decision), *_remedy(decision)]


def _allowed(decision: dict[str, Any]) -> list[str]:
    found = [
        f"{_place(policy, entry)} allows it."
        for policy, entry in _entries(decision)
        if entry["applies"] and entry["effect"] == "Allow"
    ]
    return found or ["It is allowed: the account's root needs no policy for what its account owns."]


def _denials(decision: dict[str, Any]) -> list[str]:
    return [
        f"{_place(policy, entry)} denies it, and a denial outweighs everything that allows."
        for policy, entry in _entries(decision)
        if entry["applies"] and entry["effect"] == "Deny"
    ]


def _gaps(decision: dict[str, Any]) -> list[str]:
    lines = []
    for kind in decision["missing"]:
        word = KINDS[kind]
        known = [policy for policy in decision["policies"] if policy["kind"] == kind]
        looked = f"; looked at: {', '.join(policy['name'] for policy in known)}" if known else "; there is none"
        lines.append(f"No {word} allows it{looked}.")
    if decision["crossAccount"] and not decision["allowed"]:
        lines.append(
            f"The resource belongs to account {decision['resourceAccount']}: both the caller's own policies and the "
            "resource's policy have to allow the call."
        )
    return lines


def _nearly(decision: dict[str, Any]) -> list[str]:
    """Statements that speak of the action and fail on something else."""
    return [
        f"{_place(policy, entry)} speaks of {decision['action']}, but {'; and '.join(_failures(entry, decision))}."
        for policy, entry in _entries(decision)
        if entry["effect"] == "Allow" and not entry["applies"] and "action" not in entry["failed"]
    ]


def _failures(entry: dict[str, Any], decision: dict[str, Any]) -> list[str]:
    reasons = []
    if "principal" in entry["failed"]:
        reasons.append(f"not of this caller (its principal is {json.dumps(entry['principal'])})")
    if "resource" in entry["failed"]:
        written = ", ".join(_pattern(pattern) for pattern in entry["resources"])
        reasons.append(f"{'for all but' if entry['notResource'] else 'only for'} {written}, not {decision['resource']}")
    reasons += [_unmet(condition) for condition in entry["conditions"] if not condition["matched"]]
    return reasons


def _pattern(pattern: dict[str, Any]) -> str:
    if pattern["resolved"] is None:
        return f"{pattern['written']} (a variable in it has no value in this request)"
    return str(pattern["resolved"])


def _unmet(condition: dict[str, Any]) -> str:
    expected = " or ".join(
        text if text is not None else f"{written} (which has no value in this request)"
        for text, written in zip(condition["expected"], condition["written"], strict=True)
    )
    found = (
        "the request has no such key" if condition["missing"] else f"the request has {', '.join(condition['actual'])}"
    )
    return f"only where {condition['key']} {condition['words']} {expected} ({condition['operator']}): {found}"


def _warned(decision: dict[str, Any]) -> list[str]:
    """Statements that can never allow the action, as they are written. Records of earlier days hold none."""
    return [f"{_place(found, found)} cannot allow it. {found['message']}" for found in decision.get("remarks", ())]


def _remedy(decision: dict[str, Any]) -> list[str]:
    found = missing_statement(decision)
    if found["statement"] is None:
        return [f"To allow the call, change {found['where']}."]
    steps = [found, *found["also"]]
    return [f"This would allow it, in {step['where']}: {json.dumps(step['statement'])}" for step in steps]


def missing_statement(decision: dict[str, Any]) -> dict[str, Any]:
    """The smallest statement that would allow a refused call, and where it belongs.

    Keys: `where` (for people), `kind` and `holder` (for programs), `statement`, and `also`, further places that need
    one too. After an explicit denial `statement` is None: no statement helps; `where` names the one that denies.
    An allowed call has an empty `where`.
    """
    if decision["effect"] == "explicitDeny":
        policy, entry = next(
            (policy, entry) for policy, entry in _entries(decision) if entry["applies"] and entry["effect"] == "Deny"
        )
        place = _place(policy, entry)
        where = place[0].lower() + place[1:]
        return {"where": where, "kind": policy["kind"], "holder": policy["holder"], "statement": None, "also": []}
    steps = [_step(kind, decision) for kind in decision["missing"]]
    first = steps[0] if steps else {"where": "", "kind": "", "holder": "", "statement": None}
    return {**first, "also": steps[1:]}


def _step(kind: str, decision: dict[str, Any]) -> dict[str, Any]:
    holder = _holder(kind, decision)
    where = {
        "identity": f"an identity-based policy of {holder}",
        "resource": f"the policy of {holder}{_elsewhere(decision)}",
        "trust": f"the trust policy of {holder}{_elsewhere(decision)}",
        "boundary": f"the permissions boundary of {holder}{_named(kind, decision)}",
        "session": f"the session policy that {_caller(decision)} was given",
        "scp": f"a service control policy of {holder}",
        "rcp": f"a resource control policy of {holder}",
        "endpoint": f"the policy of {holder}",
    }[kind]
    return {"where": where, "kind": kind, "holder": holder, "statement": _smallest(kind, decision)}


def _elsewhere(decision: dict[str, Any]) -> str:
    return f", in account {decision['resourceAccount']}" if decision["crossAccount"] else ""


def _named(kind: str, decision: dict[str, Any]) -> str:
    names = [policy["name"] for policy in decision["policies"] if policy["kind"] == kind]
    return f" ({names[0]})" if names else ""


def _smallest(kind: str, decision: dict[str, Any]) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow"}
    if kind in _OF_RESOURCES:
        statement["Principal"] = _as_principal(decision["principal"])
    if kind == "rcp":
        statement["Principal"] = "*"
    statement["Action"] = decision["action"]
    if kind != "trust":
        own = kind == "resource" and decision["action"].lower().startswith("kms:")
        statement["Resource"] = "*" if own or kind in ("scp", "rcp") else decision["resource"]
    return statement


def _as_principal(principal: dict[str, Any]) -> Any:
    if principal["service"]:
        return {"Service": principal["service"]}
    if principal["provider"]:
        return {"Federated": principal["provider"]}
    return {"AWS": principal["roleArn"] or principal["arn"]} if principal["arn"] else "*"


def _holder(kind: str, decision: dict[str, Any]) -> str:
    if kind in ("resource", "trust"):
        return str(decision["resource"])
    known = [policy for policy in decision["policies"] if policy["kind"] == kind]
    if kind in ("scp", "rcp"):
        return _lacking_level(known)
    if known:
        return str(known[0]["holder"])
    arn = decision["principal"]["roleArn"] or decision["principal"]["arn"]
    return str(arn.split(":", 5)[-1])


def _lacking_level(known: list[dict[str, Any]]) -> str:
    """The root, units or account of an organization whose policies allow nothing."""
    levels = dict.fromkeys(policy["holder"] for policy in known)
    allowing = {policy["holder"] for policy in known if policy["outcome"] == "allow"}
    return " and of ".join(level for level in levels if level not in allowing) or "every level that has none"


def _entries(decision: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(policy, entry) for policy in decision["policies"] for entry in policy["statements"]]


def _place(policy: dict[str, Any], entry: dict[str, Any]) -> str:
    which = f"“{entry['sid']}”" if entry["sid"] else f"number {entry['index'] + 1}"
    word = KINDS[policy["kind"]]
    return f"Statement {which} of {policy['name']} ({word} of {policy['holder']})"


def _caller(decision: dict[str, Any]) -> str:
    principal = decision["principal"]
    return str(principal["service"] or principal["arn"] or principal["provider"] or "Somebody unknown")


def _thing(decision: dict[str, Any]) -> str:
    return "no particular resource" if decision["resource"] == "*" else str(decision["resource"])
