"""The map of the course: code, build, test, deploy, provision, and the service that does each."""

from collections.abc import Collection
from itertools import pairwise

from labsupport.diagrams.dot import TRUTH, edge, graph, node, quoted
from labsupport.diagrams.render import Picture

# What is done, by which service, and what it needs around it.
STEPS = (
    ("code", "CodeCommit", "git, branches, who may push"),
    ("build", "CodeBuild", "buildspec, logs, artifacts"),
    ("test", "CodeBuild", "a failing test stops the line"),
    ("deploy", "CodeDeploy", "agent, appspec, hooks"),
    ("provision", "CloudFormation", "templates, stacks, roll back"),
)
AROUND = ("IAM", "KMS", "S3", "SNS", "EventBridge", "CloudWatch Logs", "CloudTrail", "EC2")


def course_map(done: Collection[str] = ()) -> Picture:
    """`done` are the steps that have been shown to work."""
    lines = [node(step, f"{step}\n{service}", TRUTH[step in done]) for step, service, _ in STEPS]
    lines += [edge(before[0], after[0]) for before, after in pairwise(STEPS)]
    words = f"CodePipeline carries a change from step to step\naround them all: {' · '.join(AROUND)}"
    lines.append(f"label={quoted(words)} labelloc=b fontsize=12")
    return Picture(graph(lines), _text(done))


def _text(done: Collection[str]) -> str:
    lines = ["CodePipeline carries a change from step to step:"]
    for step, service, what in STEPS:
        lines.append(f"{'✔' if step in done else '·'} {step:10} {service:15} {what}")
    return "\n".join([*lines, f"Around them all: {', '.join(AROUND)}"])
