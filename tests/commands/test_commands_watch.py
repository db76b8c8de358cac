"""`lab watch`: what it prints of a pipeline, and when it ends."""

import pytest
from botocore.exceptions import ClientError

from labsupport.commands import watch

DECLARED = {
    "name": "shop",
    "stages": [
        {
            "name": "Source",
            "actions": [
                {
                    "name": "Source",
                    "actionTypeId": {"category": "Source", "provider": "CodeCommit"},
                    "configuration": {"RepositoryName": "shop", "BranchName": "main"},
                }
            ],
        },
        {"name": "Ask", "actions": [{"name": "Ask", "actionTypeId": {"category": "Approval", "provider": "Manual"}}]},
    ],
}


def action(name: str, status: str, error: str = "") -> dict:
    result = {"executionResult": {"errorDetails": {"message": error}}} if error else {}
    return {"stageName": name, "actionName": name, "status": status, "output": result}


class Pipeline:
    """CodePipeline's answers, one look after the other; the last goes on."""

    def __init__(self, *looks: tuple[str, list[dict]], inbound: str = "") -> None:
        self.looks = list(looks)
        self.inbound = inbound
        self.now = self.looks[0] if looks else ("", [])

    def list_pipeline_executions(self, **_):
        if not self.looks:
            return {"pipelineExecutionSummaries": []}
        self.now = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        revisions = [{"revisionId": "c0ffee"}]
        one = {"pipelineExecutionId": "12345678-x", "status": self.now[0], "sourceRevisions": revisions}
        return {"pipelineExecutionSummaries": [one]}

    def list_action_executions(self, **_):
        return {"actionExecutionDetails": self.now[1][::-1]}

    def get_pipeline_state(self, **_):
        waiting = {"actionName": "Ask", "latestExecution": {"token": "t"}}
        return {
            "stageStates": [
                {
                    "stageName": "Ask",
                    "inboundExecution": {"pipelineExecutionId": self.inbound},
                    "actionStates": [waiting],
                }
            ]
        }


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(watch, "PAUSE", 0)


@pytest.mark.parametrize(
    ("pipeline", "status", "words"),
    [
        (Pipeline(), 1, "No execution of shop"),
        (Pipeline(("Succeeded", [action("Source", "Succeeded")])), 0, "✔ Source     Succeeded"),
        (Pipeline(("Failed", [action("Source", "Failed", "No branch")])), 0, "  No branch"),
        (Pipeline(("InProgress", [action("Ask", "InProgress")])), 0, "● Ask        waits for an approval"),
        (
            Pipeline(("InProgress", [action("Source", "Succeeded")]), inbound="12345678-x"),
            0,
            "behind an older execution",
        ),
    ],
)
def test_it_ends_with_a_word_where_nothing_goes_on_by_itself(pipeline, status, words, capsys):
    assert watch.watch(pipeline, DECLARED) == status
    assert words in capsys.readouterr().out


def test_each_line_is_printed_once_while_it_goes_on(capsys):
    running = ("InProgress", [action("Source", "InProgress")])
    assert watch.watch(Pipeline(running, running, ("Succeeded", [action("Source", "Succeeded")])), DECLARED) == 0
    assert capsys.readouterr().out.splitlines() == [
        "● Source     InProgress",
        "✔ Source     Succeeded",
        "The execution 12345678 is Succeeded.",
    ]


def test_it_gives_up_in_the_end(monkeypatch, capsys):
    monkeypatch.setattr(watch, "PATIENCE", 0)
    assert watch.watch(Pipeline(("InProgress", [])), DECLARED) == 1
    assert "watch it again" in capsys.readouterr().err


class Commits:
    def __init__(self, commit: str) -> None:
        self.commit = commit

    def get_branch(self, **_):
        if not self.commit:
            raise ClientError({"Error": {"Code": "BranchDoesNotExistException", "Message": ""}}, "GetBranch")
        return {"branch": {"commitId": self.commit}}


@pytest.mark.parametrize(("commit", "looks"), [("c0ffee", 1), ("", 0)])
def test_it_waits_for_the_execution_that_has_the_newest_commit(commit, looks, monkeypatch):
    seen = []
    pipeline = Pipeline(("InProgress", []))
    monkeypatch.setattr(pipeline, "list_pipeline_executions", _counted(pipeline.list_pipeline_executions, seen))
    watch.wait_for_push({"codecommit": Commits(commit), "codepipeline": pipeline}.__getitem__, DECLARED)
    assert len(seen) == looks


def test_it_does_not_wait_for_ever_for_a_push_that_starts_nothing(monkeypatch):
    monkeypatch.setattr(watch, "COMING", 0.05)
    clients = {"codecommit": Commits("decaf"), "codepipeline": Pipeline(("Failed", []))}
    watch.wait_for_push(clients.__getitem__, DECLARED)


def _counted(call, seen):
    def counting(**given):
        seen.append(given)
        return call(**given)

    return counting
