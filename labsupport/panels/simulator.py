"""IAM's policy simulator as a panel: who, what, on what; the decision with its reasons; and who else may do it.

Everything comes from SimulatePrincipalPolicy, GetContextKeysForPrincipalPolicy and the lists of users and roles.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from labsupport.diagrams.simulated import limits, simulated, statement
from labsupport.panels.live import Panel, View, live
from labsupport.panels.markup import Markup, join, tag, void

Client = Callable[[str], Any]
Answer = dict[str, Any]
WORDS = {"allowed": "allowed", "implicitDeny": "denied: nothing allows it", "explicitDeny": "denied explicitly"}
USUAL = ("codecommit:GitPush", "codebuild:StartBuild", "codepipeline:StartPipelineExecution", "iam:PassRole",
         "kms:Decrypt", "s3:GetObject", "s3:PutObject", "sts:AssumeRole")  # fmt: skip
TYPES = {"true": "boolean", "false": "boolean"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form holds: an ARN, an action, a resource, and condition keys as `key=value` lines."""

    holder: str = ""
    action: str = "s3:GetObject"
    resource: str = "*"
    context: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """`keys`: the condition keys that the holder's policies ask for; `others`: each user and role, and its decision."""

    asked: Asked
    holders: tuple[str, ...]
    answer: Answer | None = None
    keys: tuple[str, ...] = ()
    others: tuple[tuple[str, str], ...] = ()
    said: str = ""


def simulator(client: Client, holder: str = "") -> Panel:
    """The panel, on one user or role (`role/guard-pipeline`, or its ARN), or on the first that there is."""
    seen = [first(client, holder)]

    def press(what: str, fields: dict[str, str]) -> View:
        asked = Asked(**{name: fields.get(name, "").strip() for name in ("holder", "action", "resource", "context")})
        seen[0] = decided(client, seen[0], asked) if what == "decide" else everybody(client, seen[0], asked)
        return view(seen[0])

    return Panel(view(seen[0]), press)


def first(client: Client, holder: str = "") -> Seen:
    """What is shown before anything has been asked."""
    holders = tuple(_holders(client("iam")))
    chosen = next((arn for arn in holders if holder and arn.endswith(f":{holder}")), holder)
    asked = Asked(holder=chosen or (holders[0] if holders else ""))
    return Seen(asked, holders, keys=_keys(client, asked.holder))


def _holders(iam: Any) -> Iterable[str]:
    for operation, answer in (("list_users", "Users"), ("list_roles", "Roles")):
        for page in iam.get_paginator(operation).paginate():
            yield from (one["Arn"] for one in page[answer])


def _keys(client: Client, holder: str) -> tuple[str, ...]:
    if not holder:
        return ()
    found = client("iam").get_context_keys_for_principal_policy(PolicySourceArn=holder)
    return tuple(found["ContextKeyNames"])


def decided(client: Client, seen: Seen, asked: Asked) -> Seen:
    """The decision for one holder; a sentence where IAM refuses the question."""
    try:
        answer = result(client("iam"), asked, asked.holder)
        return replace(seen, asked=asked, answer=answer, keys=_keys(client, asked.holder), others=(), said="")
    except _refusals(client) as problem:
        return replace(seen, asked=asked, answer=None, others=(), said=str(problem))


def everybody(client: Client, seen: Seen, asked: Asked) -> Seen:
    """The decision for every user and role of the account: who can do what."""
    try:
        others = [(arn, result(client("iam"), asked, arn)["EvalDecision"]) for arn in seen.holders]
    except _refusals(client) as problem:
        return replace(seen, asked=asked, answer=None, others=(), said=str(problem))
    return replace(seen, asked=asked, answer=None, others=tuple(others), said="")


def _refusals(client: Client) -> tuple[type[Exception], ...]:
    from botocore.exceptions import ClientError, ParamValidationError

    return ClientError, ParamValidationError


def result(iam: Any, asked: Asked, holder: str) -> Answer:
    """IAM's answer on one action and one resource."""
    answer: Answer = iam.simulate_principal_policy(
        PolicySourceArn=holder,
        ActionNames=[asked.action],
        ResourceArns=[asked.resource or "*"],
        ContextEntries=list(entries(asked.context)),
    )["EvaluationResults"][0]
    return answer


def entries(text: str) -> Iterable[dict[str, Any]]:
    """ContextEntries of `key=value` lines; several values stand between commas. A line without `=` is no entry."""
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and key.strip():
            values = [one.strip() for one in value.split(",")]
            kind = TYPES.get(values[0], "string") if len(values) == 1 else "stringList"
            yield {"ContextKeyName": key.strip(), "ContextKeyValues": values, "ContextKeyType": kind}


