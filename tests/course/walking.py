"""A chapter walked through as a learner would, mistakes included: what every chapter's declarations are proved by."""

import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labsupport import home
from labsupport.course import engine, registry, starting
from labsupport.course.declare import Chapter, Exercise, Outcome, Question, Step
from labsupport.course.progress.standing import standing
from labsupport.course.verdict import Verdict, words
from labsupport.course.world import CHECKING, Here, Ran

BEGINS = 10.0  # seconds that a starting point may take
CHECKS = 5.0  # seconds that a check may take
PATIENCE = 60.0  # seconds for a pipeline, a stack or a deployment to come to its end
SOON = 10.0  # seconds: what a service that only keeps things will do later than that is nothing to wait for
KEEPING = ("kms", "s3")  # a rotation, a lifecycle; the others have a job as long as something goes on


class Walk:
    """A walk through one chapter in one home folder."""

    def __init__(self, folder: Path, chapter: Chapter) -> None:
        self.folder, self.chapter = folder, chapter
        self.world = Here(folder, home.running(folder).url)

    def begin(self) -> None:
        """The starting point, twice: in time, with words, and the second time changes nothing of what a check sees."""
        for _ in range(2):
            began = time.monotonic()
            said = engine.begin(self.folder, self.chapter, self.world.url)
            took = time.monotonic() - began
            assert said.strip(), "a starting point says what is there"
            assert took < BEGINS * crowd(), f"the starting point took {took:.1f} s"

    def unsolved(self, exercise: Exercise) -> None:
        """Not yet, and every part that doesn't hold says what to try."""
        found = self.check(exercise)
        assert found.outcome is Outcome.NOT_YET, told(exercise, "at its beginning", found)
        silent = [
            part.name for part in found.parts if part.finding.outcome is not Outcome.PASSED and not part.finding.next
        ]
        assert silent == [], told(exercise, f"has no next step for {silent}", found)
        assert "Traceback" not in words(found)

    def wrong(self, exercise: Exercise) -> None:
        """Each wrong answer after the other gets its outcome and its message."""
        for one in exercise.wrong:
            self.world.run(one.step)
            found = self.until(exercise, lambda got, one=one: got.outcome is one.outcome and one.says in words(got))
            what = f"wrong answer {one.tag} should be {one.outcome.value!r} and say {one.says!r}"
            assert found.outcome is one.outcome, told(exercise, what, found)
            assert one.says in words(found), told(exercise, what, found)
            if one.mend:
                self.well(exercise, f"mending {one.tag}", one.mend)

    def solved(self, exercise: Exercise, number: int = 0) -> None:
        """The solution is passed, and passed when it is checked again."""
        chosen = exercise.solutions[min(number, len(exercise.solutions) - 1)]
        self.well(exercise, f"the solution with {chosen.by}", chosen.step)
        found = self.until(exercise, lambda got: got.outcome is Outcome.PASSED)
        assert found.outcome is Outcome.PASSED, told(exercise, f"after the solution with {chosen.by}", found)
        again = self.check(exercise)
        assert again.outcome is Outcome.PASSED, told(exercise, "checked once more", again)

    def broken(self, exercise: Exercise) -> None:
        """Whatever is taken away is missed, and the solution brings it back."""
        for number, step in enumerate(exercise.breaks, 1):
            self.well(exercise, f"break {number}", step)
            found = self.until(exercise, lambda got: got.outcome is not Outcome.PASSED)
            wanted = (Outcome.NOT_YET, Outcome.NOT_RIGHT, Outcome.RAISED)
            assert found.outcome in wanted, told(exercise, f"after break {number}", found)
            self.solved(exercise)

    def proved(self, question: Question) -> None:
        """The right options work, the wrong ones fail and say what their explanation says."""
        for number, option in enumerate(question.options, 1):
            if option.proof is None:
                continue
            if question.setting:
                ran = self.world.run(question.setting)
                assert ran.status == 0, f"{question.id}: its setting failed: {ran.output}"
            ran = self.world.run(option.proof.step)
            assert (ran.status == 0) is option.right, (
                f"{question.id}, option {number} ended with {ran.status}: {ran.output}"
            )
            assert option.proof.says in ran.output, f"{question.id}, option {number} said: {ran.output}"

    def check(self, exercise: Exercise) -> Verdict:
        """A check, which is quick and leaves the learner's clones as they were."""
        before, began = seen(self.folder / "clones"), time.monotonic()
        found = engine.check(self.folder, exercise.id)
        took = time.monotonic() - began
        assert took < CHECKS * crowd(), told(exercise, f"took {took:.1f} s", found)
        assert seen(self.folder / "clones") == before, told(exercise, "changed a clone", found)
        assert found.outcome is not Outcome.LAB_FAILED, told(exercise, "could not look", found)
        assert not found.note
        return found

    def until(self, exercise: Exercise, right) -> Verdict:
        """Check until it is as it should be, for what the cloud goes on doing after a step; the last verdict."""
        end = time.monotonic() + PATIENCE
        found = self.check(exercise)
        while not right(found) and time.monotonic() < end and in_motion(self.folder):
            time.sleep(0.2)
            found = self.check(exercise)
        return found

    def well(self, exercise: Exercise, what: str, step: Step) -> Ran:
        ran = self.world.run(step)
        assert ran.status == 0, f"{exercise.id}: {what} ended with {ran.status}:\n{ran.output}"
        return ran

    def reset(self) -> None:
        """The starting point again: nothing is solved, the learner's clones are kept aside, and so is progress."""
        clones = self.folder / "clones"
        had = [name for name in self.chapter.clones if (clones / name).exists()]
        said = starting.reset(self.folder, self.chapter.id)
        for exercise in self.chapter.exercises:
            self.unsolved(exercise)
        for name in had:
            kept = list(clones.glob(f"{name}.before-reset-*"))
            assert kept, f"the clone {name} is gone"
            assert str(kept[0]) in said
        self.counted()

    def counted(self) -> None:
        """Progress has it all."""
        stand = standing(engine.record(self.folder).events())
        assert all(stand.passed(one.id) for one in self.chapter.exercises)


