"""What runs in a function's own process: a program of the standard library only, started as a script.

It loads the handler, then takes one event after another over the descriptor that it is given: JSON, a line each way.
What it writes there is `ready` (once), `log` (a message of several lines that is one event of the log) and `done`.
Messages and errors have the words of AWS's runtime for Python.
"""

import importlib
import json
import logging
import os
import resource
import socket
import sys
import time
import traceback
from typing import Any

Json = dict[str, Any]


class Context:
    """The handler's second argument (AWS Lambda Developer Guide: "Using the Lambda context object")."""

    def __init__(self, event: Json) -> None:
        self.aws_request_id = event["id"]
        self.invoked_function_arn = event["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.client_context = event.get("client")
        self.identity = None
        self._until = time.monotonic() + event["left"]

    def get_remaining_time_in_millis(self) -> int:
        return max(int((self._until - time.monotonic()) * 1000), 0)

    def log(self, message: object) -> None:
        sys.stdout.write(str(message))


class LogLines(logging.Handler):
    """The root logger's: each record is one event of the log."""

    request = ""

    def __init__(self, channel: "Channel") -> None:
        super().__init__()
        self.channel = channel
        self.setFormatter(logging.Formatter("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t{}\t%(message)s"))
        if self.formatter:
            self.formatter.converter = time.gmtime
            self.formatter.datefmt = "%Y-%m-%dT%H:%M:%S"

    def emit(self, record: logging.LogRecord) -> None:
        self.channel.say("log", text=self.format(record).replace("\t{}\t", f"\t{self.request}\t", 1))


class Channel:
    def __init__(self, descriptor: int) -> None:
        self.socket = socket.socket(fileno=descriptor)
        self.lines = self.socket.makefile("rb")

    def say(self, kind: str, **more: Any) -> None:
        self.socket.sendall(json.dumps({"kind": kind, **more}).encode() + b"\n")

    def next(self) -> Json:
        line = self.lines.readline()
        if not line:  # the cloud has gone
            os._exit(0)
        found: Json = json.loads(line)
        return found


class Failure(Exception):
    """A function that can't be loaded, in the words of AWS's runtime."""

    def __init__(self, kind: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.told = {"errorMessage": message, "errorType": kind, "requestId": "", "stackTrace": trace or []}


def load(name: str) -> Any:
    module, dot, function = name.rpartition(".")
    if not dot:
        raise Failure(
            "Runtime.MalformedHandlerName", f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)"
        )
    try:
        found = importlib.import_module(module.replace("/", "."))
    except ImportError as error:
        raise Failure("Runtime.ImportModuleError", f"Unable to import module '{module}': {error}") from None
    except SyntaxError as error:
        line = f'  File "{error.filename}" Line {error.lineno}\n    {(error.text or "").strip()}'
        raise Failure("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {error}", [line]) from None
    try:
        return getattr(found, function)
    except AttributeError:
        raise Failure("Runtime.HandlerNotFound", f"Handler '{function}' missing on module '{module}'") from None


def failed(error: BaseException, request: str) -> Json:
    """The answer of a handler that has raised; what of the trace is this program's own is left out."""
    trace = [entry for entry in traceback.extract_tb(error.__traceback__) if entry.filename != __file__]
    frozen = [entry for entry in trace if not entry.filename.startswith("<frozen importlib")]
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request,
        "stackTrace": traceback.format_list(frozen),
    }


def error_text(told: Json) -> str:
    text = f"[ERROR] {told['errorType']}: {told['errorMessage']}"
    trace = "".join(told["stackTrace"]).rstrip("\n")
    return f"{text}\nTraceback (most recent call last):\n{trace}" if trace else text


def answer(handler: Any, event: Json) -> Json:
    """What the handler makes of an event: its payload as JSON, and whether it is an error."""
    try:
        result = handler(json.loads(event["payload"]), Context(event))
    except Exception as error:
        return {"error": failed(error, event["id"])}
    try:
        return {"payload": json.dumps(result, ensure_ascii=False)}
    except (TypeError, ValueError, RecursionError) as error:
        message = f"Unable to marshal response: {error}"
        told = {"errorMessage": message, "errorType": "Runtime.MarshalError", "requestId": event["id"]}
        return {"error": {**told, "stackTrace": []}}


def memory() -> int:
    """The most memory that this process ever had, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak // (1024 * 1024 if sys.platform == "darwin" else 1024))


def serve(channel: Channel) -> None:
    lines = LogLines(channel)
    logging.getLogger().addHandler(lines)
    try:
        handler = load(os.environ["_HANDLER"])
    except Failure as failure:
        channel.say("ready", error=failure.told, text=error_text(failure.told))
        return
    except Exception as error:
        told = failed(error, "")
        channel.say("ready", error=told, text=error_text(told))
        return
    channel.say("ready")
    while True:
        event = channel.next()
        lines.request = event["id"]
        os.environ["_X_AMZN_TRACE_ID"] = event["trace"]
        done = answer(handler, event)
        sys.stdout.flush()
        sys.stderr.flush()
        if "error" in done:
            channel.say("log", text=error_text(done["error"]))
        channel.say("done", memory=memory(), **done)


if __name__ == "__main__":
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    serve(Channel(int(sys.argv[1])))
