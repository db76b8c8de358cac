"""Functions that really run: what a handler gets, gives and writes, and how it can fail."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from lambda_help import function, invoked, lines, role_for_functions, there, zipped
from services_help import code_of, may, refused


@pytest.fixture(scope="module")
def cloud(shared_cloud: Any) -> Any:
    role_for_functions(shared_cloud)
    return shared_cloud


def test_a_handler_gets_the_event_and_its_answer_comes_back(cloud: Any) -> None:
    function(cloud, "hello")
    found, answer = invoked(cloud, "hello", {"name": "Ada"})
    assert found == {"hello": "Ada"}
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in answer


CONTEXT = """
import os
def handler(event, context):
    return {
        "request": context.aws_request_id, "name": context.function_name, "version": context.function_version,
        "arn": context.invoked_function_arn, "memory": context.memory_limit_in_mb, "group": context.log_group_name,
        "stream": context.log_stream_name, "left": context.get_remaining_time_in_millis(),
        "environment": dict(os.environ), "client": context.client_context,
    }
"""


def test_the_context_and_the_environment_are_those_of_lambda(cloud: Any) -> None:
    arn = function(cloud, "context", CONTEXT, MemorySize=256, Environment={"Variables": {"STAGE": "prod"}})
    client = base64.b64encode(b'{"client": 1}').decode()
    found, answer = invoked(cloud, "context", ClientContext=client)
    assert found["request"] == answer["ResponseMetadata"]["RequestId"]
    assert (found["name"], found["version"], found["arn"], found["memory"]) == ("context", "$LATEST", arn, "256")
    assert found["group"] == "/aws/lambda/context"
    assert "[$LATEST]" in found["stream"]
    assert 5000 < found["left"] <= 10_000
    assert found["client"] == {"client": 1}
    environment = found["environment"]
    assert (environment["STAGE"], environment["AWS_REGION"], environment["_HANDLER"]) == (
        "prod", "us-east-1", "index.handler",
    )  # fmt: skip
    assert environment["AWS_ENDPOINT_URL"] == cloud.url
    assert "PYTEST_CURRENT_TEST" not in environment


def test_boto3_in_a_function_acts_under_the_functions_role(cloud: Any) -> None:
    function(cloud, "who", "import boto3\ndef handler(e, c): return boto3.client('sts').get_caller_identity()['Arn']")
    assert invoked(cloud, "who")[0] == "arn:aws:sts::123456789012:assumed-role/functions/who"


def test_what_a_function_writes_is_in_its_log_and_in_the_tail(cloud: Any) -> None:
    code = "import logging\ndef handler(e, c):\n    print('one')\n    print('two')\n    logging.warning('three')\n"
    function(cloud, "talks", code)
    answer = invoked(cloud, "talks", LogType="Tail")[1]
    tail = base64.b64decode(answer["LogResult"]).decode()
    request = answer["ResponseMetadata"]["RequestId"]
    messages = lines(cloud, "talks")
    assert "".join(messages) == tail
    assert messages[0] == f"START RequestId: {request} Version: $LATEST\n"
    assert messages[1:3] == ["one\n", "two\n"]
    assert messages[3].startswith("[WARNING]\t")
    assert messages[3].endswith(f"\t{request}\tthree\n")
    assert messages[4] == f"END RequestId: {request}\n"
    assert messages[5].startswith(f"REPORT RequestId: {request}\tDuration: ")
    assert "Init Duration: " in messages[5]


def test_the_next_event_finds_the_process_warm(cloud: Any) -> None:
    code = "import os\nseen = []\ndef handler(e, c):\n    seen.append(1)\n    return [os.getpid(), len(seen)]"
    function(cloud, "warm", code)
    first, second = invoked(cloud, "warm")[0], invoked(cloud, "warm")[0]
    assert (first[0], first[1], second[1]) == (second[0], 1, 2)
    cloud.client("lambda").update_function_configuration(FunctionName="warm", Description="changed")
    cloud.settle("lambda")
    third = invoked(cloud, "warm")[0]
    assert third[0] != first[0]
    assert third[1] == 1


FAILURES = {
    "raises": ("def handler(e, c):\n    raise KeyError('x')", "index.handler", "KeyError", "'x'"),
    "unserialisable": ("def handler(e, c): return {1, 2}", "index.handler", "Runtime.MarshalError",
                       "Unable to marshal response: Object of type set is not JSON serializable"),
    "no-module": ("", "other.handler", "Runtime.ImportModuleError",
                  "Unable to import module 'other': No module named 'other'"),
    "no-handler": ("x = 1", "index.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'index'"),
    "no-dot": ("x = 1", "handler", "Runtime.MalformedHandlerName",
               "Bad handler 'handler': not enough values to unpack (expected 2, got 1)"),
    "syntax": ("def handler(", "index.handler", "Runtime.UserCodeSyntaxError", None),
    "fails-to-load": ("1 / 0", "index.handler", "ZeroDivisionError", "division by zero"),
    "exits": ("import os\ndef handler(e, c): os._exit(3)", "index.handler", "Runtime.ExitError",
              "RequestId: {id} Error: Runtime exited with error: exit status 3"),
    "takes-too-long": (
        "import threading\ndef handler(e, c): threading.Event().wait()",
        "index.handler", "Sandbox.Timedout",
                       "RequestId: {id} Error: Task timed out after 1.00 seconds"),
    "too-much": ("def handler(e, c): return 'x' * 7000000", "index.handler", "Function.ResponseSizeTooLarge",
                 "Response payload size exceeded maximum allowed payload size (6291556 bytes)."),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_a_function_that_fails(cloud: Any, name: str) -> None:
    code, handler, kind, message = FAILURES[name]
    function(cloud, f"fails-{name}", code, Handler=handler, Timeout=1 if name == "takes-too-long" else 10)
    found, answer = invoked(cloud, f"fails-{name}")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert found["errorType"] == kind
    if message is not None:
        assert found["errorMessage"] == message.format(id=answer["ResponseMetadata"]["RequestId"])
    if name != "takes-too-long":  # what came of one event is no matter for the next
        assert invoked(cloud, f"fails-{name}")[0]["errorType"] == kind


def test_an_error_tells_where_it_was_raised_and_the_log_too(cloud: Any) -> None:
    function(cloud, "raising", "def handler(event, context):\n    raise ValueError('no')\n")
    found, _ = invoked(cloud, "raising")
    assert found["requestId"]
    assert len(found["stackTrace"]) == 1
    assert "index.py\", line 2, in handler\n    raise ValueError('no')" in found["stackTrace"][0]
    assert any(line.startswith("[ERROR] ValueError: no\nTraceback (most recent call last):\n") for line in
               lines(cloud, "raising"))  # fmt: skip


PAYLOADS = [
    ({"Payload": b"{"}, "InvalidRequestContentException"),
    ({"Payload": b'"' + b"x" * 6_291_456 + b'"'}, "RequestTooLargeException"),
    ({"Payload": b'"' + b"x" * 1_048_576 + b'"', "InvocationType": "Event"}, "RequestTooLargeException"),
    ({"Qualifier": "7"}, "ResourceNotFoundException"),
    ({"FunctionName": "not-there"}, "ResourceNotFoundException"),
]


@pytest.mark.parametrize(("params", "code"), PAYLOADS)
def test_what_is_not_run(cloud: Any, params: dict[str, Any], code: str) -> None:
    there(cloud, "plain")
    assert code_of(cloud.client("lambda").invoke, **{"FunctionName": "plain", **params}) == code


def test_a_dry_run_runs_nothing(cloud: Any) -> None:
    function(cloud, "dry", "raise SystemExit")
    assert cloud.client("lambda").invoke(FunctionName="dry", InvocationType="DryRun")["StatusCode"] == 204


def test_a_reserved_concurrency_of_none_throttles(cloud: Any) -> None:
    function(cloud, "throttled")
    client = cloud.client("lambda")
    client.put_function_concurrency(FunctionName="throttled", ReservedConcurrentExecutions=0)
    assert refused(client.invoke, FunctionName="throttled") == ("TooManyRequestsException", "Rate Exceeded.")
    client.delete_function_concurrency(FunctionName="throttled")
    assert invoked(cloud, "throttled")[0] == {"hello": "world"}


def test_a_role_that_lambda_may_not_assume_any_more(cloud: Any) -> None:
    role = role_for_functions(cloud, "short-lived")
    function(cloud, "roleless", role=role)
    iam = cloud.client("iam")
    iam.delete_role_policy(RoleName="short-lived", PolicyName="own")
    iam.delete_role(RoleName="short-lived")
    assert code_of(cloud.client("lambda").invoke, FunctionName="roleless") == "AccessDeniedException"


def test_without_rights_to_logs_a_function_runs_and_leaves_no_log(cloud: Any) -> None:
    iam = cloud.client("iam")
    role = role_for_functions(cloud, "silent")
    iam.delete_role_policy(RoleName="silent", PolicyName="own")
    function(cloud, "silent", role=role)
    assert invoked(cloud, "silent")[0] == {"hello": "world"}
    assert code_of(cloud.client("logs").filter_log_events, logGroupName="/aws/lambda/silent") == (
        "ResourceNotFoundException"
    )


WRITES = """
import boto3, json
def handler(event, context):
    boto3.client("s3").put_object(Bucket="landed", Key=event["key"], Body=json.dumps(event))
    if event.get("fail"):
        raise RuntimeError("no")
