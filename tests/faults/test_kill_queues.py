"""kill -9 while messages are sent and received: what was acknowledged is there, what was away comes back."""

import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from labsupport.commands.background import started, stopped
from labsupport.session import client_of

ENOUGH = 40  # messages that are acknowledged before the cloud is killed


def ended(process: subprocess.Popen[bytes]) -> None:
    process.wait(30)
    if process.stderr:
        process.stderr.close()


def send_until_it_dies(sqs: Any, url: str, sent: list[str], enough: threading.Event) -> None:
    try:
        while True:
            sent.append(sqs.send_message(QueueUrl=url, MessageBody="x")["MessageId"])
            if len(sent) == ENOUGH:
                enough.set()
    except (BotoCoreError, ClientError):
        pass  # the cloud died before it said yes


def everything(sqs: Any, url: str) -> list[str]:
    """The ids of all messages, each deleted; those that are with a receiver are waited for."""
    found: list[str] = []
    while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
        found += [one["MessageId"] for one in got]
        entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(got)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    return found


def test_a_killed_cloud_loses_no_message(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    endpoint, process = started(folder)
    assert process is not None
    sqs = client_of(folder, endpoint.url)("sqs")
    url = sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    sent: list[str] = []
    enough = threading.Event()
    sending = threading.Thread(target=send_until_it_dies, args=(sqs, url, sent, enough))
    sending.start()
    assert enough.wait(30)
    (done,) = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=done["ReceiptHandle"])
    away = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=5)["Messages"]
    process.send_signal(signal.SIGKILL)
    ended(process)
    sending.join(30)
    endpoint, process = started(folder)
    assert process is not None
    try:
        sqs = client_of(folder, endpoint.url)("sqs")
        found = everything(sqs, f"{endpoint.url}/{'/'.join(url.split('/')[-2:])}")
    finally:
        stopped(folder)
        ended(process)
    assert len(found) == len(set(found))
    assert {one["MessageId"] for one in away} <= set(found)
    assert set(sent) - {done["MessageId"]} <= set(found)  # one more may have come in without its answer
    assert done["MessageId"] not in found
    assert len(found) <= len(sent)
