"""The map of the course: its chapters, the chain that they follow, and how far the learner has come."""

from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import NamedTuple

from labsupport.diagrams.dot import STATES, edge, graph, node, quoted
from labsupport.diagrams.render import Picture

# What is done, by which service, and what it needs around it.
STEPS = (
    ("code", "CodeCommit", "git, branches, who may push"),
    ("build", "CodeBuild", "buildspec, logs, artifacts"),
    ("test", "CodeBuild", "a failing test stops the line"),
    ("deploy", "CodeDeploy", "agent, appspec, hooks"),
    ("provision", "CloudFormation", "templates, stacks, roll back"),
)
BEFORE = (
    ("start", "once around", "the first push goes all the way"),
    ("release", "CodePipeline", "it carries a change"),
)
BEHIND = (
    ("guard", "IAM, KMS, STS", "who may do what"),
    ("watch", "EventBridge, SNS", "what happens, and who is told"),
    ("gameday", "against the clock", "broken pipelines to mend"),
    ("exam", "DVA-C02, DOP-C02", "practice by domain"),
)
ORDER = ("start", "code", "build", "test", "deploy", "provision", "release", "guard", "watch", "gameday", "exam")
TO_COME = "to come"
Reached = tuple[int, int]  # exercises passed, and how many there are


class Chapter(NamedTuple):
    """A chapter as the map shows it. `state` is one of `dot.STATES`."""

    id: str
    by: str
    what: str
    state: str
    words: str

    @property
    def number(self) -> str:
        return f"{ORDER.index(self.id):02}"


def course_map(done: Collection[str] = (), chapters: Mapping[str, Reached] | None = None) -> Picture:
    """`done` are the steps of the chain that have been seen at work; `chapters` tells for each chapter that is there
    how many of its exercises are passed, and of how many. Chapters that are not there yet are marked so.
    """
    found = [_chapter(one, done, chapters or {}) for one in (*BEFORE, *STEPS, *BEHIND)]
    return Picture(_source(found), _text(found))


def _chapter(row: tuple[str, str, str], done: Collection[str], chapters: Mapping[str, Reached]) -> Chapter:
    name, by, what = row
    seen = "seen at work" if name in done else ""
    if name not in chapters:
        state = "Succeeded" if seen else ""
        return Chapter(name, by, what, state, " · ".join(filter(None, [seen, f"chapter {TO_COME}"])))
    passed, total = chapters[name]
    state = "Succeeded" if passed >= total > 0 else "InProgress" if passed or seen else ""
    return Chapter(name, by, what, state, " · ".join(filter(None, [seen, f"{passed} of {total} passed"])))


def _source(found: list[Chapter]) -> str:
    by_name = {one.id: one for one in found}
    rows = [[row[0] for row in rows] for rows in (BEFORE, STEPS, BEHIND)]
    lines = ["rankdir=TB ranksep=0.35 nodesep=0.22"]
    for row in rows:
        lines.append(f"{{ rank=same {' '.join(_node(by_name[name]) + ';' for name in row)} }}")
    chain = [name for name, _, _ in STEPS]
    lines += [edge(before, after) for before, after in pairwise(chain)]
    lines += [_faint("start", chain[0]), _faint("release", chain[2])]
    lines += [
        _hidden(above, below) for above, below in ((chain[0], "guard"), (chain[2], "watch"), (chain[3], "gameday"))
    ]
    lines += [_hidden(before, after) for before, after in pairwise(rows[2])]
    return graph(lines)


def _node(one: Chapter) -> str:
    words = one.words.replace(" · ", "\n")
    drawn = node(one.id, f"{one.number} {one.id}\n{one.by}\n{words}", one.state)
    return f"{drawn[:-1]} style={quoted('rounded,dashed')}]" if TO_COME in one.words else drawn


def _faint(start: str, end: str) -> str:
    return f"{quoted(start)} -> {quoted(end)} [style=dashed]"


def _hidden(start: str, end: str) -> str:
    """Keeps rows and columns in order."""
    return f"{quoted(start)} -> {quoted(end)} [style=invis]"


def _text(found: list[Chapter]) -> str:
    lines = ["The chapters; CodePipeline carries a change from code to provision:"]
    for one in sorted(found, key=lambda chapter: chapter.number):
        mark = STATES[one.state][0]
        lines.append(f"{mark} {one.number} {one.id:10} {one.by:18} {one.what:32} {one.words}")
    return "\n".join(lines)
