"""The map of the course: every chapter that there is or will be, and how far the learner has come."""

import re

import pytest

from labsupport.diagrams.course import ORDER, course_map


@pytest.mark.parametrize("name", ORDER)
def test_every_chapter_of_the_course_is_on_it(name):
    shown = course_map()
    assert f"{ORDER.index(name):02} {name}" in shown.text
    assert f"{ORDER.index(name):02} {name}" in shown.source


def line(name, *given):
    found = re.search(rf"^(.) \d\d {name} .*?(\S+(?: \S+)*)$", course_map(*given).text, re.MULTILINE)
    assert found
    return found[1], re.split(r" {2,}", found[0])[-1]


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("code", (), ("·", "chapter to come")),
        ("code", (["code"],), ("✔", "seen at work · chapter to come")),
        ("code", ((), {"code": (0, 9)}), ("·", "0 of 9 passed")),
        ("code", ((), {"code": (3, 9)}), ("●", "3 of 9 passed")),
        ("code", (["code"], {"code": (0, 9)}), ("●", "seen at work · 0 of 9 passed")),
        ("code", (["code"], {"code": (9, 9)}), ("✔", "seen at work · 9 of 9 passed")),
        ("start", ((), {"start": (10, 10)}), ("✔", "10 of 10 passed")),
        ("start", ((), {"start": (0, 0)}), ("·", "0 of 0 passed")),
    ],
)
def test_a_chapter_says_how_far_it_is_done(name, given, expected):
    assert line(name, *given) == expected


def test_chapters_to_come_are_dashed_and_those_that_are_there_are_not():
    source = course_map((), {"start": (1, 10)}).source
    assert len(re.findall(r'"rounded,dashed"', source)) == len(ORDER) - 1
    assert re.search(r'"start" \[[^]]*dashed', source) is None


@pytest.mark.parametrize("given", [(), (["code", "build"], {"start": (1, 10)})])
def test_it_is_drawn_with_its_words(given):
    svg = course_map(*given).svg()
    assert svg is not None
    assert "10 exam" in svg
    assert "aria-label=" in svg
