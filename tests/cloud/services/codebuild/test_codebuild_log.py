"""A build's log before it reaches CloudWatch Logs: in batches, in order, without secrets, and not without end."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from labsupport.cloud.core.clock import Clock
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codebuild import log as module
from labsupport.cloud.services.codebuild.log import MOST_AT_ONCE, BuildLog

MOMENT = 1_795_406_400.25  # 2026/11/23 04:00:00.25 UTC


def written(work: Callable[[BuildLog], None], **settings: Any) -> list[list[dict[str, Any]]]:
    """The batches that come of it."""
    batches: list[list[dict[str, Any]]] = []

    async def main() -> None:
        found = BuildLog(Clock(MOMENT), batches.append, **settings)
        work(found)
        found.flush()

    asyncio.run(main())
    return batches


def messages(batches: list[list[dict[str, Any]]]) -> list[str]:
    return [event["message"] for batch in batches for event in batch]


def test_own_lines_have_the_time() -> None:
    batches = written(lambda log: log.say("Waiting for agent ping"))
    assert messages(batches) == ["[Container] 2026/11/23 04:00:00.250000 Waiting for agent ping\n"]
    assert batches[0][0]["timestamp"] == MOMENT * 1000


@pytest.mark.parametrize(
    ("secrets", "line", "shown"),
    [
        (["hunter2"], "the word is hunter2!", "the word is ***!"),
        (["hunter2", "hunter2-long"], "hunter2-long hunter2", "*** ***"),
        (["two\nlines"], "two and lines", "*** and ***"),
        (["a.c"], "abc a.c", "abc ***"),
        (["x", ""], "x stays", "x stays"),
        (["  padded  "], "[padded]", "[***]"),
        ([], "key ASIAABCDEFGHIJKLMNOP is one", "key *** is one"),
        ([], "nothing to hide", "nothing to hide"),
    ],
)
def test_secrets_are_masked(secrets: list[str], line: str, shown: str) -> None:
    def work(log: BuildLog) -> None:
        log.hide(secrets)
        log.output(line)
        log.say(line)

    first, second = messages(written(work))
    assert first == shown + "\n"
    assert second.endswith(f" {shown}\n")


def test_all_secrets_of_a_build_are_masked() -> None:
    def work(log: BuildLog) -> None:
        log.hide(["first-secret"])
        log.hide(["second-secret"])
        log.output("first-secret second-secret")

    assert messages(written(work)) == ["*** ***\n"]


def test_many_lines_go_in_batches() -> None:
    def work(log: BuildLog) -> None:
        for number in range(2 * MOST_AT_ONCE + 5):
            log.output(str(number))

    batches = written(work)
    assert [len(batch) for batch in batches] == [MOST_AT_ONCE, MOST_AT_ONCE, 5]
    assert messages(batches) == [f"{number}\n" for number in range(2 * MOST_AT_ONCE + 5)]


def test_a_batch_is_not_too_large() -> None:
    batches = written(lambda log: [log.output("é" * 30_000) for _ in range(40)] and None)
    assert len(batches) == 3
    assert all(sum(len(one["message"].encode()) + 26 for one in batch) <= 1_048_576 for batch in batches)
    assert len(messages(batches)) == 40


def test_a_batch_does_not_span_days() -> None:
    def work(log: BuildLog) -> None:
        log.output("a")
        log.clock.advance(25 * 3600)
        log.output("b")

    assert [[one["message"] for one in batch] for batch in written(work)] == [["a\n"], ["b\n"]]


def test_a_flood_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LINES", 10)

    def work(log: BuildLog) -> None:
        for number in range(100):
            log.output(str(number))
        log.say("Phase complete")

    found = messages(written(work))
    assert found[:10] == [f"{number}\n" for number in range(10)]
    assert "The log shows no more of the commands' output: it is longer than 10 lines" in found[10]
    assert [line.endswith("Phase complete\n") for line in found[11:]] == [True]


def test_lines_are_sent_without_being_asked_for() -> None:
    async def main() -> None:
        sent = asyncio.get_running_loop().create_future()
        log = BuildLog(Clock(MOMENT), sent.set_result)
        log.output("line")
        assert [one["message"] for one in await asyncio.wait_for(sent, 10)] == ["line\n"]

    asyncio.run(main())


def test_a_refused_log_is_given_up() -> None:
    tries: list[int] = []

    def refuse(events: list[dict[str, Any]]) -> None:
        tries.append(len(events))
        raise AwsError("AccessDeniedException", "not authorized")

    async def main() -> BuildLog:
        log = BuildLog(Clock(MOMENT), refuse)
        log.output("a")
        log.flush()
        log.output("b")
        log.flush()
        return log

    log = asyncio.run(main())
    assert tries == [1]
    assert log.refused is not None
    assert log.refused.message == "not authorized"
    assert log.waiting == []


def test_time_never_goes_back() -> None:
    def work(log: BuildLog) -> None:
        log.output("a")
        log.clock.advance(-5)
        log.output("b")

    assert [event["timestamp"] for event in written(work)[0]] == [MOMENT * 1000] * 2
