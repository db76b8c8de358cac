"""start.6: the mail that asks, and the answer that lets a release go out."""

from labsupport.course.chapters.start.beginning import TICKET
from labsupport.course.chapters.start.commands import APPROVE, APPROVED, REJECTED
from labsupport.course.chapters.start.seeing import WATCH, Run, queues, release, waiting
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

STATE = "`aws codepipeline get-pipeline-state --name shop` shows what each stage waits for."
AGAIN = "`aws codepipeline start-pipeline-execution --name shop` begins a new run; answer it when it asks."


def _asked(world: World) -> Run | Finding:
    """The newest release, if its approval has been asked for; else what to say instead."""
    found = release(world)
    if isinstance(found, Finding) or "Approve" in found.actions:
        return found
    if queues(world, found):
        return not_yet(
            "An older execution waits for its approval, and this one waits behind it.",
            f"Answer the older one first (Rejected will do), then this one. {STATE}",
        )
    return not_yet(f"The execution {found.id[:8]} has not come to its approval: it is {found.status}.", WATCH)


@expect("the newest release is approved")
def approved(world: World) -> Finding:
    found = _asked(world)
    if isinstance(found, Finding):
        return found
    if waiting(found):
        return not_yet(f"The execution {found.id[:8]} waits for your answer.", STATE)
    if found.status_of("Approve") == "Succeeded":
        return holds(f"by {found.actions['Approve'].get('updatedBy', 'you')}, execution {found.id[:8]}")
    return not_right(
        f"It was rejected: {_comment(found)}",
        "`aws codepipeline retry-stage-execution --pipeline-name shop --stage-name Approve --retry-mode FAILED_ACTIONS "
        f"--pipeline-execution-id {found.id}` has it ask once more.",
    )


@expect("the comment quotes the ticket that the mail names")
def quoted(world: World) -> Finding:
    found = _asked(world)
    if isinstance(found, Finding) or waiting(found):
        return not_yet("Nothing has been answered yet.", 'Read the mail: `lab.mailbox(about="APPROVAL NEEDED")`.')
    if TICKET in _comment(found):
        return holds(_comment(found))
    return not_right(
        f"The comment is: {_comment(found) or 'empty'}.",
        f'The mail names a change ticket: `lab.mailbox(about="APPROVAL NEEDED")`. {AGAIN}',
    )


def _comment(found: Run) -> str:
    return str(found.result("Approve").get("externalExecutionSummary", ""))


@expect("the release has gone out: `Provision` and `Deploy` have succeeded")
def out(world: World) -> Finding:
    found = release(world)
    if isinstance(found, Finding):
        return found
    if found.status_of("Provision") == found.status_of("Deploy") == "Succeeded":
        return holds(f"execution {found.id[:8]} is {found.status}")
    failed = [name for name in ("Provision", "Deploy") if found.status_of(name) == "Failed"]
    if failed:
        return not_right(f"{failed[0]} has failed: {found.why()}", STATE)
    return not_yet(f"The execution {found.id[:8]} is {found.status} and has not deployed anything yet.", WATCH)


EXERCISE = Exercise(
    id="start.6",
    title="May it go out?",
    task="""
The build is done, its artifact lies encrypted in S3, and the pipeline waits for a person. You have got mail.

1. read it: `lab.mailbox(about="APPROVAL NEEDED", newest=1)`. It names a **change ticket**,
2. **approve** the release, and quote the ticket's number in your comment (`summary`).
   By click in the panel, or with `aws codepipeline put-approval-result`; the `token` that it needs is in
   `aws codepipeline get-pipeline-state --name shop`,
3. watch it go out: CloudFormation makes an instance to run on, CodeDeploy brings the shop there.
""",
    objectives=("DVA-C02 3.4", "DOP-C02 1.1", "DOP-C02 5.1"),
    hints=(
        'The panel of `lab.pipeline("shop").watch()` has a field for the comment and buttons. The mail\'s links lead '
        "to AWS's console, which has no part in this lab.",
        "Each time that an approval is asked for, it gets a new token, so that an answer cannot hit the wrong release. "
        "The token is in the state of the stage Approve, at `latestExecution`.",
        "`aws codepipeline put-approval-result --pipeline-name shop --stage-name Approve --action-name Approve "
        "--token … --result 'summary=\"… CHG-…\",status=Approved'`",
    ),
    check=(approved, quoted, out),
    solutions=(
        Solution(
            "the AWS CLI",
            bash(APPROVE),
            "`--query` picks the token out of the state. The answer is kept with your name: "
            "`list-action-executions` shows it.",
        ),
        Solution(
            "boto3",
            python("from labsupport import lab\n" + APPROVED),
            "The same two operations, and a loop that waits until the token is there.",
        ),
    ),
    wrong=(
        Wrong(
            "rejected",
            python(REJECTED),
            Outcome.NOT_RIGHT,
            "It was rejected",
            python(
                "from labsupport import lab\n\n"
                'codepipeline = lab.client("codepipeline")\n'
                'runs = codepipeline.list_pipeline_executions(pipelineName="shop")["pipelineExecutionSummaries"]\n'
                "codepipeline.retry_stage_execution(\n"
                '    pipelineName="shop", stageName="Approve", retryMode="FAILED_ACTIONS",\n'
                '    pipelineExecutionId=runs[0]["pipelineExecutionId"])\n'
            ),
        ),
        Wrong(
            "no-ticket",
            python("from labsupport import lab\n" + APPROVED.replace("CHG-1042: tests have passed", "fine")),
            Outcome.NOT_RIGHT,
            "The mail names a change ticket",
            bash("aws codepipeline start-pipeline-execution --name shop\n"),
        ),
    ),
    breaks=(bash("aws codepipeline start-pipeline-execution --name shop\n"),),
    shows=("provision", "deploy"),
)
