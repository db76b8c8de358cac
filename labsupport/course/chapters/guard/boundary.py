"""guard.3: a role that may do everything, within a boundary."""

from labsupport.course.chapters.guard.seeing import ALLOWED, arn, attached, decision, role, simulate
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

ROLE, LIMITS, ADMIN = "guard-builder", "guard-limits", "AdministratorAccess"
SHOW = f"`aws iam get-role --role-name {ROLE}` shows its trust policy and its boundary."


@expect(f"CodeBuild may assume the role {ROLE}, to which {ADMIN} is attached")
def powerful(world: World) -> Finding:
    found = role(world, ROLE)
    if found is None:
        return not_yet("IAM has no role of that name.", "`aws iam create-role help`.")
    if "codebuild.amazonaws.com" not in str(found["AssumeRolePolicyDocument"]):
        return not_right("Its trust policy does not name codebuild.amazonaws.com.", SHOW)
    names = attached(world, ROLE)
    if ADMIN not in names:
        return not_right(f"Its policies: {', '.join(names) or 'none'}.", "`aws iam attach-role-policy help`.")
    return holds(f"policies: {', '.join(names)}")


@expect(f"{LIMITS} is its permissions boundary")
def bounded(world: World) -> Finding:
    found = role(world, ROLE)
    if found is None:
        return not_yet("There is no role to look at yet.", SHOW)
    boundary = found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
    if boundary == arn(world, f"policy/{LIMITS}"):
        return holds(boundary)
    if LIMITS in attached(world, ROLE):
        return not_right(
            f"{LIMITS} is attached to the role as a policy.",
            "There it adds rights and limits nothing. A boundary is set by `aws iam put-role-permissions-boundary` "
            f"or with the role's creation. {SHOW}",
        )
    return not_yet(f"Its boundary: {boundary or 'none'}.", f"`aws iam put-role-permissions-boundary help`. {SHOW}")


@expect("it may write to S3 and to the logs")
def inside(world: World) -> Finding:
    return _all(world, ("s3:PutObject", "logs:PutLogEvents"), allowed=True)


@expect("it may make no user and hand on no role")
def outside(world: World) -> Finding:
    return _all(world, ("iam:CreateUser", "iam:PassRole", "iam:DeleteRolePermissionsBoundary"), allowed=False)


def _all(world: World, actions: tuple[str, ...], allowed: bool) -> Finding:
    if role(world, ROLE) is None:
        return not_yet("There is no role to look at yet.", SHOW)
    holder = arn(world, f"role/{ROLE}")
    said = {action: decision(world, holder, action) for action in actions}
    off = [action for action, one in said.items() if (one == ALLOWED) is not allowed]
    words = ", ".join(f"{action}: {one}" for action, one in said.items())
    if not off:
        return holds(words)
    why = (
        "What a boundary doesn't name is not allowed."
        if allowed
        else "A boundary decides what a role can have at most."
    )
    return not_right(words, f"{why} {simulate(holder, off[0])}")


_TRUST = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", '
    '"Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}]}'
)
_LIMITS = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", '
    '"Action": ["s3:*", "logs:*", "codecommit:GitPull"], "Resource": "*"}]}'
)
_ROLE = f"aws iam create-role --role-name {ROLE} --assume-role-policy-document '{_TRUST}' || true\n"
_POLICY = (
    "account=$(aws sts get-caller-identity --query Account --output text)\n"
    f"aws iam create-policy --policy-name {LIMITS} --policy-document '{_LIMITS}' || true\n"
)
_ATTACH = f"aws iam attach-role-policy --role-name {ROLE} --policy-arn arn:aws:iam::aws:policy/{ADMIN}\n"
_BOTO3 = f"""
import json
from labsupport import lab

iam = lab.client("iam")
there = iam.exceptions.EntityAlreadyExistsException
account = lab.client("sts").get_caller_identity()["Account"]
limits = f"arn:aws:iam::{{account}}:policy/{LIMITS}"
trust = {_TRUST}
document = {_LIMITS}
for create in (
    lambda: iam.create_policy(PolicyName="{LIMITS}", PolicyDocument=json.dumps(document)),
    lambda: iam.create_role(RoleName="{ROLE}", AssumeRolePolicyDocument=json.dumps(trust), PermissionsBoundary=limits),
):
    try:
        create()
    except there:
        pass
iam.put_role_permissions_boundary(RoleName="{ROLE}", PermissionsBoundary=limits)
iam.attach_role_policy(RoleName="{ROLE}", PolicyArn="arn:aws:iam::aws:policy/{ADMIN}")
"""

