"""guard.5: into another account, with an external id."""

from botocore.exceptions import ClientError

from labsupport.course.chapters.guard.seeing import account, events, role, statements
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

ROLE, EXTERNAL = "guard-audit", "guard-7731"
SHOW = f"`aws iam get-role --role-name {ROLE} --profile second` shows its trust policy."


@expect(f"the second account has a role {ROLE} that trusts the first account")
def trusts(world: World) -> Finding:
    found = role(world, ROLE, "second")
    if found is None:
        if role(world, ROLE) is not None:
            return not_right(
                f"{ROLE} was made in your own account.",
                "The account that is entered makes the role: add `--profile second` to the commands. "
                f"`aws iam delete-role --role-name {ROLE}` removes the one in yours.",
            )
        return not_yet("There is no such role.", "`aws iam create-role help`, with `--profile second`.")
    trusted = str([one.get("Principal") for one in statements(found["AssumeRolePolicyDocument"])])
    if account(world) not in trusted:
        return not_right(f"It trusts {trusted}.", f"The principal is the account that may come in. {SHOW}")
    return holds(trusted)


@expect(f"it is entered with the external id {EXTERNAL}")
def with_the_id(world: World) -> Finding:
    said = _tried(world, ExternalId=EXTERNAL)
    return said if isinstance(said, Finding) else _entered(said)


def _entered(refused: str) -> Finding:
    if not refused:
        return holds(f"AssumeRole with {EXTERNAL} is allowed")
    return not_right(f"AssumeRole with {EXTERNAL}: {refused}", SHOW)


@expect("and not without it")
def not_without(world: World) -> Finding:
    said = _tried(world)
    if isinstance(said, Finding):
        return said
    if said:
        return holds("AssumeRole without an external id is refused")
    return not_right(
        "AssumeRole without an external id is allowed.",
        "Whoever gets the partner to use this role's ARN for them would come in. The trust policy needs a Condition on "
        f"`sts:ExternalId`. {SHOW}",
    )


def _tried(world: World, **extra: str) -> str | Finding:
    """Why the role cannot be assumed; empty where it can."""
    found = role(world, ROLE, "second")
    if found is None:
        return not_yet("There is no role to try yet.", SHOW)
    try:
        world.client("sts").assume_role(RoleArn=found["Arn"], RoleSessionName="lab-check", DurationSeconds=900, **extra)
    except ClientError as error:
        return str(error.response["Error"]["Message"])
    return ""


@expect("you have entered it yourself")
def entered(world: World) -> Finding:
    found = role(world, ROLE, "second")
    if found is None:
        return not_yet("There is no role to enter yet.", SHOW)
    since = found["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ")  # an earlier role of the name was another one
    tries = [
        one
        for one in events(world, "AssumeRole")
        if (one["requestParameters"] or {}).get("roleArn") == found["Arn"] and one["eventTime"] >= since
    ]
    good = [one for one in tries if not one.get("errorCode")]
    if good:
        return holds(f"AssumeRole at {good[0]['eventTime']}")
    show = (
        "`aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=AssumeRole` shows it."
    )
    if tries:
        return not_right(f"AssumeRole was refused: {tries[0].get('errorMessage', '')}", show)
    return not_yet("CloudTrail has no AssumeRole of yours on it.", f"`aws sts assume-role help`. {show}")


def _trust(condition: str) -> str:
    return (
        "mine=$(aws sts get-caller-identity --query Account --output text)\n"
        "cat > guard-trust.json <<JSON\n"
        '{"Version": "2012-10-17", "Statement": [{\n'
        '  "Effect": "Allow", "Action": "sts:AssumeRole",\n'
        f'  "Principal": {{"AWS": "arn:aws:iam::$mine:root"}}{condition}\n'
        "}]}\n"
        "JSON\n"
    )


