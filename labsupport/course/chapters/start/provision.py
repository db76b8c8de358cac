"""start.7: what the shop runs on is a file too."""

from typing import Any

from botocore.exceptions import ClientError

from labsupport.course.chapters.start.commands import APPROVE, APPROVED, MAIN, PUSH, committed, edited
from labsupport.course.chapters.start.seeing import (
    WATCH,
    given,
    nothing_pushed,
    pushed,
    stack_outputs,
    unpushed,
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
)

FILE, STACK = "template.yml", "shop-stack"
SHOW = f"`aws cloudformation describe-stack-events --stack-name {STACK} --max-items 5` shows the last events."
BUCKET = """\
  Invoices:
    Type: AWS::S3::Bucket
    Properties:
      Tags:
        - Key: app
          Value: !Ref AppName

"""
OUTPUT = """\
  InvoicesBucket:
    Description: Where the invoices lie.
    Value: !Ref Invoices
"""


def _bucket(world: World) -> dict[str, Any] | None:
    """The resource Invoices of the stack."""
    try:
        found = world.client("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId="Invoices")
    except ClientError:
        return None
    detail: dict[str, Any] = found["StackResourceDetail"]
    return detail if detail["ResourceType"] == "AWS::S3::Bucket" else None


@expect("main's `template.yml` has a bucket `Invoices`")
def declared(world: World) -> Finding:
    missing = nothing_pushed(world)
    if missing:
        return missing
    text = pushed(world, FILE) or ""
    if "Invoices:" in text and text.count("AWS::S3::Bucket") > given(world, FILE).count("AWS::S3::Bucket"):
        return holds("in its Resources")
    if unpushed(world, FILE) is not None:
        return not_right("template.yml is changed in your clone, and not pushed to main yet.", "Commit and push it.")
    if text != given(world, FILE):
        return not_right(
            "template.yml has changed, and has no resource Invoices.", "Copy the block Receipts, rename it."
        )
    if _bucket(world):
        return not_right(
            "The stack has it, main's template has not: the next release would delete the bucket.",
            "Put it into template.yml, and push.",
        )
    return not_yet("template.yml is as you have got it.", "Look at the block Receipts: the new one is much like it.")


@expect(f"the stack `{STACK}` has made the bucket")
def made(world: World) -> Finding:
    found = _bucket(world)
    if found and found["ResourceStatus"].endswith("_COMPLETE") and found["ResourceStatus"] != "DELETE_COMPLETE":
        return holds(f"{found['PhysicalResourceId']}: {found['ResourceStatus']}")
    if found:
        return not_right(f"The resource Invoices is {found['ResourceStatus']}.", SHOW)
    loose = [one["Name"] for one in world.client("s3").list_buckets()["Buckets"] if "invoice" in one["Name"]]
    if loose:
        return not_right(
            f"There is a bucket {loose[0]}, and it belongs to no stack: nobody could make it again from the "
            "repository.",
            f"Delete it, and let CloudFormation make one: put it into template.yml. {SHOW}",
        )
    return not_yet("The stack has no resource Invoices.", f"A pushed template waits for your approval. {WATCH}")


@expect("the stack's output `InvoicesBucket` is the bucket's name")
def told(world: World) -> Finding:
    outputs, found = stack_outputs(world), _bucket(world)
    show = f'`aws cloudformation describe-stacks --stack-name {STACK} --query "Stacks[0].Outputs"` shows the outputs.'
    if outputs is None:
        return not_yet("There is no stack yet.", "Exercise start.6 brings it about.")
    value = outputs.get("InvoicesBucket")
    if value is None:
        return not_yet(f"The outputs are {', '.join(outputs)}.", show)
    if found and value == found["PhysicalResourceId"]:
        return holds(value)
    return not_right(f"It is {value}.", f"`!Ref Invoices` gives a bucket's name. {show}")


EXERCISE = Exercise(
    id="start.7",
    title="What it runs on is a file, too",
    task="""
The shop needs a second bucket, for invoices. Nobody makes it by hand: `template.yml` says what there is, and
CloudFormation brings it about.

1. add a resource **`Invoices`** of the type `AWS::S3::Bucket` to `template.yml` (much like `Receipts`),
2. add an output **`InvoicesBucket`** whose value is the bucket's name,
3. push, approve when you are asked, and look at what the stack `shop-stack` has now.
""",
    objectives=("DVA-C02 3.1", "DVA-C02 3.4", "DOP-C02 2.1"),
    hints=(
        "Under `Resources` each block begins with a name of your choice, the logical id. Copy `Receipts` with all "
        "below it.",
        "`!Ref` of a bucket is its name. The real name, the physical id, is made up by CloudFormation; that is "
        "why an output "
        "tells it.",
        "Under `Outputs`: `InvoicesBucket:` and below it, indented further, `Value: !Ref Invoices`. Then commit, "
        "push, approve "
        '(as in start.6), and `lab.pipeline("shop").watch()`.',
    ),
    check=(declared, made, told),
    solutions=(
        Solution(
            "an editor and git",
            bash(
                "cd shop\n"
                + edited(FILE, "  Orders:\n", BUCKET + "  Orders:\n")
                + edited(FILE, "  OrdersTopic:\n", OUTPUT + "  OrdersTopic:\n")
                + committed("Keep invoices in a bucket of their own")
                + PUSH
                + APPROVE
            ),
            "The template is the whole wish, not the change: CloudFormation compares it with what there is, and "
            "makes the one "
            "bucket that is new. The instance is left alone.",
        ),
        Solution(
            "boto3",
            python(
                f'{MAIN}bucket = """\\\n{BUCKET}"""\noutput = """\\\n{OUTPUT}"""\n'
                'change({"template.yml": [("  Orders:\\n", bucket + "  Orders:\\n"),\n'
                '                         ("  OrdersTopic:\\n", output + "  OrdersTopic:\\n")]})\n'
                f"{APPROVED}"
            ),
            "One commit, one execution, one approval. With two commits the first of them might be what you approve.",
        ),
    ),
    wrong=(
        Wrong(
            "by-hand",
            python(
                'from labsupport import lab\n\nlab.client("s3").create_bucket(Bucket="shop-invoices-123456789012")\n'
            ),
            Outcome.NOT_RIGHT,
            "belongs to no stack",
            python(
                'from labsupport import lab\n\nlab.client("s3").delete_bucket(Bucket="shop-invoices-123456789012")\n'
            ),
        ),
        Wrong(
            "past-the-repository",
            bash(
                'cp "$LAB_HOME/material/shop/template.yml" invoices.yml\n'
                + edited("invoices.yml", "  Orders:\n", BUCKET + "  Orders:\n")
                + 'keep() { echo "ParameterKey=$1,UsePreviousValue=true"; }\n'
                "aws cloudformation update-stack --stack-name shop-stack --template-body file://invoices.yml \\\n"
                "    --capabilities CAPABILITY_IAM --parameters $(keep AppName) $(keep ArtifactBucket) \\\n"
                "    $(keep ArtifactKeyArn) $(keep ImageId)\n"
                "aws cloudformation wait stack-update-complete --stack-name shop-stack\n"
            ),
            Outcome.NOT_RIGHT,
            "the next release would delete the bucket",
        ),
    ),
    breaks=(
        python(
            "import os\n"
            "from pathlib import Path\n\n"
            "from labsupport import lab\n\n"
            'template = Path(os.environ["LAB_HOME"]) / "material" / "shop" / "template.yml"\n'
            'names = ("AppName", "ArtifactBucket", "ArtifactKeyArn", "ImageId")\n'
            'cloudformation = lab.client("cloudformation")\n'
            'cloudformation.update_stack(StackName="shop-stack", TemplateBody=template.read_text(),\n'
            '    Capabilities=["CAPABILITY_IAM"],\n'
            '    Parameters=[{"ParameterKey": name, "UsePreviousValue": True} for name in names])\n'
            'cloudformation.get_waiter("stack_update_complete").wait(\n'
            '    StackName="shop-stack", WaiterConfig={"Delay": 1, "MaxAttempts": 60})\n'
        ),
    ),
    shows=("provision",),
)
