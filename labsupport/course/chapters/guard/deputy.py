"""guard.11: a service as somebody's deputy."""

import json

from labsupport.course.chapters.guard.seeing import Document, account, found, many, statements
from labsupport.course.declare import (
    Exercise,
    Finding,
    Outcome,
    Solution,
    World,
    Wrong,
    bash,
    expect,
    holds,
    not_right,
    not_yet,
    python,
)  # fmt: skip

TOPIC, SERVICE = "guard-alerts", "events.amazonaws.com"
EXACT = ("stringequals", "arnequals", "stringlike", "arnlike")


def _topic(world: World) -> str:
    return f"arn:aws:sns:us-east-1:{account(world)}:{TOPIC}"


def _show(world: World) -> str:
    asked = f"aws sns get-topic-attributes --topic-arn {_topic(world)} --query Attributes.Policy --output text"
    return f"`{asked}` shows the policy."


def _of_the_service(world: World) -> list[Document] | None:
    """The statements that let EventBridge publish; `None` where there is no topic."""
    answer = found(world.client("sns").get_topic_attributes, TopicArn=_topic(world))
    if answer is None:
        return None
    return [
        one
        for one in statements(answer["Attributes"]["Policy"])
        if one["Effect"] == "Allow" and _names_the_service(one.get("Principal"))
    ]


def _names_the_service(principal: object) -> bool:
    return isinstance(principal, dict) and SERVICE in many(principal.get("Service", []))


@expect(f"the topic lets {SERVICE} publish", given=True)
def publishes(world: World) -> Finding:
    allowed = _of_the_service(world)
    if allowed is None:
        return not_right(f"The topic {TOPIC} is gone.", "lab.reset('guard') brings the chapter's beginning back.")
    if allowed:
        return holds(", ".join(str(one.get("Sid", "a statement")) for one in allowed))
    return not_right(
        "No statement allows it any more: your own rules' messages would not arrive.",
        f"It needs its condition. {_show(world)}",
    )


@expect("and only on behalf of your own account")
def for_us_only(world: World) -> Finding:
    allowed = _of_the_service(world)
    if not allowed:
        return not_right("There is no statement to look at.", _show(world))
    for one in allowed:
        if not _narrowed(one, account(world)):
            return _open(world, one)
    return holds(json.dumps(allowed[0]["Condition"]))


def _open(world: World, one: Document) -> Finding:
    condition = one.get("Condition")
    if not condition:
        return not_yet(
            "Its statement has no condition: a rule of any account in the world gets through.",
            f"The keys `aws:SourceAccount` and `aws:SourceArn` tell for whom a service acts. {_show(world)}",
        )
    if "ifexists" in json.dumps(condition).lower():
        return not_right(
            "Its condition ends in IfExists, and holds where the key is missing.",
            f"Whoever comes without the key comes in: use the operator without IfExists. {_show(world)}",
        )
    return not_right(
        f"Its condition is {json.dumps(condition)}.",
        f"It has to name your account {account(world)} by `aws:SourceAccount`, or a rule of yours by `aws:SourceArn`. "
        f"{_show(world)}",
    )


def _narrowed(one: Document, mine: str) -> bool:
    """Whether a condition holds only for sources of this account."""
    for operator, pairs in one.get("Condition", {}).items():
        keys = {key.lower(): [str(value) for value in many(values)] for key, values in pairs.items()}
        if operator.lower() not in EXACT:
            continue
        accounts, arns = keys.get("aws:sourceaccount", []), keys.get("aws:sourcearn", [])
        if accounts and all(value == mine for value in accounts):
            return True
        if arns and all(value.split(":")[4:5] == [mine] for value in arns):
            return True
    return False


def _policy(condition: str, statement: bool = True) -> str:
    service = (
        f'  {{"Sid": "Events", "Effect": "Allow", "Principal": {{"Service": "{SERVICE}"}},\n'
        f'   "Action": "sns:Publish", "Resource": "$topic"{condition}}},\n'
    )
    return (
        "account=$(aws sts get-caller-identity --query Account --output text)\n"
        f"topic=arn:aws:sns:us-east-1:$account:{TOPIC}\n"
        "cat > guard-topic.json <<JSON\n"
        '{"Version": "2012-10-17", "Statement": [\n'
        + (service if statement else "")
        + '  {"Sid": "Owner", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::$account:root"},\n'
        '   "Action": ["sns:Publish", "sns:Subscribe", "sns:SetTopicAttributes"], "Resource": "$topic"}\n'
        "]}\n"
        "JSON\n"
        "aws sns set-topic-attributes --topic-arn $topic --attribute-name Policy \\\n"
        "    --attribute-value file://guard-topic.json\n"
    )


def _when(operator: str, value: str = "$account") -> str:
    return f',\n   "Condition": {{"{operator}": {{"aws:SourceAccount": "{value}"}}}}'


_BOTO3 = f"""
import json
from labsupport import lab

account = lab.client("sts").get_caller_identity()["Account"]
topic, sns = f"arn:aws:sns:us-east-1:{{account}}:{TOPIC}", lab.client("sns")
policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
policy["Statement"] = [one for one in policy["Statement"] if "Service" not in one["Principal"]]
policy["Statement"].append({{
    "Sid": "Events", "Effect": "Allow", "Principal": {{"Service": "{SERVICE}"}}, "Action": "sns:Publish",
    "Resource": topic, "Condition": {{"ArnLike": {{"aws:SourceArn":
    f"arn:aws:events:us-east-1:{{account}}:rule/*"}}}}}})
sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))
"""

EXERCISE = Exercise(
    id="guard.11",
    title="The confused deputy",
    task=f"""
The topic `{TOPIC}` lets EventBridge publish, so that your rules' messages arrive. But EventBridge works for every
account in the world: a stranger's rule could name your topic as its target, and the service, asked by a stranger, would
have your permission.

Narrow the topic's policy: `{SERVICE}` may publish **only on behalf of your own account**.
""",
    objectives=("DVA-C02 2.1", "DOP-C02 6.1", "DOP-C02 6.2"),
    hints=(
        "A service tells for whom it acts. Two global condition keys hold that: one the account, one the resource.",
        "`aws:SourceAccount` is the account's number, `aws:SourceArn` the rule's ARN. Add a `Condition` to the "
        "statement of the service.",
        '`"Condition": {"StringEquals": {"aws:SourceAccount": "ACCOUNT"}}`, and '
        "`aws sns set-topic-attributes --attribute-name Policy --attribute-value file://…`.",
    ),
    check=(publishes, for_us_only),
    solutions=(
        Solution(
            "the AWS CLI",
            bash(_policy(_when("StringEquals"))),
            "The service principal alone says *which* service; the condition says *for whom*. Role trust policies, "
            "bucket and key "
            "policies that name a service want the same.",
        ),
        Solution(
            "boto3", python(_BOTO3), "`aws:SourceArn` is narrower: rules of this account and Region, and nothing else."
        ),
    ),
    wrong=(
        Wrong(
            "shut", bash(_policy("", statement=False)), Outcome.NOT_RIGHT, "your own rules' messages would not arrive"
        ),
        Wrong(
            "if it exists",
            bash(_policy(_when("StringEqualsIfExists"))),
            Outcome.NOT_RIGHT,
            "holds where the key is missing",
        ),
        Wrong(
            "not mine",
            bash(_policy(_when("StringEquals", "111122223333"))),
            Outcome.NOT_RIGHT,
            "has to name your account",
        ),
    ),
    breaks=(bash(_policy("")),),
)
