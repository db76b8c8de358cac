"""guard.1 and guard.2: rights through a group, and a deny that protects main."""

from labsupport.course.chapters.guard.seeing import ALLOWED, DENIED, arn, decision, found, repository_arn, simulate
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

USER, GROUP, POWER = "guard-dev", "guard-developers", "AWSCodeCommitPowerUser"
LIST = f"`aws iam list-groups-for-user --user-name {USER}` shows the user's groups."
INLINE = f"`aws iam list-group-policies --group-name {GROUP}` names the group's inline policies."


@expect(f"there is a user {USER}")
def user(world: World) -> Finding:
    answer = found(world.client("iam").get_user, UserName=USER)
    if answer is None:
        return not_yet("IAM has no user of that name.", "`aws iam create-user help`; `aws iam list-users` lists them.")
    return holds(answer["User"]["Arn"])


@expect(f"{USER} is in the group {GROUP}")
def member(world: World) -> Finding:
    iam = world.client("iam")
    if found(iam.get_group, GroupName=GROUP) is None:
        return not_yet("There is no group of that name.", "`aws iam create-group help`.")
    groups = found(iam.list_groups_for_user, UserName=USER) or {"Groups": []}
    names = [one["GroupName"] for one in groups["Groups"]]
    if GROUP in names:
        return holds(f"groups of {USER}: {', '.join(names)}")
    return not_yet(f"The group is there; {USER} is not in it.", f"`aws iam add-user-to-group help`. {LIST}")


@expect(f"the group has the policy {POWER}, and the user none of its own")
def through_the_group(world: World) -> Finding:
    iam = world.client("iam")
    own = found(iam.list_attached_user_policies, UserName=USER) or {"AttachedPolicies": []}
    direct = [one["PolicyName"] for one in own["AttachedPolicies"]]
    if direct:
        return not_right(
            f"{USER} has {', '.join(direct)} attached directly.",
            "Rights come through the group, so that the next developer gets them by joining it. "
            f"`aws iam detach-user-policy --user-name {USER} --policy-arn …` takes it away.",
        )
    group = found(iam.list_attached_group_policies, GroupName=GROUP)
    names = [one["PolicyName"] for one in (group or {"AttachedPolicies": []})["AttachedPolicies"]]
    if POWER in names:
        return holds(f"policies of {GROUP}: {', '.join(names)}")
    show = f"`aws iam list-attached-group-policies --group-name {GROUP}` shows its policies."
    if names:
        return not_right(f"The group has {', '.join(names)} instead.", show)
    return not_yet("No policy is attached to the group.", f"`aws iam attach-group-policy help`. {show}")


_JOIN_BOTO3 = f"""
from labsupport import lab

iam = lab.client("iam")
there = iam.exceptions.EntityAlreadyExistsException
for create in (lambda: iam.create_user(UserName="{USER}"), lambda: iam.create_group(GroupName="{GROUP}")):
    try:
        create()
    except there:
        pass
iam.add_user_to_group(UserName="{USER}", GroupName="{GROUP}")
iam.attach_group_policy(GroupName="{GROUP}", PolicyArn="arn:aws:iam::aws:policy/{POWER}")
"""

JOIN = Exercise(
    id="guard.1",
    title="A developer joins",
    task=f"""
A developer joins your team and needs a user. Rights given to people
one by one are soon forgotten, so the team gives them to a group:

- make the user **`{USER}`** and the group **`{GROUP}`**, and put the user into the group,
- attach AWS's managed policy **`{POWER}`** to the **group**; the user gets no policy of its own.
""",
    objectives=("DVA-C02 2.1", "DOP-C02 6.1"),
    hints=(
        "Three nouns, four commands: a user, a group, who is in it, and which policy it has. All are `aws iam …`.",
        "A managed policy is named by its ARN. AWS's own lie in the account `aws`: `arn:aws:iam::aws:policy/NAME`.",
        f"`aws iam add-user-to-group --user-name {USER} --group-name {GROUP}`, and "
        f"`aws iam attach-group-policy --group-name {GROUP} --policy-arn arn:aws:iam::aws:policy/{POWER}`.",
    ),
    check=(user, member, through_the_group),
    solutions=(
        Solution(
            "the AWS CLI",
            bash(
                f"aws iam create-user --user-name {USER} || true      # it may be there already\n"
                f"aws iam create-group --group-name {GROUP} || true\n"
                f"aws iam add-user-to-group --user-name {USER} --group-name {GROUP}\n"
                f"aws iam attach-group-policy --group-name {GROUP} \\\n"
                f"    --policy-arn arn:aws:iam::aws:policy/{POWER}\n"
            ),
            "The group carries the rights. Whoever joins it has them, whoever leaves it loses them at once.",
        ),
        Solution("boto3", python(_JOIN_BOTO3), "The same four calls; what is there already is left as it is."),
    ),
    wrong=(
        Wrong(
            "direct",
            bash(
                f"aws iam create-user --user-name {USER}\n"
                f"aws iam attach-user-policy --user-name {USER} --policy-arn arn:aws:iam::aws:policy/{POWER}\n"
            ),
            Outcome.NOT_RIGHT,
            "Rights come through the group",
            bash(f"aws iam detach-user-policy --user-name {USER} --policy-arn arn:aws:iam::aws:policy/{POWER}"),
        ),
        Wrong(
            "not in it",
            bash(
                f"aws iam create-group --group-name {GROUP}\n"
                f"aws iam attach-group-policy --group-name {GROUP} --policy-arn arn:aws:iam::aws:policy/{POWER}\n"
            ),
            Outcome.NOT_RIGHT,
            f"{USER} is not in it",
        ),
    ),
    breaks=(
        bash(f"aws iam remove-user-from-group --user-name {USER} --group-name {GROUP}"),
        bash(f"aws iam detach-group-policy --group-name {GROUP} --policy-arn arn:aws:iam::aws:policy/{POWER}"),
    ),
)


