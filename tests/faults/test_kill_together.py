"""kill -9 while several clients call at the same moment: what was answered is there."""

import signal
import threading
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from test_kill_queues import ended

from labsupport.commands.background import started, stopped
from labsupport.session import client_of

CLIENTS = 8
ENOUGH = 200  # answers before the cloud is killed


def put_until_it_dies(ssm: Any, number: int, answered: list[str], enough: threading.Event) -> None:
    try:
        for count in range(10_000):
            name = f"p{number}-{count}"
            ssm.put_parameter(Name=name, Value=name, Type="String")
            answered.append(name)
            if len(answered) >= ENOUGH:
                enough.set()
    except (BotoCoreError, ClientError):
        pass  # the cloud died before it said yes


def test_a_killed_cloud_keeps_what_it_has_answered(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    endpoint, process = started(folder)
    assert process is not None
    client = client_of(folder, endpoint.url)
    answered: list[str] = []
    enough = threading.Event()
    clients = [(client("ssm"), number, answered, enough) for number in range(CLIENTS)]
    threads = [threading.Thread(target=put_until_it_dies, args=one) for one in clients]
    for thread in threads:
        thread.start()
    assert enough.wait(60)
    process.send_signal(signal.SIGKILL)
    ended(process)
    for thread in threads:
        thread.join(60)
    endpoint, process = started(folder)
    assert process is not None
    try:
        pages = client_of(folder, endpoint.url)("ssm").get_paginator("describe_parameters").paginate()
        kept = [one["Name"] for page in pages for one in page["Parameters"]]
    finally:
        stopped(folder)
        ended(process)
    assert set(answered) <= set(kept)
    assert len(kept) <= len(answered) + CLIENTS  # what came in without its answer
