"""start.10: a broken pipeline, with more than one thing wrong in it."""

from typing import Any

from botocore.exceptions import ClientError

from labsupport.course.chapters.start.beginning import SLIP
from labsupport.course.chapters.start.commands import MAIN
from labsupport.course.chapters.start.material import STOCK
from labsupport.course.chapters.start.seeing import Run, head, pushed, run, stack_outputs
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

STATE = "`aws codepipeline get-pipeline-state --name stock` tells what each action said."
WATCH = 'Watch it: `lab.pipeline("stock").watch()`.'
STAGES = ["Source", "Build", "Provision"]


def _declared(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.client("codepipeline").get_pipeline(name="stock")["pipeline"]
    return found


@expect("the pipeline `stock` still has its three stages", given=True)
def whole(world: World) -> Finding:
    try:
        stages = [one["name"] for one in _declared(world)["stages"]]
    except ClientError:
        return not_right("There is no pipeline stock any more.", '`lab.start("start")` makes it anew.')
    if stages[: len(STAGES)] == STAGES:
        return holds(" → ".join(stages))
    return not_right(
        f"Its stages are {', '.join(stages)}.", "Provision has to stay: without it nothing is provisioned."
    )


@expect("an execution with main's newest commit has succeeded, to its end")
def through(world: World) -> Finding:
    newest = run(world, "stock")
    if newest is None or not newest.commit:
        return not_yet("No execution has fetched a commit so far.", STATE)
    if newest.status == "InProgress":
        return not_yet(f"The execution {newest.id[:8]} has not ended yet.", WATCH)
    if newest.status == "Succeeded" and newest.commit == head(world, "stock") and "Provision" in newest.actions:
        return holds(f"execution {newest.id[:8]} of commit {newest.commit[:8]}")
    return _failed(world, newest)


def _failed(world: World, newest: Run) -> Finding:
    stopped = next((name for name, one in newest.actions.items() if one["status"] == "Failed"), "its end")
    found = f"The newest execution is {newest.status} at {stopped}: {newest.why() or 'nothing failed'}"
    changed = pushed(world, "template.yml", "stock") != (STOCK / "template.yml").read_text() or not _slipped(world)
    return (not_right if changed else not_yet)(found, STATE)


def _slipped(world: World) -> bool:
    """Whether the pipeline is as Robin left it."""
    try:
        actions = [one for stage in _declared(world)["stages"] for one in stage["actions"]]
    except ClientError:
        return False
    return any(one["configuration"].get("TemplatePath") == SLIP for one in actions)


@expect("the stack `stock-stack` tells the topic in its output `ReorderTopic`")
def provisioned(world: World) -> Finding:
    outputs = stack_outputs(world, "stock-stack")
    show = "`aws cloudformation describe-stacks --stack-name stock-stack` shows the stack."
    if outputs is None:
        return not_yet("There is no stack stock-stack.", show)
    if ":stock-stack-Reorder" in outputs.get("ReorderTopic", ""):
        return holds(outputs["ReorderTopic"])
    return not_right(f"Its outputs are {outputs or 'none'}.", f"The output is the ARN of the topic Reorder. {show}")


EXERCISE = Exercise(
    id="start.10",
    title="The broken pipeline",
    task="""
Robin's pipeline `stock` builds again, and still does not get through. There is **more than one thing** wrong with it,
and each hides the next. Nobody tells you what. Mend it until it provisions its stack, `stock-stack`.

What helps: `lab.pipeline("stock").watch()`, the message of the action that failed, the repository `stock`
(clone it as you did with `shop`, or read a file with `aws codecommit get-file`), and the pipeline's declaration:

```bash
aws codepipeline get-pipeline --name stock --query pipeline > stock.json
# Change stock.json, then:
aws codepipeline update-pipeline --pipeline file://stock.json
```
""",
    objectives=("DVA-C02 4.1", "DOP-C02 1.1", "DOP-C02 2.1", "DOP-C02 5.3"),
    hints=(
        "The message names a file that is not in the artifact. Compare it with the files of the repository, "
        "letter by letter.",
        "The pipeline's declaration says which file of which artifact is the template. Once it is found, "
        "CloudFormation reads it, "
        "and refuses what refers to nothing.",
        "In the declaration, `TemplatePath` has to be `BuildOutput::template.yml`. In the repository's "
        "`template.yml`, the output "
        "refers to `Reorders`, and the resource is called `Reorder`.",
    ),
    check=(whole, through, provisioned),
    solutions=(
        Solution(
            "boto3",
            python(
                f'{MAIN}codepipeline = lab.client("codepipeline")\n'
                'declared = codepipeline.get_pipeline(name="stock")["pipeline"]\n'
                'provision = declared["stages"][2]["actions"][0]["configuration"]\n'
                'provision["TemplatePath"] = "BuildOutput::template.yml"\n'
                "codepipeline.update_pipeline(pipeline=declared)\n"
                'change({"template.yml": [("!Ref Reorders", "!Ref Reorder")]}, "stock")\n'
                'codepipeline.start_pipeline_execution(name="stock")\n'
            ),
            "First the path in the pipeline, which is no part of the repository; then the slip in the template, "
            "which is.",
        ),
        Solution(
            "the AWS CLI",
            bash(
                "aws codepipeline get-pipeline --name stock --query pipeline > stock.json\n"
                "sed 's/template.yaml/template.yml/' stock.json > mended.json\n"
                "aws codepipeline update-pipeline --pipeline file://mended.json --query pipeline.version\n"
                "aws codecommit get-file --repository-name stock --file-path template.yml \\\n"
                "    --query fileContent --output text | base64 --decode | sed 's/Reorders/Reorder/' > template.yml\n"
                "parent=$(aws codecommit get-branch --repository-name stock --branch-name main \\\n"
                "    --query branch.commitId --output text)\n"
                "aws codecommit put-file --repository-name stock --branch-name main --parent-commit-id $parent \\\n"
                "    --file-path template.yml --file-content fileb://template.yml\n"
            ),
            "`update-pipeline` takes the whole declaration, as `get-pipeline` gives it below `pipeline`. PutFile "
            "commits, and the "
            "commit starts the pipeline.",
        ),
    ),
    wrong=(
        Wrong(
            "path-alone",
            python(
                "from labsupport import lab\n\n"
                'codepipeline = lab.client("codepipeline")\n'
                'declared = codepipeline.get_pipeline(name="stock")["pipeline"]\n'
                'declared["stages"][2]["actions"][0]["configuration"]["TemplatePath"] = "BuildOutput::template.yml"\n'
                "codepipeline.update_pipeline(pipeline=declared)\n"
                'codepipeline.start_pipeline_execution(name="stock")\n'
            ),
            Outcome.NOT_RIGHT,
            "Reorders",
        ),
        Wrong(
            "by-hand",
            python(
                "from labsupport import lab\n\n"
                'body = """\n'
                "Resources:\n  Reorder:\n    Type: AWS::SNS::Topic\n"
                "Outputs:\n  ReorderTopic:\n    Value: !Ref Reorder\n"
                '"""\n'
                'lab.client("cloudformation").create_stack(StackName="stock-stack", TemplateBody=body)\n'
            ),
            Outcome.NOT_RIGHT,
            "The newest execution is Failed",
            bash(
                "aws cloudformation delete-stack --stack-name stock-stack\n"
                "aws cloudformation wait stack-delete-complete --stack-name stock-stack\n"
            ),
        ),
    ),
    breaks=(python(MAIN + 'change({"template.yml": [("!Ref Reorder", "!Ref Reorders")]}, "stock")\n'),),
)
