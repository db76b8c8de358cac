"""The mailbox: messages in the order they came, each account its own, kept with the call that sent them."""

from typing import Any

import pytest

from labsupport import mailbox
from labsupport.cloud.core import mail
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import service_principal


def call_of(cloud: Any) -> Call:
    return Call(cloud, cloud.service("sns"), "", service_principal("sns", "123456789012"), "123456789012", "us-east-1")


def send(cloud: Any, subject: str, to: str = "a@example.com", account: str = "123456789012") -> None:
    sender, body = "Lab <lab@example.com>", "Ünïcode\n"
    cloud.on_loop(lambda inner: mail.send(call_of(inner), account, to, sender, subject, body))


def subjects(cloud: Any, to: str = "") -> list[str]:
    return [one["subject"] for one in mailbox.messages(cloud.home, to)]


def test_newest_first_and_by_address(cloud: Any) -> None:
    for number in range(5):
        send(cloud, str(number))
    send(cloud, "other", to="b+x@example.com")
    assert subjects(cloud) == ["other", "4", "3", "2", "1", "0"]
    assert subjects(cloud, "a@example.com") == ["4", "3", "2", "1", "0"]
    message = mailbox.messages(cloud.home, "a@example.com")[0]
    assert (message["to"], message["sender"], message["body"]) == (
        "a@example.com",
        "Lab <lab@example.com>",
        "Ünïcode\n",
    )
    assert abs(message["time"] - cloud.cloud.clock.epoch()) < 60


def test_each_account_its_own(cloud: Any) -> None:
    send(cloud, "mine")
    send(cloud, "theirs", account="210987654321")
    assert subjects(cloud) == ["mine"]


def test_nothing_of_a_call_that_fails(cloud: Any) -> None:
    def failing(inner: Any) -> None:
        call = call_of(inner)
        with call.transaction():
            mail.send(call, "123456789012", "a@example.com", "s", "never", "b")
            raise AwsError("Nope")

    with pytest.raises(AwsError):
        cloud.on_loop(failing)
    assert subjects(cloud) == []


def test_kept_over_a_restart(start_cloud: Any) -> None:
    first = start_cloud()
    send(first, "kept")
    first.stop()
    assert subjects(start_cloud(home=first.home)) == ["kept"]