EXERCISE = Exercise(
    id="guard.3",
    title="Everything, within limits",
    task=f"""
A team wants to write the policies of its own build role, and you don't want to read each of them. Give the role a
**permissions boundary**: whatever policies it gets, it can do no more than the boundary says.

- Make the managed policy **`{LIMITS}`** that allows all of `s3` and `logs`, and `codecommit:GitPull`; nothing else.
- Make the role **`{ROLE}`**, which CodeBuild may assume, with **`{LIMITS}` as its boundary**.
- Attach `{ADMIN}` to it, and see that it still cannot make users: `lab.simulator("role/{ROLE}")`, action
  `iam:CreateUser`.
""",
    objectives=("DVA-C02 2.1", "DOP-C02 6.1"),
    hints=(
        "A boundary is a managed policy that is put in another place. `aws iam put-role-permissions-boundary help`.",
        "What a role may do is what its policies allow **and** its boundary allows. A boundary gives nothing by "
        "itself. A new role also needs a *trust policy* (`create-role --assume-role-policy-document …`): who may act "
        'as it. For CodeBuild it allows `sts:AssumeRole` to the `Principal` `{"Service": "codebuild.amazonaws.com"}`.',
        f"`aws iam put-role-permissions-boundary --role-name {ROLE} --permissions-boundary "
        f"arn:aws:iam::ACCOUNT:policy/{LIMITS}`, with your account's number.",
    ),
    check=(powerful, bounded, inside, outside),
    solutions=(
        Solution(
            "the AWS CLI",
            bash(
                _POLICY
                + _ROLE
                + f"aws iam put-role-permissions-boundary --role-name {ROLE} \\\n"
                + f"    --permissions-boundary arn:aws:iam::$account:policy/{LIMITS}\n"
                + _ATTACH
            ),
            "The policy `AdministratorAccess` allows everything, the boundary S3, logs and reading code: what both "
            "allow "
            "is what the role may do.",
        ),
        Solution(
            "boto3", python(_BOTO3), "`create_role` can set the boundary at once, so the role is never without it."
        ),
    ),
    wrong=(
        Wrong(
            "as a policy",
            bash(
                _POLICY
                + _ROLE
                + _ATTACH
                + f"aws iam attach-role-policy --role-name {ROLE} --policy-arn arn:aws:iam::$account:policy/{LIMITS}\n"
            ),
            Outcome.NOT_RIGHT,
            "adds rights and limits nothing",
            bash(
                "account=$(aws sts get-caller-identity --query Account --output text)\n"
                f"aws iam detach-role-policy --role-name {ROLE} --policy-arn arn:aws:iam::$account:policy/{LIMITS}\n"
            ),
        ),
        Wrong(
            "too wide",
            bash(
                f"aws iam put-role-permissions-boundary --role-name {ROLE} "
                f"--permissions-boundary arn:aws:iam::aws:policy/{ADMIN}\n"
            ),
            Outcome.NOT_RIGHT,
            "iam:CreateUser: allowed",
        ),
    ),
    breaks=(
        bash(f"aws iam delete-role-permissions-boundary --role-name {ROLE}"),
        bash(f"aws iam detach-role-policy --role-name {ROLE} --policy-arn arn:aws:iam::aws:policy/{ADMIN}"),
    ),
)
