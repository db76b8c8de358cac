"""start.9: a role that may not do enough, and how little it takes."""

import json
from fnmatch import fnmatchcase
from typing import Any

from labsupport.course.chapters.start.seeing import Run, run
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
)

ROLE, ACTION = "stock-build", "s3:PutObject"
BUCKET = "arn:aws:s3:::shop-artifacts-"
WHY = "`lab.why()` explains the last refused call (in a terminal: `lab why`)."
AGAIN = "`aws codepipeline start-pipeline-execution --name stock` runs it again."
SHOW = f"`aws iam list-role-policies --role-name {ROLE}` and `aws iam get-role-policy` show what the role may do."
STATEMENT = """\
{
  "Version": "2012-10-17",
  "Statement": [{
    "Sid": "WriteArtifacts",
    "Effect": "Allow",
    "Action": "s3:PutObject",
    "Resource": "arn:aws:s3:::shop-artifacts-123456789012/*"
  }]
}
"""


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _statements(world: World) -> list[dict[str, Any]]:
    """The statements of the role's own policies."""
    iam = world.client("iam")
    names = iam.list_role_policies(RoleName=ROLE)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=ROLE, PolicyName=name)["PolicyDocument"] for name in names]
    documents = [json.loads(one) if isinstance(one, str) else one for one in documents]
    return [statement for one in documents for statement in _listed(one["Statement"])]


def _attached(world: World) -> list[str]:
    found = world.client("iam").list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"]
    return [str(one["PolicyName"]) for one in found]


def _writes(statement: dict[str, Any]) -> bool:
    actions = [str(one).lower() for one in _listed(statement.get("Action", []))]
    return statement["Effect"] == "Allow" and any(fnmatchcase(ACTION.lower(), one) for one in actions)


@expect(f"the role `{ROLE}` may put objects into the artifact bucket")
def may(world: World) -> Finding:
    writing = [one for one in _statements(world) if _writes(one)]
    targets = [str(target) for one in writing for target in _listed(one.get("Resource", []))]
    good = [one for one in targets if one == "*" or (one.startswith(BUCKET) and "/" in one)]
    if good:
        return holds(f"{ACTION} on {good[0]}")
    if any(name in ("AmazonS3FullAccess", "AdministratorAccess") for name in _attached(world)):
        return holds(f"by {', '.join(_attached(world))}")
    if targets:
        return not_right(
            f"{ACTION} is allowed on {targets[0]}.",
            f"Objects are what is put, and an object's ARN is the bucket's, a /, and the key: …/* means all. {WHY}",
        )
    return not_yet(f"None of its statements allows {ACTION}.", f"{WHY} {SHOW}")


@expect("and nothing beyond its work", given=True)
def least(world: World) -> Finding:
    attached = _attached(world)
    if attached:
        return not_right(
            f"The policy {attached[0]} is attached to the role, and allows far more than writing artifacts.",
            f"`aws iam detach-role-policy` takes it away; write a statement of your own. {WHY}",
        )
    for statement in _statements(world):
        wide = [one for one in _listed(statement.get("Action", [])) if "*" in one]
        everywhere = _writes(statement) and "*" in _listed(statement.get("Resource", []))
        if statement["Effect"] == "Allow" and (wide or everywhere):
            what = wide[0] if wide else f"{ACTION} on every bucket"
            return not_right(f"A statement allows {what}.", f"Name the action and the bucket's objects. {WHY}")
    return holds("no policy attached, no action with a *")


@expect("an execution of `stock` has got past `Build`")
def built(world: World) -> Finding:
    found = run(world, "stock", having="Build")
    if found is None:
        return not_yet("No execution of stock has built anything so far.", AGAIN)
    if found.status_of("Build") == "Succeeded":
        return holds(f"execution {found.id[:8]}")
    if found.status_of("Build") == "InProgress":
        return not_yet("The build has not ended yet.", 'Watch it: `lab.pipeline("stock").watch()`.')
    return not_yet(f"Build has failed: {_reason(found)}", f"{WHY} Once the role is mended: {AGAIN}")


