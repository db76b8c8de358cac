"""IAM's policy simulator as a panel: who, what, on what; the decision with its reasons; and who else may do it.

Everything comes from SimulatePrincipalPolicy, GetContextKeysForPrincipalPolicy and the lists of users and roles; only
what in the policies does nothing is told by the lab, of which IAM has no operation to ask.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from labsupport import home
from labsupport.diagrams.simulated import limits, simulated, statement
from labsupport.panels.live import Panel, View, live
from labsupport.panels.markup import Markup, join, tag, void

Client = Callable[[str], Any]
Answer = dict[str, Any]
Warned = Callable[[str], list[dict[str, Any]]]  # what the cloud's /_lab/warnings says about an ARN
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
    """`keys`: the condition keys that the holder's policies ask for; `warnings`: what in them does nothing.

    `others`: each user and role, and its decision.
    """

    asked: Asked
    holders: tuple[str, ...]
    answer: Answer | None = None
    keys: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    others: tuple[tuple[str, str], ...] = ()
    said: str = ""


def simulator(client: Client, holder: str = "", warned: Warned = lambda _: []) -> Panel:
    """The panel, on one user or role (`role/guard-pipeline`, or its ARN), or on the first that there is."""
    seen = [first(client, holder, warned)]

    def press(what: str, fields: dict[str, str]) -> View:
        asked = Asked(**{name: fields.get(name, "").strip() for name in ("holder", "action", "resource", "context")})
        look = decided if what == "decide" else everybody
        seen[0] = look(client, seen[0], asked, warned)
        return view(seen[0])

    return Panel(view(seen[0]), press)


def first(client: Client, holder: str, warned: Warned) -> Seen:
    """What is shown before anything has been asked."""
    holders = tuple(_holders(client("iam")))
    chosen = next((arn for arn in holders if holder and arn.endswith(f":{holder}")), holder)
    asked = Asked(holder=chosen or (holders[0] if holders else ""))
    return _known(client, Seen(asked, holders), warned) if asked.holder else Seen(asked, holders)


def _holders(iam: Any) -> Iterable[str]:
    for operation, answer in (("list_users", "Users"), ("list_roles", "Roles")):
        for page in iam.get_paginator(operation).paginate():
            yield from (one["Arn"] for one in page[answer])


def _known(client: Client, seen: Seen, warned: Warned) -> Seen:
    """With what is known of the holder's policies before any question is decided."""
    arn = seen.asked.holder
    found = client("iam").get_context_keys_for_principal_policy(PolicySourceArn=arn)
    return replace(seen, keys=tuple(found["ContextKeyNames"]), warnings=tuple(map(warning, warned(arn))))


def warning(one: dict[str, Any]) -> str:
    """A warning as a sentence that says where it is."""
    line = f", line {one['line']}" if one["line"] else ""
    return f"{one['policy']} of {one['holder']}{line}: {one['message']}"


def decided(client: Client, seen: Seen, asked: Asked, warned: Warned) -> Seen:
    """The decision for one holder; a sentence where IAM refuses the question."""
    seen = Seen(asked, seen.holders)
    try:
        return replace(_known(client, seen, warned), answer=result(client("iam"), asked, asked.holder))
    except _refusals() as problem:
        return replace(seen, said=str(problem))


def everybody(client: Client, seen: Seen, asked: Asked, warned: Warned) -> Seen:
    """The decision for every user and role of the account: who can do what."""
    seen = Seen(asked, seen.holders)
    try:
        others = [(arn, result(client("iam"), asked, arn)["EvalDecision"]) for arn in seen.holders]
        return replace(_known(client, seen, warned), others=tuple(others))
    except _refusals() as problem:
        return replace(seen, said=str(problem))


def _refusals() -> tuple[type[Exception], ...]:
    from botocore.exceptions import ClientError, ParamValidationError

    return ClientError, ParamValidationError, home.Trouble


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
        _warnings(seen),
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
        tag("label", "Resource ", void("input", name="resource", value=asked.resource, size=56)),
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


def _warnings(seen: Seen) -> Markup | str:
    """What is legal and does nothing: such a statement looks as if it allowed or denied something."""
    if not seen.warnings:
        return ""
    lines = [tag("li", line) for line in seen.warnings]
    head = tag("p", tag("strong", "⚠ In its policies this has no effect"))
    return tag("div", head, tag("ul", *lines), class_="lab-box lab-busy", data_key="warnings")


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
    return f"{_short(seen.asked.holder)}, {_question(seen.asked)}: {WORDS[seen.answer['EvalDecision']]}"


def _question(asked: Asked) -> str:
    return asked.action if asked.resource in ("", "*") else f"{asked.action} on {asked.resource}"


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
    head = tag("tr", *[tag("th", one, scope="col") for one in ("Who", _question(seen.asked))])
    rows = [
        tag("tr", tag("td", _short(arn)), tag("td", f"{_mark(said)} {WORDS[said]}"), data_key=arn)
        for arn, said in sorted(seen.others, key=lambda one: (one[1] != "allowed", one[0]))
    ]
    return tag("table", head, *rows, class_="lab-table")


def _mark(said: str) -> str:
    return "✔" if said == "allowed" else "✘"


def _told(seen: Seen) -> list[str]:
    """All of it as text."""
    lines = ["IAM: policy simulator", *[f"⚠ has no effect: {line}" for line in seen.warnings]]
    if seen.answer is not None:
        lines += [
            f"{_mark(seen.answer['EvalDecision'])} {_sentence(seen)}",
            *[f"  {one}" for one in reasons(seen.answer)],
        ]
    lines += [f"{_mark(said)} {_short(arn):40} {WORDS[said]}" for arn, said in seen.others]
    return [*lines, *filter(None, [seen.said])]
