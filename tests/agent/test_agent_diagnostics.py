"""What is reported of a command: the end of the log, and never more than an envelope holds."""

import json

import pytest

from labsupport.agent.diagnostics import SCRIPT_FAILED, CommandError, failure, report, success, tail


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ([], ""),
        (["a\n", "b\n"], "a\nb\n"),
        (["x" * 2000, "y" * 47, "z"], "x" * 2000 + "y" * 47 + "z"),
        (["x" * 2000, "y" * 48, "z"], "y" * 48 + "z"),
        (["a\n", "b" * 3000], "b" * 2048),
    ],
)
def test_the_last_whole_lines_are_kept(lines: list[str], kept: str) -> None:
    assert tail(lines) == kept


def test_a_failure_as_awss_agent_reports_it() -> None:
    envelope = failure(CommandError(SCRIPT_FAILED, "It failed", "a.sh", "[stderr]no\n"))
    assert envelope["Format"] == "JSON"
    assert json.loads(envelope["Payload"]) == {
        "error_code": 4,
        "script_name": "a.sh",
        "message": "It failed",
        "log": "[stderr]no\n",
    }
    assert json.loads(success("log")["Payload"])["error_code"] == 0


@pytest.mark.parametrize("text", ["\N{GRINNING FACE}", "ä", '"', "\0"])
def test_an_envelope_holds_what_it_may(text: str) -> None:
    payload = report(5, text * 3000, "s", text * 2048)["Payload"]
    assert len(payload) <= 8192
    assert json.loads(payload)["message"].startswith(text)
    assert json.loads(payload)["error_code"] == 5