def _reason(found: Run) -> str:
    message = str(found.result("Build").get("errorDetails", {}).get("message", ""))
    return message.partition("Message: ")[2] or message


EXERCISE = Exercise(
    id="start.9",
    title="Access denied",
    task="""
A colleague, Robin, has left you a second pipeline, **`stock`**. It fails. Look at it: `lab.pipeline("stock").watch()`.

1. find out **who** was refused **what**, on **what**, and which permission was missing: `lab.why()`,
2. give the role **`stock-build`** what it misses, as an inline policy (`aws iam put-role-policy`), and **no more**
   than it needs: the one action, on the objects of the one bucket,
3. run the pipeline again, until `Build` succeeds. (What comes after it fails, too. That is the last exercise.)
""",
    objectives=("DVA-C02 2.1", "DVA-C02 4.1", "DOP-C02 5.3", "DOP-C02 6.1"),
    hints=(
        "The message has it all: an assumed role, an action and a resource. `lab.why()` adds a statement that "
        "would be enough "
        "for this one object.",
        "Every call of a service is made under a role, and a role may do only what its policies allow. The next "
        "build writes "
        "another object, so the statement has to cover all objects of the bucket: `arn:aws:s3:::BUCKET/*`.",
        "Write the policy into a file, `write.json`, and: `aws iam put-role-policy --role-name stock-build "
        "--policy-name write-artifacts --policy-document file://write.json`. Then "
        "`aws codepipeline start-pipeline-execution --name stock`.",
    ),
    check=(may, least, built),
    solutions=(
        Solution(
            "the AWS CLI",
            bash(
                f"cat > write.json <<'JSON'\n{STATEMENT}JSON\n"
                "aws iam put-role-policy --role-name stock-build --policy-name write-artifacts \\\n"
                "    --policy-document file://write.json\n"
                "aws codepipeline start-pipeline-execution --name stock\n"
            ),
            "One action, on one bucket's objects. A statement takes effect with the next call; the build need not "
            "be changed.",
        ),
        Solution(
            "boto3",
            python(
                "import json\n\nfrom labsupport import lab\n\n"
                'account = lab.client("sts").get_caller_identity()["Account"]\n'
                'statement = {"Effect": "Allow", "Action": "s3:PutObject",\n'
                '             "Resource": f"arn:aws:s3:::shop-artifacts-{account}/*"}\n'
                'lab.client("iam").put_role_policy(\n'
                '    RoleName="stock-build", PolicyName="write-artifacts",\n'
                '    PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))\n'
                'lab.client("codepipeline").start_pipeline_execution(name="stock")\n'
            ),
            "An inline policy belongs to this role alone, and goes when the role goes.",
        ),
    ),
    wrong=(
        Wrong(
            "everything",
            bash(
                "aws iam attach-role-policy --role-name stock-build \\\n"
                "    --policy-arn arn:aws:iam::aws:policy/AmazonS3FullAccess\n"
            ),
            Outcome.NOT_RIGHT,
            "allows far more than writing artifacts",
            bash(
                "aws iam detach-role-policy --role-name stock-build \\\n"
                "    --policy-arn arn:aws:iam::aws:policy/AmazonS3FullAccess\n"
            ),
        ),
        Wrong(
            "bucket-alone",
            bash(
                f"cat > write.json <<'JSON'\n{STATEMENT.replace('/*', '')}JSON\n"
                "aws iam put-role-policy --role-name stock-build --policy-name write-artifacts \\\n"
                "    --policy-document file://write.json\n"
            ),
            Outcome.NOT_RIGHT,
            "an object's ARN is the bucket's, a /, and the key",
        ),
    ),
    breaks=(bash("aws iam delete-role-policy --role-name stock-build --policy-name write-artifacts\n"),),
)
