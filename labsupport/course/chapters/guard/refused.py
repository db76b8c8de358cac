"""guard.12: a call that is refused, explained and mended."""

from labsupport.course.chapters.guard.seeing import ALLOWED, arn, bucket, content, decision, role, simulate
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

ROLE, LIMITS = "guard-release", "guard-release-limits"


@expect("the bucket guard-drop has released.txt")
def released(world: World) -> Finding:
    if content(world, bucket(world, "drop"), "released.txt") is None:
        return not_yet("There is no such object.", f"`aws s3 ls s3://{bucket(world, 'drop')}/` lists what is there.")
    return holds(f"s3://{bucket(world, 'drop')}/released.txt")


@expect(f"the role {ROLE} may put objects there")
def may(world: World) -> Finding:
    holder, on = arn(world, f"role/{ROLE}"), f"arn:aws:s3:::{bucket(world, 'drop')}/released.txt"
    said = decision(world, holder, "s3:PutObject", on)
    if said == ALLOWED:
        return holds(f"s3:PutObject: {said}")
    return not_yet(
        f"s3:PutObject: {said}.", f"`lab why` explains the last refused call. {simulate(holder, 's3:PutObject', on)}"
    )


@expect("its boundary is still there, and keeps the rest out", given=True)
def bounded(world: World) -> Finding:
    found = role(world, ROLE)
    if found is None:
        return not_right(f"The role {ROLE} is gone.", "lab.reset('guard') brings the chapter's beginning back.")
    if found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn") != arn(world, f"policy/{LIMITS}"):
        return not_right(
            "The boundary is gone.",
            "Whoever set it will want it back: widen it by what is missing instead. "
            f"`aws iam put-role-permissions-boundary --role-name {ROLE} --permissions-boundary "
            f"{arn(world, 'policy/' + LIMITS)}`",
        )
    return _keeps_out(world)


def _keeps_out(world: World) -> Finding:
    holder = arn(world, f"role/{ROLE}")
    tried = (
        ("s3:PutObject", f"arn:aws:s3:::{bucket(world, 'archive')}/2025/report.txt"),
        ("s3:DeleteBucket", f"arn:aws:s3:::{bucket(world, 'drop')}"),
        ("iam:CreateUser", "*"),
    )
    over = [(action, on) for action, on in tried if decision(world, holder, action, on) == ALLOWED]
    if over:
        action, on = over[0]
        return not_right(
            f"It may {action} on {on} now.",
            f"Only the one action on the one bucket was missing. {simulate(holder, action, on)}",
        )
    return holds(f"{len(tried)} other calls are refused")


_SETUP = "account=$(aws sts get-caller-identity --query Account --output text)\necho 1.0.0 > released.txt\n"
_TRY = (
    'read -r AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN <<< "$(aws sts assume-role \\\n'
    f"    --role-arn arn:aws:iam::$account:role/{ROLE} --role-session-name release \\\n"
    "    --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text)\"\n"
    "export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN\n"
    "aws s3 cp released.txt s3://guard-drop-$account/\n"
)


def _widen(action: str, resource: str) -> str:
    return (
        f"policy=arn:aws:iam::$account:policy/{LIMITS}\n"
        "for old in $(aws iam list-policy-versions --policy-arn $policy --query "
        '"Versions[?!IsDefaultVersion].VersionId" --output text)\n'
        "do aws iam delete-policy-version --policy-arn $policy --version-id $old; done\n"
        "cat > guard-limits.json <<JSON\n"
        '{"Version": "2012-10-17", "Statement": [\n'
        '  {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"},\n'
        f'  {{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}\n'
        "]}\n"
        "JSON\n"
        "aws iam create-policy-version --policy-arn $policy --set-as-default --policy-document "
        "file://guard-limits.json\n"
    )


