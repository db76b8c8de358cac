"""A target that fails for a while: tried again, given up in the end, taken up after a restart."""

from collections.abc import Callable
from typing import Any

import pytest
from services_help import ACCOUNT, news
from test_events_delivery import mailed_topic, rule_to, send, waiting

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.events import sinks


class Flaky:
    """A target that fails `times` times, counting."""

    def __init__(self, times: int, error: Exception) -> None:
        self.times, self.error, self.tries = times, error, 0

    def __call__(self, *_: Any) -> None:
        self.tries += 1
        if self.tries <= self.times:
            raise self.error


def flaky_rule(
    cloud: Any, monkeypatch: pytest.MonkeyPatch, flaky: Callable[..., None], name: str, **target: Any
) -> None:
    monkeypatch.setitem(sinks._SINKS, "sns", flaky)
    rule_to(cloud, name, {"Arn": f"arn:aws:sns:us-east-1:{ACCOUNT}:any", **target})


@pytest.mark.parametrize("error", [AwsError("ThrottlingException", "slow down"), ValueError("a fault of the lab")])
def test_tried_again(cloud: Any, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    flaky = Flaky(2, error)
    flaky_rule(cloud, monkeypatch, flaky, "flaky")
    send(cloud, "flaky")  # settling waits for the second try, which is due soon
    assert (flaky.tries, len(waiting(cloud))) == (2, 1)
    cloud.advance(5)
    cloud.settle("events")
    assert (flaky.tries, waiting(cloud)) == (3, [])


def test_given_up_in_the_end(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    flaky = Flaky(99, AwsError("ThrottlingException", "slow down"))
    flaky_rule(cloud, monkeypatch, flaky, "hopeless")
    send(cloud, "hopeless")
    for pause in (5, 30, 120, 9999):
        cloud.advance(pause)
        cloud.settle("events")
    assert (flaky.tries, waiting(cloud)) == (5, [])


@pytest.mark.parametrize(
    ("retry", "tries"),
    [({"MaximumRetryAttempts": 0}, 1), ({"MaximumRetryAttempts": 1}, 2), ({"MaximumEventAgeInSeconds": 60}, 4)],
)
def test_the_targets_own_patience(
    cloud: Any, monkeypatch: pytest.MonkeyPatch, retry: dict[str, int], tries: int
) -> None:
    flaky = Flaky(99, AwsError("ThrottlingException", "slow down"))
    flaky_rule(cloud, monkeypatch, flaky, "patience", RetryPolicy=retry)
    send(cloud, "patience")
    for pause in (5, 55, 120):
        cloud.advance(pause)
        cloud.settle("events")
    assert (flaky.tries, waiting(cloud)) == (tries, [])


def test_one_failing_target_does_not_hold_up_another(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def sometimes(_: Any, resource: str, *__: Any) -> None:
        if resource == "bad":
            raise AwsError("ThrottlingException", "slow down")
        done.append(resource)

    monkeypatch.setitem(sinks._SINKS, "sns", sometimes)
    targets = [{"Arn": f"arn:aws:sns:us-east-1:{ACCOUNT}:{name}"} for name in ("bad", "good", "fine")]
    rule_to(cloud, "mixed", *targets)
    send(cloud, "mixed")
    cloud.advance(9999)
    cloud.settle("events")
    assert sorted(done) == ["fine", "good"]


def test_an_awaited_target(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[bool] = []

    async def slow() -> None:
        done.append(True)

    monkeypatch.setitem(sinks._SINKS, "sns", lambda *_: slow())
    rule_to(cloud, "slow", {"Arn": f"arn:aws:sns:us-east-1:{ACCOUNT}:any"})
    send(cloud, "slow")
    assert (done, waiting(cloud)) == ([True], [])


def test_a_delivery_outlives_a_restart(start_cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = start_cloud()
    topic, address = mailed_topic(first, "later")
    rule_to(first, "later", {"Arn": topic})
    with monkeypatch.context() as broken:
        broken.setitem(sinks._SINKS, "sns", Flaky(99, AwsError("ThrottlingException", "slow down")))
        send(first, "later")
        assert len(waiting(first)) == 1
        first.stop()
    second = start_cloud(home=first.home)
    second.advance(60)
    second.settle("events")
    assert (len(news(second, address)), waiting(second)) == (1, [])
