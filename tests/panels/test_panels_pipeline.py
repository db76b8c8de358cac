"""A pipeline's panel: what it shows, what its buttons do in a real cloud, and how long a cell waits for it."""

import re

import boto3
import pytest
from botocore.stub import Stubber
from panel_help import BUILDING, DONE, FAILED, WAITING, declared, state

from labsupport.panels import pipeline
from labsupport.panels.live import still
from labsupport.panels.pipeline_acts import acting
from labsupport.panels.pipeline_seen import Log, Looking, Seen, build_that_counts
from labsupport.panels.pipeline_view import headline, view
from labsupport.panels.watching import Note


def seen(status="InProgress", log=None, asks="Shall it go out?", **given):
    return Seen(declared(Approve={"CustomData": asks}), state(**given), "run-1", status, "abc Release", log)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (seen(""), "· It has not run yet."),
        (seen(Source=DONE, Build=BUILDING), "● At work: Build."),
        (seen(Source=DONE, Build=DONE, Approve=WAITING), "☞ Approve: the pipeline waits for an answer."),
        (seen("Failed", Source=DONE, Build=FAILED), "✘ The newest execution: Failed."),
        (seen("Succeeded", Source=DONE), "✔ The newest execution: Succeeded."),
        (seen(Source=DONE, shut="Build", waits="Build"), "‖ The execution waits before a transition that is disabled."),
    ],
)
def test_the_headline_says_the_one_thing_to_know(given, words):
    assert headline(given) == words
    assert words in view(given, Note()).text


def buttons(shown):
    return dict(re.findall(r'<button[^>]*data-do="(\w+)"[^>]*>([^<]+)', shown.html))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (seen("Succeeded", Source=DONE), {"start", "disable"}),
        (seen(Source=DONE, Build=BUILDING), {"start", "stop", "disable"}),
        (seen(Source=DONE, Build=DONE, Approve=WAITING), {"approve", "reject", "start", "stop", "disable"}),
        (seen("Failed", Source=DONE, Build=FAILED), {"retry", "start", "disable"}),
        (seen(Source=DONE, shut="Build", waits="Build"), {"enable", "start", "stop", "disable"}),
    ],
)
def test_the_buttons_are_those_that_can_act_now(given, expected):
    assert set(buttons(view(given, Note()))) == expected


def test_without_a_kernel_the_picture_and_what_happened_stay_and_no_button():
    kept = still(view(seen("Failed", Source=DONE, Build=FAILED), Note("said")).html)
    assert "<button" not in kept
    assert "1 test failed &amp; &lt;stopped&gt;" in kept
    assert "<svg" in kept


def test_the_log_is_shown_and_its_end_told_in_words():
    shown = view(
        seen(Source=DONE, Build=BUILDING, log=Log("Build", True, tuple(f"line {n}" for n in range(30)))), Note()
    )
    assert "line 0\n" in shown.html
    assert '<details data-key="log" open>' in shown.html
    assert "line 29" in shown.text
    assert "line 0\n" not in shown.text


@pytest.mark.parametrize("asks", ['<img src=x onerror="1">', "a & b"])
def test_what_people_have_written_is_text(asks):
    html = view(seen(Approve=WAITING, asks=asks), Note()).html
    assert asks not in html


def test_notes_and_why_nobody_looks_are_told():
    html = view(seen("Succeeded"), Note("✔ done", "Nothing has changed.")).html
    assert "✔ done" in html
    assert 'data-do="look"' in html


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ({"Source": DONE}, None),
        ({"Source": DONE, "Build": BUILDING}, ("Build", "shop-build:1", "InProgress")),
        ({"Source": DONE, "Build": {**FAILED, "externalExecutionId": "b:2"}}, ("Build", "b:2", "Failed")),
        ({"Source": DONE, "Build": FAILED}, None),
    ],
)
def test_the_build_whose_log_counts(actions, expected):
    assert build_that_counts(declared(), state(**actions)) == expected


class Clients:
    """The clients that a panel asks, telling one state after another; the last one stays."""

    def __init__(self, *states):
        self.states = list(states)
        self.asked = []
        self.lines = [["one\n"], ["two\n", "three\n"], []]

    def __call__(self, service):
        return self

    def get_pipeline(self, name):
        self.asked.append("get_pipeline")
        return {"pipeline": declared()}

    def get_pipeline_state(self, name):
        told = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {**told, "ResponseMetadata": {}}

    def list_pipeline_executions(self, pipelineName, maxResults):
        self.asked.append("list_pipeline_executions")
        status = next(
            one["latestExecution"]["status"] for one in self.states[0]["stageStates"] if "latestExecution" in one
        )
        return {"pipelineExecutionSummaries": [{"pipelineExecutionId": "run-1", "status": status}]}

    def batch_get_builds(self, ids):
        return {"builds": [{"logs": {"groupName": "group", "streamName": ids[0]}}]}

    def get_log_events(self, logGroupName, logStreamName, startFromHead, nextToken="0"):
        at = int(nextToken)
        return {"events": [{"message": one} for one in self.lines[at]], "nextForwardToken": str(min(at + 1, 2))}


