"""A watched pipeline: how long it is looked at, and what is shown meanwhile."""

import itertools

import IPython.display
import pytest

from labsupport.panels import pipeline

TYPE = {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"}
DECLARED = {"name": "shop", "stages": [{"name": "Build", "actions": [{"name": "Build", "actionTypeId": TYPE}]}]}


class CodePipeline:
    """Tells one status after another; the last one stays."""

    def __init__(self, *statuses, token=None):
        self.left, self.token = list(statuses), token

    def get_pipeline(self, name):
        return {"pipeline": DECLARED}

    def get_pipeline_state(self, name):
        latest = {"pipelineExecutionId": "1", "status": self.left[0]}
        action = {"status": self.left[0], **({"token": self.token} if self.token else {})}
        actions = [{"actionName": "Build", "latestExecution": action}]
        return {"stageStates": [{"stageName": "Build", "latestExecution": latest, "actionStates": actions}]}

    def list_pipeline_executions(self, pipelineName, maxResults):
        if len(self.left) > 1:
            self.left.pop(0)
        return {"pipelineExecutionSummaries": [{"status": self.left[0]}]}


class Place:
    def __init__(self):
        self.shown = []

    def update(self, picture):
        self.shown.append(picture.text)


@pytest.fixture
def watched(monkeypatch):
    """Watches with a clock that moves a second per look; gives what was shown after the first picture."""
    place, seconds = Place(), itertools.count()
    monkeypatch.setattr(IPython.display, "display", lambda *_, **__: place)
    monkeypatch.setattr(pipeline.time, "sleep", lambda _: None)
    monkeypatch.setattr(pipeline.time, "monotonic", lambda: float(next(seconds)))

    def watch(codepipeline, **options):
        pipeline.Watched(codepipeline, "shop").watch(**options)
        return [text.splitlines()[1] for text in place.shown]

    return watch


def test_the_picture_changes_with_the_pipeline(watched):
    assert watched(CodePipeline("InProgress", "InProgress", "Succeeded")) == ["✔ Build: Succeeded"]


def test_what_stays_as_it_is_is_not_drawn_again(watched):
    assert watched(CodePipeline("InProgress", *["InProgress"] * 5, "Failed")) == ["✘ Build: Failed"]


@pytest.mark.parametrize(
    ("codepipeline", "options"),
    [
        (CodePipeline("Succeeded"), {}),
        (CodePipeline("InProgress", token="waits-for-somebody"), {}),
        (CodePipeline("InProgress"), {"patience": 3.0}),
    ],
    ids=["it has ended", "it waits for an approval", "patience is at an end"],
)
def test_watching_ends_where(watched, codepipeline, options):
    assert watched(codepipeline, **options) == []


def test_a_push_may_take_a_moment_to_reach_the_pipeline(watched, monkeypatch):
    monkeypatch.setattr(pipeline, "SETTLING", 3.0)
    codepipeline = CodePipeline("Failed", "InProgress", "Succeeded")
    monkeypatch.setattr(pipeline.time, "sleep", lambda _: codepipeline.list_pipeline_executions("shop", 1))
    assert watched(codepipeline)[-1] == "✔ Build: Succeeded"