def crowd() -> float:
    """How much longer everything may take because others use the machine too: the runnable processes for each core."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def told(exercise: Exercise, what: str, found: Verdict) -> str:
    return f"{exercise.id}: {what}\n{words(found)}"


def seen(folder: Path) -> str:
    """A digest of all files below a folder: names, contents and times of change."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        state = path.lstat()
        digest.update(f"{path} {state.st_size} {state.st_mtime_ns}".encode())
    return digest.hexdigest()


def in_motion(folder: Path) -> bool:
    """Whether the cloud has work to do: jobs of its outbox, but for those that wait for another day."""
    jobs = home.ask(folder, "GET", "/_lab/jobs")["jobs"]
    return any(job["service"] not in KEEPING or job["due"] < time.time() + SOON for job in jobs)


def writes_of_checks(world: Here) -> list[str]:
    """The calls that checks have made and that change something, by CloudTrail's event history."""
    assert any(of_a_check(one) for one in recorded(world, "true")), "the history has no calls of checks at all"
    return sorted({f"{one['EventSource']} {one['EventName']}" for one in recorded(world, "false") if of_a_check(one)})


def recorded(world: Here, read_only: str) -> Iterator[dict[str, Any]]:
    wanted = [{"AttributeKey": "ReadOnly", "AttributeValue": read_only}]
    pages = world.client("cloudtrail").get_paginator("lookup_events").paginate(LookupAttributes=wanted)
    return (one for page in pages for one in page["Events"])


def of_a_check(event: dict[str, Any]) -> bool:
    return CHECKING in json.loads(event["CloudTrailEvent"])["userAgent"]


def chapters() -> list[str]:
    """Every chapter that is there, and the tests' own."""
    return [path.name for path in sorted(registry.OURS.iterdir()) if (path / "__init__.py").is_file()] + ["tiny"]