def test_a_look_asks_more_only_where_something_has_changed():
    clients = Clients(state(Source=DONE))
    looking = Looking(clients, "shop")
    for _ in range(3):
        looking.look()
    assert sorted(clients.asked) == ["get_pipeline", "list_pipeline_executions"]


def test_the_log_is_read_on_from_where_it_was_read_last():
    ended = state(Source=DONE, Build={**BUILDING, "status": "Succeeded"})
    clients = Clients(*[state(Source=DONE, Build=BUILDING)] * 3, ended)
    looking = Looking(clients, "shop")
    told = [looking.look().log.lines for _ in range(4)]
    assert told == [("one",), ("one", "two", "three"), ("one", "two", "three"), ("one", "two", "three")]


TOKEN = "0b6e4f0e-7b1f-4f8e-9d7c-5a3b2c1d0e9f"
TO_BUILD = {"pipelineName": "shop", "stageName": "Build", "transitionType": "Inbound"}
ANSWER = {"pipelineName": "shop", "stageName": "Approve", "actionName": "Approve", "token": TOKEN}
ASKED = {"stage": "Approve", "action": "Approve", "token": TOKEN}


@pytest.mark.parametrize(
    ("what", "fields", "operation", "sent", "answer", "told"),
    [
        ("start", {}, "start_pipeline_execution", {"name": "shop"}, {"pipelineExecutionId": TOKEN}, TOKEN[:8]),
        (
            "approve", {**ASKED, "summary": " fine "}, "put_approval_result",
            {**ANSWER, "result": {"summary": "fine", "status": "Approved"}}, {}, "Approved: Approve",
        ),
        (
            "reject", {**ASKED, "summary": ""}, "put_approval_result",
            {**ANSWER, "result": {"summary": "Rejected", "status": "Rejected"}}, {}, "Rejected: Approve",
        ),
        (
            "retry", {"stage": "Build", "execution": TOKEN}, "retry_stage_execution",
            {"pipelineName": "shop", "stageName": "Build", "pipelineExecutionId": TOKEN, "retryMode": "FAILED_ACTIONS"},
            {"pipelineExecutionId": TOKEN}, "Build",
        ),
        (
            "stop", {"execution": TOKEN}, "stop_pipeline_execution",
            {"pipelineName": "shop", "pipelineExecutionId": TOKEN, "reason": "Stopped in the notebook"},
            {"pipelineExecutionId": TOKEN}, "stops",
        ),
        (
            "disable", {"stage": "Build", "reason": ""}, "disable_stage_transition",
            {**TO_BUILD, "reason": "Shut in the notebook"}, {}, "Nothing enters Build",
        ),
        ("enable", {"stage": "Build"}, "enable_stage_transition", TO_BUILD, {}, "may enter Build"),
    ],
)  # fmt: skip
def test_a_button_makes_the_call_that_the_cli_makes(what, fields, operation, sent, answer, told):
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    client = boto3.client("codepipeline", region_name="us-east-1", endpoint_url="http://127.0.0.1:1", **keys)
    with Stubber(client) as stub:
        stub.add_response(operation, answer, sent)
        assert told in acting(lambda _: client, "shop")(what, fields)
        stub.assert_no_pending_responses()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(pipeline, "SETTLING", 0.0)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "last",
    [
        {"Source": DONE},
        {"Source": {"status": "Failed"}},
        {"Source": WAITING},
        {"Source": {**DONE, "status": "InProgress"}, "shut": "Build", "waits": "Build"},
    ],
    ids=["it has ended", "it has failed", "it waits for an approval", "a transition is shut"],
)
def test_a_cell_that_watches_ends_when(last, capsys):
    if "shut" in last:
        last = {**last, "Source": DONE}
    pipeline.Watched(Clients(*[state(Source=BUILDING)] * 2, state(**last)), "shop").watch(patience=20)


@pytest.mark.usefixtures("quick")
def test_waiting_ends_when_patience_does():
    pipeline.Watched(Clients(state(Source=BUILDING)), "shop").watch(patience=0.01)


@pytest.mark.usefixtures("quick")
def test_wait_gives_how_the_execution_ended():
    assert pipeline.Watched(Clients(state(Source=BUILDING), state(Source=DONE)), "shop").wait() == "Succeeded"


def test_a_pipeline_that_is_not_there_is_awss_error():
    class Missing(Clients):
        def get_pipeline_state(self, name):
            raise LookupError("PipelineNotFoundException")

    with pytest.raises(LookupError):
        pipeline.Watched(Missing(state()), "shop").watch(wait=False)
