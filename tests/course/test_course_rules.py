"""The course's rules that can be seen in its declarations: what each exercise and question has to have."""

import json
import re
from collections import Counter

import notebook_runs
import pytest
from walking import chapters

from labsupport.course import registry
from labsupport.course.declare import Outcome
from labsupport.diagrams.course import STEPS

OBJECTIVES = registry.OURS.parent / "objectives.json"
EXAMS = ("DVA-C02 ", "DOP-C02 ")
each_chapter = pytest.mark.parametrize("name", chapters())
# What a notebook or a panel would fetch from another host. A link that somebody may follow is none of it.
LOADS = re.compile(
    r"""(?:src|srcset|poster|data)\s*=\s*["']?\s*(?:https?:)?//|@import|url\(\s*["']?(?:https?:)?//|!\[[^]]*\]\(https?://"""
    r"""|(?:import|from)\s*\(?\s*["']https?://|fetch\(\s*["'`](?:https?:)?//|<link[^>]+href|importScripts|require\.config""",
    re.IGNORECASE,
)


def problems(exercise):
    """What an exercise lacks of what course.md asks for."""
    tags = [one.tag for one in exercise.wrong]
    outcomes = {one.outcome for one in exercise.wrong}
    rules = {
        "a title and a task": exercise.title.strip() and exercise.task.strip(),
        "three hints, each another": len(set(exercise.hints)) == 3 and all(map(str.strip, exercise.hints)),
        "an expectation": exercise.check,
        "an expectation that is not given": any(not one.given for one in exercise.check),
        "names for its expectations, each another": len({one.name for one in exercise.check}) == len(exercise.check),
        "a solution with its why": exercise.solutions and all(one.by and one.why for one in exercise.solutions),
        "two tagged wrong answers": len(set(tags)) == len(tags) >= 2,
        "wrong answers with an outcome of the learner's": outcomes
        <= {Outcome.NOT_YET, Outcome.NOT_RIGHT, Outcome.RAISED},
        "wrong answers that say something": all(one.says.strip() for one in exercise.wrong),
        "something to take away": exercise.breaks,
        "objectives of both exams": all(any(one.startswith(exam) for one in exercise.objectives) for exam in EXAMS),
        "steps that are on the map": set(exercise.shows) <= {step for step, *_ in STEPS},
    }
    return [rule for rule, kept in rules.items() if not kept]


@each_chapter
def test_every_exercise_has_all_it_needs(name):
    lacking = {one.id: problems(one) for one in registry.chapter(name).exercises}
    assert {exercise: rules for exercise, rules in lacking.items() if rules} == {}


@each_chapter
def test_exercises_are_numbered_and_the_folder_names_the_chapter(name):
    chapter = registry.chapter(name)
    assert chapter.id == name
    assert [one.id for one in chapter.exercises] == [f"{name}.{n}" for n in range(1, len(chapter.exercises) + 1)]
    assert chapter.title.strip()


def question_problems(question):
    right = [one for one in question.options if one.right]
    rules = {
        "a text": question.text.strip(),
        "two options, each another": len({one.text for one in question.options}) == len(question.options) >= 2,
        "an explanation for each option": all(one.why.strip() for one in question.options),
        "a right option": right,
        "a wrong option": len(right) < len(question.options),
        "objectives": question.objectives,
        "proofs of wrong options that say something": all(
            one.proof is None or one.right or one.proof.says.strip() for one in question.options
        ),
    }
    return [rule for rule, kept in rules.items() if not kept]


@each_chapter
def test_every_question_has_all_it_needs(name):
    lacking = {one.id: question_problems(one) for one in registry.chapter(name).questions}
    assert {question: rules for question, rules in lacking.items() if rules} == {}


def test_questions_have_ids_of_their_own():
    ids = Counter(one.id for name in chapters() for one in registry.chapter(name).questions)
    assert [one for one, times in ids.items() if times > 1] == []


@each_chapter
def test_objectives_exist_in_the_exam_guides(name):
    known = set(json.loads(OBJECTIVES.read_text()))
    chapter = registry.chapter(name)
    named = {(one.id, goal) for one in (*chapter.exercises, *chapter.questions) for goal in one.objectives}
    assert sorted(pair for pair in named if pair[1] not in known) == []


@each_chapter
def test_an_objective_that_is_aimed_at_has_an_exercise_and_a_question(name):
    chapter = registry.chapter(name)
    exercised = {goal for one in chapter.exercises for goal in one.objectives}
    asked = {goal for one in chapter.questions for goal in one.objectives}
    assert exercised == asked


@each_chapter
def test_a_notebook_loads_nothing_from_another_host(name):
    sources = [cell.source for cell in notebook_runs.read(registry.chapter(name)).cells]
    assert [source for source in sources if LOADS.search(source)] == []


def test_cards_and_panels_load_nothing_from_another_host():
    folders = [registry.OURS.parent.parent / name for name in ("course", "panels", "diagrams")]
    files = [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in (".py", ".js", ".css", ".html", ".svg")
    ]
    assert len(files) > 10
    assert [path.name for path in files if LOADS.search(path.read_text())] == []


@pytest.mark.parametrize(
    ("text", "loads"),
    [
        ('<img src="https://example.org/x.png">', True),
        ("![a](https://example.org/x.png)", True),
        ("import x from 'https://esm.sh/x'", True),
        ("background: url(//example.org/x)", True),
        ('fetch("https://example.org")', True),
        ("[AWS's page](https://docs.aws.amazon.com/x)", False),
        ('<a href="https://docs.aws.amazon.com/x">', False),
        ("![a](docs/x.svg)", False),
        ("git clone https://git-codecommit.us-east-1.amazonaws.com/v1/repos/shop", False),
    ],
)
def test_the_rule_about_hosts(text, loads):
    assert bool(LOADS.search(text)) is loads