def _push(world: World, branch: str) -> str:
    return decision(
        world,
        arn(world, f"user/{USER}"),
        "codecommit:GitPush",
        repository_arn(world),
        {"codecommit:References": f"refs/heads/{branch}"},
    )


def _nobody(world: World) -> Finding | None:
    if found(world.client("iam").get_user, UserName=USER) is None:
        return not_yet(f"There is no user {USER} yet.", "Exercise guard.1 makes it.")
    return None


@expect(f"{USER} may push to a branch of its own", given=True)
def other_branches(world: World) -> Finding:
    missing = _nobody(world)
    if missing:
        return missing
    said = _push(world, "topic")
    if said == ALLOWED:
        return holds(f"GitPush to refs/heads/topic: {said}")
    return not_right(
        f"GitPush to refs/heads/topic: {said}.",
        "Only main is to be closed: a deny without a condition closes every branch. "
        f"{INLINE} `aws iam get-group-policy` shows one.",
    )


@expect(f"a push of {USER} to main is denied explicitly")
def main_is_closed(world: World) -> Finding:
    missing = _nobody(world)
    if missing:
        return missing
    said = _push(world, "main")
    if said == DENIED:
        return holds(f"GitPush to refs/heads/main: {said}")
    inline = found(world.client("iam").list_group_policies, GroupName=GROUP) or {"PolicyNames": []}
    if inline["PolicyNames"]:
        return not_right(
            f"GitPush to refs/heads/main: {said}, with the group's {', '.join(inline['PolicyNames'])}.",
            f"What one policy allows, another takes away only with a Deny that matches. {INLINE} "
            + simulate(arn(world, f"user/{USER}"), "codecommit:GitPush", repository_arn(world)),
        )
    return not_yet(f"GitPush to refs/heads/main: {said}.", f"`aws iam put-group-policy help`. {INLINE}")


def _protect(condition: str, effect: str = "Deny") -> str:
    """The command that puts the inline policy; `condition` is JSON, with its comma."""
    return (
        "account=$(aws sts get-caller-identity --query Account --output text)\n"
        f"aws iam put-group-policy --group-name {GROUP} --policy-name protect-main --policy-document '{{\n"
        '  "Version": "2012-10-17",\n'
        '  "Statement": [{\n'
        f'    "Effect": "{effect}",\n'
        '    "Action": ["codecommit:GitPush", "codecommit:DeleteBranch", "codecommit:PutFile", "codecommit:Merge*"],\n'
        f'    "Resource": "arn:aws:codecommit:us-east-1:\'$account\':guard-notes"{condition}\n'
        "  }]\n"
        "}'\n"
    )


_MAIN_ONLY = """,
    "Condition": {
      "StringEqualsIfExists": {"codecommit:References": ["refs/heads/main"]},
      "Null": {"codecommit:References": "false"}
    }"""

PROTECT = Exercise(
    id="guard.2",
    title="Nobody pushes to main",
    task=f"""
The group's policy lets `{USER}` push anywhere. Take one thing away: no push to **`main`** of the repository
**`guard-notes`**; every other branch stays open. Put an **inline policy** on the group `{GROUP}` that does it.

CodeCommit tells policies which branch a push is for: the condition key `codecommit:References` holds `refs/heads/main`.
""",
    objectives=("DVA-C02 2.1", "DOP-C02 1.1", "DOP-C02 6.1"),
    hints=(
        "You cannot take a right away by allowing less in a second policy: allows add up. What beats every allow?",
        'An explicit `"Effect": "Deny"` wins over any allow. A `Condition` narrows it to pushes to main. '
        "The first request of a push names no branch yet and must pass: `Null` tells whether a key is missing.",
        'Deny `codecommit:GitPush` on the repository with `"StringEqualsIfExists": {"codecommit:References": '
        '["refs/heads/main"]}` and `"Null": {"codecommit:References": "false"}`, by `aws iam put-group-policy`.',
    ),
    check=(other_branches, main_is_closed),
    solutions=(
        Solution(
            "the AWS CLI",
            bash(_protect(_MAIN_ONLY)),
            "An explicit deny beats every allow, in whatever policy that stands. `Null: false` makes the statement "
            "count only where a branch is named: the first request of a push names none, and has to pass.",
        ),
    ),
    wrong=(
        Wrong("every branch", bash(_protect("")), Outcome.NOT_RIGHT, "a deny without a condition closes every branch"),
        Wrong(
            "an allow",
            bash(
                _protect(
                    ',\n    "Condition": {"StringNotEquals": {"codecommit:References": "refs/heads/main"}}', "Allow"
                )
            ),
            Outcome.NOT_RIGHT,
            "only with a Deny that matches",
        ),
    ),
    breaks=(bash(f"aws iam delete-group-policy --group-name {GROUP} --policy-name protect-main"),),
)