_CONDITION = f',\n  "Condition": {{"StringEquals": {{"sts:ExternalId": "{EXTERNAL}"}}}}'
_MAKE = (
    f"aws iam create-role --profile second --role-name {ROLE} \\\n"
    "    --assume-role-policy-document file://guard-trust.json || true\n"
    f"aws iam update-assume-role-policy --profile second --role-name {ROLE} \\\n"
    "    --policy-document file://guard-trust.json\n"
    f"aws iam attach-role-policy --profile second --role-name {ROLE} \\\n"
    "    --policy-arn arn:aws:iam::aws:policy/AWSCodeCommitReadOnly\n"
)
_ENTER = (
    "other=$(aws sts get-caller-identity --profile second --query Account --output text)\n"
    f"aws sts assume-role --role-arn arn:aws:iam::$other:role/{ROLE} --role-session-name audit \\\n"
    f"    --external-id {EXTERNAL} --query AssumedRoleUser.Arn\n"
)
_BOTO3 = f"""
import json
from labsupport import lab

mine = lab.client("sts").get_caller_identity()["Account"]
there = lab.client("iam", profile="second")
trust = json.dumps({{"Version": "2012-10-17", "Statement": [{{
    "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {{"AWS": f"arn:aws:iam::{{mine}}:root"}},
    "Condition": {{"StringEquals": {{"sts:ExternalId": "{EXTERNAL}"}}}}}}]}})
try:
    there.create_role(RoleName="{ROLE}", AssumeRolePolicyDocument=trust)
except there.exceptions.EntityAlreadyExistsException:
    there.update_assume_role_policy(RoleName="{ROLE}", PolicyDocument=trust)
there.attach_role_policy(RoleName="{ROLE}", PolicyArn="arn:aws:iam::aws:policy/AWSCodeCommitReadOnly")
arn = there.get_role(RoleName="{ROLE}")["Role"]["Arn"]
answer = lab.client("sts").assume_role(RoleArn=arn, RoleSessionName="audit", ExternalId="{EXTERNAL}")
print(answer["AssumedRoleUser"]["Arn"])
"""

EXERCISE = Exercise(
    id="guard.5",
    title="Into another account",
    task=f"""
Your auditor works in the account 123456789012, the code to be audited lies in **210987654321**. Nobody copies keys:
the second account makes a role, and says who may come in. (You are the administrator of both; `--profile second`
acts there.)

- In the **second** account, make the role **`{ROLE}`**, with the policy `AWSCodeCommitReadOnly`. Its trust policy
  lets the **first account** in, and only with the external id **`{EXTERNAL}`**.
- From the first account, **assume** it.
""",
    objectives=("DVA-C02 2.1", "DOP-C02 6.1", "DOP-C02 2.2"),
    hints=(
        "A role has two sides: its *trust policy* says who may become it, its other policies what it may do then.",
        'A trust policy\'s `Principal` is the account that may come in: `"AWS": "arn:aws:iam::123456789012:root"` '
        "means the whole account, not only its root user. The external id is a condition: `sts:ExternalId`.",
        f"`aws sts assume-role --role-arn arn:aws:iam::210987654321:role/{ROLE} --role-session-name audit "
        f"--external-id {EXTERNAL}`.",
    ),
    check=(trusts, with_the_id, not_without, entered),
    solutions=(
        Solution(
            "the AWS CLI",
            bash(_trust(_CONDITION) + _MAKE + _ENTER),
            "Both sides have to allow it: the trust policy over there, and your own policies here (`sts:AssumeRole`, "
            "which an administrator has). The external id keeps a partner from being used against you: the confused "
            "deputy.",
        ),
        Solution("boto3", python(_BOTO3), "The same with two clients: one on each account."),
    ),
    wrong=(
        Wrong(
            "my own account",
            bash(
                _trust(_CONDITION)
                + f"aws iam create-role --role-name {ROLE} --assume-role-policy-document file://guard-trust.json\n"
            ),
            Outcome.NOT_RIGHT,
            "was made in your own account",
            bash(f"aws iam delete-role --role-name {ROLE}"),
        ),
        Wrong("no external id", bash(_trust("") + _MAKE + _ENTER), Outcome.NOT_RIGHT, "Whoever gets the partner"),
    ),
    breaks=(
        bash(_trust("") + f"aws iam update-assume-role-policy --profile second --role-name {ROLE} "
             "--policy-document file://guard-trust.json\n"),
        bash(
            f"aws iam detach-role-policy --profile second --role-name {ROLE} "
            "--policy-arn arn:aws:iam::aws:policy/AWSCodeCommitReadOnly\n"
            f"aws iam delete-role --profile second --role-name {ROLE}"
        ),
    ),
)  # fmt: skip
