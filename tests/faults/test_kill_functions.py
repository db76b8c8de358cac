"""kill -9 while functions run: what was acknowledged is done after the next start, and no process is left over."""

import io
import json
import signal
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from labsupport.commands.background import started, stopped
from labsupport.session import client_of

PATIENCE = 30.0
TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
RIGHTS = {"Effect": "Allow", "Action": "*", "Resource": "*"}
# Tells that it runs, and then stays until it is ended; the next time it goes through.
CODE = """
import boto3, os
def handler(event, context):
    s3 = boto3.client("s3")
    if s3.list_objects_v2(Bucket="seen")["KeyCount"] == 0:
        s3.put_object(Bucket="seen", Key="first", Body=str(os.getpid()))
        while True:
            pass
    s3.put_object(Bucket="seen", Key="second", Body=event["word"])
"""


def document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def package() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("index.py", CODE)
    return buffer.getvalue()


def until(found: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        answer = found()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come about")


def test_an_accepted_event_outlives_a_kill_and_its_process_does_not(tmp_path: Path) -> None:
    endpoint, process = started(tmp_path)
    assert process is not None
    client = client_of(tmp_path, endpoint.url)
    role = client("iam").create_role(RoleName="f", AssumeRolePolicyDocument=document(TRUST))["Role"]["Arn"]
    client("iam").put_role_policy(RoleName="f", PolicyName="p", PolicyDocument=document(RIGHTS))
    client("s3").create_bucket(Bucket="seen")
    functions = client("lambda")
    functions.create_function(
        FunctionName="f", Role=role, Runtime="python3.12", Handler="index.handler", Code={"ZipFile": package()},
        Timeout=60,
    )  # fmt: skip
    functions.get_waiter("function_active_v2").wait(FunctionName="f", WaiterConfig={"Delay": 1})
    functions.invoke(FunctionName="f", InvocationType="Event", Payload=b'{"word": "done"}')
    until(lambda: client("s3").list_objects_v2(Bucket="seen")["KeyCount"], "the first try")
    number = int(client("s3").get_object(Bucket="seen", Key="first")["Body"].read())
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE)
    assert psutil.pid_exists(number)

    endpoint, again = started(tmp_path)
    client = client_of(tmp_path, endpoint.url)
    try:
        assert not psutil.pid_exists(number) or psutil.Process(number).status() == psutil.STATUS_ZOMBIE
        until(lambda: client("s3").list_objects_v2(Bucket="seen")["KeyCount"] == 2, "the second try")
        assert client("s3").get_object(Bucket="seen", Key="second")["Body"].read() == b"done"
        assert client("lambda").get_function(FunctionName="f")["Configuration"]["State"] == "Active"
    finally:
        stopped(tmp_path)
        for one in (process, again):
            if one is not None and one.stderr:
                one.wait(PATIENCE)
                one.stderr.close()
