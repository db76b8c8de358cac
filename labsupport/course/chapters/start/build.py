"""start.3: what a build is told, and where it says what it did."""

from typing import Any

from labsupport.course.chapters.start.commands import MAIN, PUSH, committed, edited
from labsupport.course.chapters.start.seeing import LOG, build, built, given, phase, pushed, unpushed
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

FILE = "buildspec.yml"
LINE = ("  variables:\n", "  variables:\n    AUDIENCE: public\n")
SHOW = f"{LOG} `aws codebuild batch-get-builds --ids …` shows a build's phases."


@expect("main's newest commit was built with `AUDIENCE` set to `public`")
def told(world: World) -> Finding:
    found = built(world)
    if isinstance(found, Finding):
        return found
    record = build(world, found)
    value = {one["name"]: one["value"] for one in record.get("exportedEnvironmentVariables", [])}.get("AUDIENCE", "")
    if value == "public":
        return holds(f"build {record['id'].split(':')[1][:8]} of commit {found.commit[:8]} exported AUDIENCE=public")
    if value:
        return not_right(f"It was built with AUDIENCE={value}.", f"The value has to be public. {SHOW}")
    return _untold(world, record)


def _untold(world: World, record: dict[str, Any]) -> Finding:
    said = f"The build of main's newest commit says: {_message(record)}"
    if pushed(world, FILE) != given(world, FILE):
        return not_right(said, f"Look where AUDIENCE stands in buildspec.yml: below env, variables. {SHOW}")
    if unpushed(world, FILE) is not None:
        return not_right(
            "buildspec.yml is changed in your clone, and not pushed to main yet.",
            '`git commit -am "Say for whom"`, then `git push origin HEAD:main`, in the clone.',
        )
    return not_yet(said, SHOW)


def _message(record: dict[str, Any]) -> str:
    contexts = [each["message"] for one in record.get("phases", []) for each in one.get("contexts", [])]
    return next((message for message in contexts if message), "nothing")


@expect("that build got past its phase `PRE_BUILD`")
def past_pre_build(world: World) -> Finding:
    found = built(world)
    if isinstance(found, Finding):
        return found
    record = build(world, found)
    ended = phase(record, "PRE_BUILD")
    if ended == "SUCCEEDED":
        return holds(f"PRE_BUILD ended {ended}, BUILD {phase(record, 'BUILD')}")
    return not_yet(f"PRE_BUILD ended {ended}." if ended else f"It was not entered. {_message(record)}", SHOW)


EXERCISE = Exercise(
    id="start.3",
    title="What the build is told",
    task="""
The push has started the pipeline, and its **Build** has failed. Find out why, and mend it:

1. read the end of the build's log, which is in CloudWatch Logs (the command is below),
2. give the build what it misses, in `buildspec.yml`: a variable **`AUDIENCE`** with the value **`public`**,
3. commit, push, and look what becomes of it.

```bash
aws logs filter-log-events --log-group-name /aws/codebuild/shop-build \\
    --query "events[].[message]" --output text | tail -30
```

A test will fail after that. It is not part of this exercise.
""",
    objectives=("DVA-C02 3.1", "DVA-C02 4.1", "DOP-C02 1.1", "DOP-C02 1.3"),
    hints=(
        "The log's last lines before `Phase complete: PRE_BUILD State: FAILED` name what is missing. "
        "Look how `buildspec.yml` sets another variable.",
        "In a buildspec, `env` has a mapping `variables`: names and values, as plain text, for all commands. "
        "Indent with spaces, and as its neighbours are.",
        "Below `  variables:` add the line `    AUDIENCE: public` (four spaces). Then `git commit -am …` and "
        "`git push origin HEAD:main`, in the clone.",
    ),
    check=(told, past_pre_build),
    solutions=(
        Solution(
            "an editor and git",
            bash("cd shop\n" + edited(FILE, *LINE) + committed("Say for whom it is built") + PUSH),
            "The Python lines stand for your editor. A variable in the buildspec travels with the source, so whoever "
            "builds this commit builds it in the same way.",
        ),
        Solution(
            "boto3",
            python(f"{MAIN}change({{{FILE!r}: [({LINE[0]!r}, {LINE[1]!r})]}})\n"),
            "CreateCommit makes a commit without a clone; it starts the pipeline as a push does.",
        ),
    ),
    wrong=(
        Wrong(
            "not-pushed",
            bash("cd shop\n" + edited(FILE, *LINE)),
            Outcome.NOT_RIGHT,
            "not pushed to main yet",
            bash("cd shop\ngit checkout -q buildspec.yml\n"),
        ),
        Wrong(
            "wrong-place",
            bash(
                "cd shop\n"
                + edited(FILE, "env:\n", "env:\n  AUDIENCE: public\n")
                + committed("Say for whom it is built")
                + PUSH
            ),
            Outcome.NOT_RIGHT,
            "below env, variables",
            bash("cd shop\ngit revert --no-edit HEAD\n"),
        ),
    ),
    breaks=(
        bash(
            'cd shop\ncp "$LAB_HOME/material/shop/buildspec.yml" .\ngit commit -qam "Take it back"\n'
            "git push -q origin HEAD:main\n"
        ),
    ),
    shows=("build",),
)
