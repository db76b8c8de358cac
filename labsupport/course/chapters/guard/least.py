"""guard.10: what a pipeline's role needs, and no more."""

from labsupport.course.chapters.guard.seeing import (
    ALLOWED,
    REGION,
    account,
    arn,
    bucket,
    decision,
    repository_arn,
    simulate,
)
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

ROLE = "guard-pipeline"
SHOW = f"`aws iam get-role-policy --role-name {ROLE} --policy-name {ROLE}` shows its policy."


def _project(world: World, name: str) -> str:
    return f"arn:aws:codebuild:{REGION}:{account(world)}:project/{name}"


def needed(world: World) -> list[tuple[str, str]]:
    objects = f"arn:aws:s3:::{bucket(world, 'artifacts')}/guard/source/a1b2c3d"
    build = _project(world, "guard-build")
    return [
        ("codecommit:GetBranch", repository_arn(world)),
        ("codecommit:GetCommit", repository_arn(world)),
        ("codecommit:UploadArchive", repository_arn(world)),
        ("codecommit:GetUploadArchiveStatus", repository_arn(world)),
        ("s3:GetObject", objects),
        ("s3:PutObject", objects),
        ("codebuild:StartBuild", build),
        ("codebuild:BatchGetBuilds", build),
    ]


def too_much(world: World) -> list[tuple[str, str]]:
    return [
        ("s3:DeleteObject", f"arn:aws:s3:::{bucket(world, 'artifacts')}/guard/source/a1b2c3d"),
        ("s3:GetObject", f"arn:aws:s3:::{bucket(world, 'archive')}/2025/report.txt"),
        ("s3:PutBucketPolicy", f"arn:aws:s3:::{bucket(world, 'artifacts')}"),
        ("codebuild:StartBuild", _project(world, "somebody-elses")),
        ("codebuild:UpdateProject", _project(world, "guard-build")),
        ("codecommit:GitPush", repository_arn(world)),
        ("codecommit:GetBranch", repository_arn(world, "another")),
        ("iam:PassRole", arn(world, "role/guard-builder")),
        ("kms:Decrypt", f"arn:aws:kms:{REGION}:{account(world)}:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    ]


@expect("it may do all that the pipeline does", given=True)
def enough(world: World) -> Finding:
    holder = arn(world, f"role/{ROLE}")
    off = [(action, on) for action, on in needed(world) if decision(world, holder, action, on) != ALLOWED]
    if not off:
        return holds(f"{len(needed(world))} of {len(needed(world))} calls are allowed")
    action, on = off[0]
    return not_right(
        f"It may not {', '.join(one for one, _ in off)}.",
        f"The pipeline needs it on {on}. {simulate(holder, action, on)}",
    )


@expect("and nothing beside it")
def no_more(world: World) -> Finding:
    holder = arn(world, f"role/{ROLE}")
    over = [(action, on) for action, on in too_much(world) if decision(world, holder, action, on) == ALLOWED]
    if not over:
        return holds(f"{len(too_much(world))} calls that it does not need are refused")
    action, on = over[0]
    words = f"It may {action} on {on}" + (f", and {len(over) - 1} more of the kind." if len(over) > 1 else ".")
    if len(over) == len(too_much(world)):
        return not_yet(words, f"{SHOW} {simulate(holder, action, on)}")
    return not_right(words, f"{SHOW} {simulate(holder, action, on)}")


def _policy(objects: str, build: str) -> str:
    return (
        "account=$(aws sts get-caller-identity --query Account --output text)\n"
        "cat > guard-pipeline.json <<JSON\n"
        '{"Version": "2012-10-17", "Statement": [\n'
        '  {"Effect": "Allow", "Resource": "arn:aws:codecommit:us-east-1:$account:guard-notes", "Action": [\n'
        '     "codecommit:GetBranch", "codecommit:GetCommit", "codecommit:UploadArchive",\n'
        '     "codecommit:GetUploadArchiveStatus", "codecommit:CancelUploadArchive"]},\n'
        f'  {{"Effect": "Allow", "Resource": "arn:aws:s3:::guard-artifacts-$account/*", "Action": [{objects}]}},\n'
        '  {"Effect": "Allow", "Resource": "arn:aws:codebuild:us-east-1:$account:project/guard-build",\n'
        f'   "Action": [{build}]}}\n'
        "]}\n"
        "JSON\n"
        f"aws iam put-role-policy --role-name {ROLE} --policy-name {ROLE} --policy-document "
        "file://guard-pipeline.json\n"
    )


_OBJECTS, _BUILD = '"s3:GetObject", "s3:PutObject"', '"codebuild:StartBuild", "codebuild:BatchGetBuilds"'
_BOTO3 = f"""
import json
from labsupport import lab

account = lab.client("sts").get_caller_identity()["Account"]
place = f"us-east-1:{{account}}"
allow = lambda actions, on: {{"Effect": "Allow", "Action": actions, "Resource": on}}
document = {{"Version": "2012-10-17", "Statement": [
    allow(["codecommit:GetBranch", "codecommit:GetCommit", "codecommit:UploadArchive",
           "codecommit:GetUploadArchiveStatus", "codecommit:CancelUploadArchive"],
          f"arn:aws:codecommit:{{place}}:guard-notes"),
    allow(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::guard-artifacts-{{account}}/*"),
    allow(["codebuild:StartBuild", "codebuild:BatchGetBuilds"], f"arn:aws:codebuild:{{place}}:project/guard-build"),
]}}
lab.client("iam").put_role_policy(RoleName="{ROLE}", PolicyName="{ROLE}", PolicyDocument=json.dumps(document))
"""

EXERCISE = Exercise(
    id="guard.10",
    title="Least privilege for a pipeline",
    task=f"""
Somebody was in a hurry: the policy of the role `{ROLE}` allows `*` on `*`. Write one that allows what its pipeline
does:

- **Source**: it asks for the branch and the commit of the repository `guard-notes`, has an archive made, and asks
  how far that is (`GetBranch`, `GetCommit`, `UploadArchive`, `GetUploadArchiveStatus`),
- it **reads and writes artifacts** in the bucket `guard-artifacts-ACCOUNT`, and deletes none,
- **Build**: it starts builds of the project `guard-build`, and looks at them (`StartBuild`, `BatchGetBuilds`).

Go step by step: change the role's inline policy `{ROLE}`, ask the simulator, change it again.
""",
    objectives=("DVA-C02 2.1", "DVA-C02 3.4", "DOP-C02 1.1", "DOP-C02 6.1", "DOP-C02 6.2"),
    hints=(
        "Three statements, one for each service: which actions, on which resource? Begin with one, and let the check "
        "say what is missing.",
        "An object's ARN is `arn:aws:s3:::BUCKET/KEY`, a project's `arn:aws:codebuild:REGION:ACCOUNT:project/NAME`, a "
        "repository's "
        "`arn:aws:codecommit:REGION:ACCOUNT:NAME`. `BUCKET/*` stands for all objects.",
        f"`aws iam put-role-policy --role-name {ROLE} --policy-name {ROLE} --policy-document file://…` replaces the "
        "policy; "
        f"`aws iam simulate-principal-policy --policy-source-arn …:role/{ROLE} --action-names … --resource-arns …` "
        "tells what it allows.",
    ),
    check=(enough, no_more),
    solutions=(
        Solution(
            "the AWS CLI",
            bash(_policy(_OBJECTS, _BUILD)),
            "Actions by name, resources by ARN. A later action of the pipeline adds its own statement; nothing is "
            "opened in advance.",
        ),
        Solution("boto3", python(_BOTO3), "The same document, put together in Python."),
    ),
    wrong=(
        Wrong("all of S3", bash(_policy('"s3:*"', _BUILD)), Outcome.NOT_RIGHT, "It may s3:DeleteObject"),
        Wrong(
            "blind",
            bash(_policy(_OBJECTS, '"codebuild:StartBuild"')),
            Outcome.NOT_RIGHT,
            "It may not codebuild:BatchGetBuilds",
        ),
    ),
    breaks=(bash(f"aws iam delete-role-policy --role-name {ROLE} --policy-name {ROLE}"),),
)