_RIGHT = _widen("s3:PutObject", "arn:aws:s3:::guard-drop-$account/*")
_BOTO3 = f"""
import json
import boto3
from labsupport import lab

account = lab.client("sts").get_caller_identity()["Account"]
iam, policy = lab.client("iam"), f"arn:aws:iam::{{account}}:policy/{LIMITS}"
for one in iam.list_policy_versions(PolicyArn=policy)["Versions"]:
    if not one["IsDefaultVersion"]:
        iam.delete_policy_version(PolicyArn=policy, VersionId=one["VersionId"])
document = {{"Version": "2012-10-17", "Statement": [
    {{"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}},
    {{"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::guard-drop-{{account}}/*"}}]}}
iam.create_policy_version(PolicyArn=policy, PolicyDocument=json.dumps(document), SetAsDefault=True)
role = lab.client("sts").assume_role(RoleArn=f"arn:aws:iam::{{account}}:role/{ROLE}", RoleSessionName="release")
keys = role["Credentials"]
s3 = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]).client("s3")
s3.put_object(Bucket=f"guard-drop-{{account}}", Key="released.txt", Body=b"1.0.0")
"""

EXERCISE = Exercise(
    id="guard.12",
    title="Refused, although allowed",
    task=f"""
The role `{ROLE}` has a policy that allows `s3:*`. Use it, and see that it is refused all the same:

```
{_SETUP}{_TRY}```

Read AWS's sentence to its end, ask `lab.why()` (in a terminal `lab why`), and mend it **with as little as
possible**. Then put the file there as the role.
""",
    objectives=("DVA-C02 4.1", "DVA-C02 2.1", "DOP-C02 5.3", "DOP-C02 6.1"),
    hints=(
        "The sentence ends with *because no … allows the s3:PutObject action*. Which kind of policy does it name?",
        "A policy of the role's cannot help: what the boundary does not allow, no policy can. The boundary is a "
        "managed policy.",
        "`aws iam create-policy-version --policy-arn … --set-as-default --policy-document …` gives the boundary a new "
        "version: the old "
        "statements, and one that allows `s3:PutObject` on `arn:aws:s3:::guard-drop-ACCOUNT/*`.",
    ),
    check=(released, may, bounded),
    solutions=(
        Solution(
            "the AWS CLI",
            bash(_SETUP + _RIGHT + _TRY),
            "The boundary names the most that the role can have. It grew by one action on one bucket; everything else "
            "stays out.",
        ),
        Solution(
            "boto3", python(_BOTO3), "The same; the role's session comes from `assume_role` instead of a profile."
        ),
    ),
    wrong=(
        Wrong(
            "more policy",
            bash(
                _SETUP + f"aws iam attach-role-policy --role-name {ROLE} --policy-arn "
                "arn:aws:iam::aws:policy/AdministratorAccess\n" + "aws s3 cp released.txt s3://guard-drop-$account/\n"
            ),
            Outcome.NOT_RIGHT,
            "s3:PutObject: implicitDeny",
            bash(
                f"aws iam detach-role-policy --role-name {ROLE} --policy-arn "
                "arn:aws:iam::aws:policy/AdministratorAccess"
            ),
        ),
        Wrong(
            "no boundary",
            bash(f"aws iam delete-role-permissions-boundary --role-name {ROLE}"),
            Outcome.NOT_RIGHT,
            "widen it by what is missing",
            bash(
                "account=$(aws sts get-caller-identity --query Account --output text)\n"
                f"aws iam put-role-permissions-boundary --role-name {ROLE} --permissions-boundary "
                f"arn:aws:iam::$account:policy/{LIMITS}\n"
            ),
        ),
        Wrong(
            "all of S3",
            bash(_SETUP + _widen("s3:*", "*") + _TRY),
            Outcome.NOT_RIGHT,
            "Only the one action on the one bucket",
        ),
    ),
    breaks=(
        bash(
            "account=$(aws sts get-caller-identity --query Account --output text)\naws s3 rm "
            "s3://guard-drop-$account/released.txt\n"
        ),
        bash(
            "account=$(aws sts get-caller-identity --query Account --output text)\n" + _widen("logs:PutLogEvents", "*")
        ),
    ),
)