"""


def test_an_asynchronous_call_is_run_and_tried_twice_more(cloud: Any) -> None:

    role = role_for_functions(cloud, "writer", may("s3:PutObject"))
    s3, client = cloud.client("s3"), cloud.client("lambda")
    s3.create_bucket(Bucket="landed")
    function(cloud, "writes", WRITES, role=role)
    for key, fail in (("good", False), ("bad", True)):
        event = json.dumps({"key": key, "fail": fail})
        assert client.invoke(FunctionName="writes", InvocationType="Event", Payload=event)["StatusCode"] == 202
    cloud.settle("lambda")
    assert {one["Key"] for one in s3.list_objects_v2(Bucket="landed")["Contents"]} == {"good", "bad"}

    def starts() -> int:
        return sum(line.startswith("START") for line in lines(cloud, "writes"))

    assert starts() == 2
    for wait, expected in ((61, 3), (121, 4), (500, 4)):
        cloud.advance(wait)
        cloud.settle("lambda")
        assert starts() == expected


def test_a_package_of_several_files(cloud: Any) -> None:
    client = cloud.client("lambda")
    package = zipped("import other\ndef handler(e, c): return other.VALUE", other="VALUE = 42")
    client.create_function(
        FunctionName="several", Runtime="python3.12", Handler="index.handler", Code={"ZipFile": package},
        Role="arn:aws:iam::123456789012:role/functions",
    )  # fmt: skip
    client.get_waiter("function_active_v2").wait(FunctionName="several")
    assert invoked(cloud, "several")[0] == 42


def test_events_at_the_same_time_get_a_process_each(cloud: Any) -> None:
    """And no more than are reserved: the others are turned away."""
    function(cloud, "parallel", MEETS, role=role_for_functions(cloud, "meets", may("s3:*")))
    cloud.client("s3").create_bucket(Bucket="meeting")
    with ThreadPoolExecutor(2) as pool:
        found = [answer for answer, _ in pool.map(lambda name: invoked(cloud, "parallel", {"name": name}), "ab")]
    assert len(set(found)) == 2
    cloud.client("lambda").put_function_concurrency(FunctionName="parallel", ReservedConcurrentExecutions=1)
    cloud.client("s3").delete_object(Bucket="meeting", Key="a")
    cloud.client("s3").delete_object(Bucket="meeting", Key="b")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(invoked, cloud, "parallel", {"name": "a"})
        while cloud.client("s3").list_objects_v2(Bucket="meeting")["KeyCount"] == 0:
            pass
        assert code_of(cloud.client("lambda").invoke, FunctionName="parallel") == "TooManyRequestsException"
        cloud.client("s3").put_object(Bucket="meeting", Key="b", Body=b"")
        assert waiting.result()[0] in found


MEETS = """
import boto3, os
s3 = boto3.client("s3")
def handler(event, context):
    s3.put_object(Bucket="meeting", Key=event["name"], Body=b"")
    while s3.list_objects_v2(Bucket="meeting")["KeyCount"] < 2:
        pass
    return os.getpid()
"""