def view(seen: Seen) -> View:
    head = tag("span", " may it, and who else may?", class_="lab-quiet", style="font-weight: normal")
    html = join(
        tag("h3", "IAM: policy simulator", head),
        live(_form(seen), tag("p", seen.said, role="status", data_key="said")),
        _asks_for(seen),
        _answer(seen),
        _others(seen),
    )
    return View(html, "\n".join(_told(seen)))


def _form(seen: Seen) -> Markup:
    asked = seen.asked
    arns = [tag("option", _short(arn), value=arn, selected=arn == asked.holder) for arn in seen.holders]
    usual = tag("datalist", *[void("option", value=one) for one in USUAL], id="lab-actions")
    return tag(
        "form",
        tag("label", "Who ", tag("select", *arns, name="holder")),
        tag("label", "Action ", void("input", name="action", value=asked.action, size=28, list="lab-actions"), usual),
        tag("label", "Resource ", void("input", name="resource", value=asked.resource, size=36)),
        tag("label", "Context ", tag("textarea", asked.context, name="context", rows=2, cols=36,
                                     placeholder="aws:MultiFactorAuthPresent=true")),
        tag("button", "May it?", class_="lab-main", data_do="decide", type="submit"),
        tag("button", "Who may?", data_do="everybody", type="submit"),
        class_="lab-buttons", data_key="question",
    )  # fmt: skip


def _short(arn: str) -> str:
    return arn.split(":", 5)[-1]


def _asks_for(seen: Seen) -> Markup | str:
    if not seen.keys:
        return ""
    return tag("p", f"Its policies ask for {', '.join(seen.keys)}.", class_="lab-quiet", data_key="keys")


def _answer(seen: Seen) -> Markup | str:
    if seen.answer is None:
        return ""
    good = seen.answer["EvalDecision"] == "allowed"
    lines = [tag("li", line) for line in reasons(seen.answer)]
    head = tag("p", tag("strong", f"{'✔' if good else '✘'} {_sentence(seen)}"), role="status", data_key="decision")
    drawn = Markup(simulated(seen.answer, seen.asked.holder)._repr_html_())
    return tag("div", head, drawn, tag("ul", *lines), class_=f"lab-box {'lab-good' if good else 'lab-bad'}")


def _sentence(seen: Seen) -> str:
    assert seen.answer is not None
    asked = seen.asked
    on = "" if asked.resource in ("", "*") else f" on {asked.resource}"
    return f"{_short(asked.holder)}, {asked.action}{on}: {WORDS[seen.answer['EvalDecision']]}"


def reasons(answer: Answer) -> list[str]:
    """Which statements matched, what a boundary and the organization said, and which context was missing."""
    lines = [
        f"{one['SourcePolicyType']} {one['SourcePolicyId']}, {statement(one)}"
        for one in answer.get("MatchedStatements", [])
    ]
    organization, boundary = limits(answer)
    if answer["EvalDecision"] == "implicitDeny" and False not in (organization, boundary):
        lines.append("no statement of its policies allows it")
    if boundary is not None:
        lines.append(f"the permissions boundary {'allows it ✔' if boundary else 'does not allow it ✘'}")
    if organization is not None:
        lines.append(f"the organization's policies {'allow it ✔' if organization else 'do not allow it ✘'}")
    missing = _missing(answer)
    return [*lines, f"not given, and asked for: {', '.join(missing)}"] if missing else lines


def _missing(answer: Answer) -> list[str]:
    """Condition keys that were not given; of a definite resource they stand in the part for that resource."""
    parts = [answer, *answer.get("ResourceSpecificResults", [])]
    return sorted({key for part in parts for key in part.get("MissingContextValues", [])})


def _others(seen: Seen) -> Markup | str:
    if not seen.others:
        return ""
    head = tag("tr", *[tag("th", one, scope="col") for one in ("Who", f"{seen.asked.action}")])
    rows = [
        tag("tr", tag("td", _short(arn)), tag("td", f"{_mark(said)} {WORDS[said]}"), data_key=arn)
        for arn, said in sorted(seen.others, key=lambda one: (one[1] != "allowed", one[0]))
    ]
    return tag("table", head, *rows, class_="lab-table")


def _mark(said: str) -> str:
    return "✔" if said == "allowed" else "✘"


def _told(seen: Seen) -> list[str]:
    """All of it as text."""
    lines = ["IAM: policy simulator"]
    if seen.answer is not None:
        lines += [
            f"{_mark(seen.answer['EvalDecision'])} {_sentence(seen)}",
            *[f"  {one}" for one in reasons(seen.answer)],
        ]
    lines += [f"{_mark(said)} {_short(arn):40} {WORDS[said]}" for arn, said in seen.others]
    return [*lines, *filter(None, [seen.said])]
