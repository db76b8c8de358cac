"""start.5: a failing test stops the line, and is mended where the mistake is."""

from labsupport import samples
from labsupport.course.chapters.start.commands import MAIN, PUSH, REJECTED, committed, edited
from labsupport.course.chapters.start.seeing import LOG, WATCH, build, built, given, phase, pushed, queues, unpushed
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

FILE, TEST = "shop/basket.py", "tests/test_basket.py"
FOUND = f"{LOG} Look for FAIL. In the clone, `python3 -m unittest` runs the same tests."


@expect("the build of main's newest commit has succeeded")
def succeeded(world: World) -> Finding:
    found = built(world)
    if isinstance(found, Finding):
        return found
    record = build(world, found)
    if record.get("buildStatus") == "SUCCEEDED":
        return holds(f"build {record['id'].split(':')[1][:8]} of commit {found.commit[:8]}")
    ended = next((one["phaseType"] for one in record["phases"] if one.get("phaseStatus") == "FAILED"), "no phase")
    if pushed(world, FILE) == given(world, FILE) and unpushed(world, FILE) is not None:
        return not_right(
            "shop/basket.py is changed in your clone, and not pushed to main yet.",
            '`git commit -am "Mend it"`, then `git push origin HEAD:main`, in the clone.',
        )
    attempted = pushed(world, FILE) != given(world, FILE)
    say = not_right if attempted and phase(record, "BUILD") == "FAILED" else not_yet
    return say(f"The build of commit {found.commit[:8]} has failed in {ended}.", FOUND)


@expect("the test that noticed the mistake is as it was", given=True)
def untouched(world: World) -> Finding:
    there = pushed(world, TEST)
    if there is None or there == given(world, TEST):
        return holds("tests/test_basket.py")
    return not_right(
        "tests/test_basket.py has been changed on main.",
        f"The test says what the shop has promised its customers, so mend {FILE}. "
        "`git log --oneline -- tests` shows the commits that touched it.",
    )


@expect("the pipeline has come as far as the approval")
def asked(world: World) -> Finding:
    found = built(world)
    if isinstance(found, Finding):
        return found
    if "Approve" in found.actions:
        return holds(f"Approve is {found.status_of('Approve')}")
    if queues(world, found):
        return holds("it waits behind an older execution, which waits for its own approval: answer that one first")
    return not_yet(f"The execution {found.id[:8]} is {found.status}; Build is {found.status_of('Build')}.", WATCH)


EXERCISE = Exercise(
    id="start.5",
    title="A failing test stops the line",
    task="""
The build comes further now, and fails in its phase **BUILD**: a unit test does not hold. Nothing behind it has begun,
so no customer sees the mistake.

1. find out which test fails, and what it expected,
2. mend the application. The test is right: do not change it,
3. commit, push, and follow the pipeline to where it stops next.
""",
    objectives=("DVA-C02 3.3", "DVA-C02 4.1", "DOP-C02 1.2", "DOP-C02 5.3"),
    hints=(
        "The log has a block that begins with `FAIL:`. Its last line is a sentence that the test's author left.",
        "`>` and `>=` differ for one number. Which orders ship free of charge is decided in `shop/basket.py`.",
        f"In `shipping_for` of `shop/basket.py` the condition has to be `{samples.RIGHT.strip()}`. Commit and push it.",
    ),
    check=(succeeded, untouched, asked),
    solutions=(
        Solution(
            "an editor and git",
            bash(
                "cd shop\n"
                + edited(FILE, samples.WRONG, samples.RIGHT)
                + "python3 -m unittest -q\n"
                + committed("Ship orders of exactly 50.00 free of charge")
                + PUSH
            ),
            "Running the tests before the push takes a second; waiting for a build to say the same takes longer.",
        ),
        Solution(
            "boto3",
            python(f"{MAIN}change({{{FILE!r}: [(\n    {samples.WRONG!r},\n    {samples.RIGHT!r})]}})\n"),
            "The build is the judge in any case: the pipeline runs the tests on what main has, however it got there.",
        ),
    ),
    wrong=(
        Wrong(
            "not-pushed",
            bash("cd shop\n" + edited(FILE, samples.WRONG, samples.RIGHT)),
            Outcome.NOT_RIGHT,
            "not pushed to main yet",
            bash(f"cd shop\ngit checkout -q {FILE}\n"),
        ),
        Wrong(
            "test-changed",
            bash(
                "cd shop\n"
                + edited(TEST, "shipping_for(5000), 0,", "shipping_for(5000), 490,")
                + committed("Expect what it does")
                + PUSH
                + "lab watch shop\n"
            ),
            Outcome.NOT_RIGHT,
            "has been changed on main",
            python(f'{REJECTED}subprocess.run("cd shop && git revert --no-edit HEAD", shell=True, check=True)\n'),
        ),
    ),
    breaks=(
        python(
            f"{REJECTED}"
            'back = "cd shop && git revert --no-edit HEAD && git push -q origin HEAD:main"\n'
            "subprocess.run(back, shell=True, check=True)\n"
        ),
    ),
    shows=("test",),
)
