"""A pipeline's picture: what it says in DOT and in words, and what it falls back to."""

import re

import pytest

from labsupport.diagrams import render
from labsupport.diagrams.course import course_map
from labsupport.diagrams.dot import STATES
from labsupport.diagrams.pipeline import picture
from labsupport.diagrams.render import Picture


def action(name, provider="CodeBuild", order=1, takes=(), gives=()):
    return {
        "name": name,
        "runOrder": order,
        "actionTypeId": {"category": "Build", "owner": "AWS", "provider": provider, "version": "1"},
        "inputArtifacts": [{"name": one} for one in takes],
        "outputArtifacts": [{"name": one} for one in gives],
    }


DECLARED = {
    "name": "shop",
    "stages": [
        {"name": "Source", "actions": [action("Fetch", "CodeCommit", gives=["App"])]},
        {"name": "Build", "actions": [action("Compile", takes=["App"]), action("Lint"), action("Pack", order=2)]},
        {"name": 'De"ploy', "actions": [action("Go", "CodeDeploy")]},
    ],
}


def stage(name, status=None, run="new", **actions):
    latest = {"latestExecution": {"pipelineExecutionId": run, "status": status}} if status else {}
    states = [{"actionName": one, "latestExecution": {"status": two}} for one, two in actions.items()]
    return {"stageName": name, "actionStates": states, **latest}


STATE = {
    "stageStates": [
        stage("Source", "Succeeded", Fetch="Succeeded"),
        stage("Build", "Failed", Compile="Failed", Lint="Succeeded"),
        stage('De"ploy', "Succeeded", run="old", Go="Succeeded"),
    ]
}


@pytest.mark.parametrize(
    "words",
    [
        '"Source/Fetch" -> "Build/Compile" [label="App"]',
        '"Source/Fetch" -> "Build/Lint"',
        '"Build/Compile" -> "Build/Pack"',
        '"Build/Lint" -> "Build/Pack"',
        '"Build/Pack" -> "De\\"ploy/Go"',
        "✘ Compile",
        "✔ Lint",
        "· Pack",
    ],
)
def test_the_source_shows(words):
    assert words in picture(DECLARED, STATE).source


def test_actions_of_one_run_order_stand_side_by_side():
    assert '"Build/Compile" -> "Build/Lint"' not in picture(DECLARED, STATE).source


def test_a_stage_of_an_earlier_run_counts_as_not_reached():
    assert '· De"ploy: not reached yet' in picture(DECLARED, STATE).text


def test_the_text_says_why_an_action_failed():
    state = {"stageStates": [dict(STATE["stageStates"][0]), dict(STATE["stageStates"][1]), STATE["stageStates"][2]]}
    failed = {"status": "Failed", "errorDetails": {"code": "JobFailed", "message": "exit status 1"}}
    state["stageStates"][1]["actionStates"] = [{"actionName": "Compile", "latestExecution": failed}]
    assert "exit status 1" in picture(DECLARED, state).text


@pytest.fixture
def without_programs(monkeypatch):
    monkeypatch.setattr(render, "PROGRAMS", ())


@pytest.mark.parametrize("shown", [picture(DECLARED, STATE), course_map(["code"])])
def test_a_picture_is_drawn_with_its_text_for_who_cannot_see_it(shown):
    svg = shown.svg()
    assert svg is not None
    assert svg.startswith("<svg")
    assert 'role="img"' in svg
    assert "aria-label=" in svg
    assert "currentColor" in svg


def test_the_wheel_draws_where_dot_is_missing(monkeypatch):
    monkeypatch.setattr(render, "PROGRAMS", ("graphviz-pure",))
    drawn = picture(DECLARED, STATE).svg()
    assert drawn is not None
    assert "Compile" in drawn


def test_a_failed_action_says_why_in_the_picture():
    failed = {"status": "Failed", "errorDetails": {"code": "JobFailed", "message": "a long story " * 20}}
    states = [STATE["stageStates"][0], stage("Build", "Failed"), STATE["stageStates"][2]]
    states[1]["actionStates"] = [{"actionName": "Compile", "latestExecution": failed}]
    source = picture(DECLARED, {"stageStates": states}).source
    assert "✘ Compile\\nCodeBuild\\na long story a long story a\\n" in source
    assert " …" in source


def test_a_disabled_transition_is_marked_and_told_with_its_reason():
    shut = {"enabled": False, "disabledReason": "no releases today"}
    states = [*STATE["stageStates"][:2], {**STATE["stageStates"][2], "inboundTransitionState": shut}]
    shown = picture(DECLARED, {"stageStates": states})
    assert "transition disabled" in shown.source
    assert "is disabled: no releases today" in shown.text


@pytest.mark.usefixtures("without_programs")
def test_text_stands_in_where_nothing_draws():
    shown = picture(DECLARED, STATE)
    assert shown.svg() is None
    assert "<pre>Pipeline shop" in shown._repr_html_()


def test_what_cannot_be_drawn_is_told_in_words():
    assert Picture("no dot at all {", "some <words>")._repr_html_() == "<pre>some &lt;words&gt;</pre>"


@pytest.mark.parametrize("programs", [("dot", "graphviz-pure"), ("graphviz-pure",)])
def test_nothing_in_a_picture_is_black_or_white_whatever_the_theme(monkeypatch, programs):
    monkeypatch.setattr(render, "PROGRAMS", programs)
    svg = picture(DECLARED, STATE).svg()
    assert 'fill="currentColor"' in svg.partition(">")[0]  # what words inherit, which have no colour of their own
    fills = set(re.findall(r'(?:fill|stroke)="([^"]*)"', svg))
    assert fills <= {"none", "currentColor", *(colour for _, colour in STATES.values())}


def test_a_wide_picture_scrolls_where_it_would_be_too_small_to_read():
    shown = picture(DECLARED, STATE)._repr_html_()
    assert shown.startswith('<div style="overflow-x: auto; ')
    assert re.search(r"min-width: min\([\d.]+(pt|px), \d+rem\); max-width: 100%", shown)
