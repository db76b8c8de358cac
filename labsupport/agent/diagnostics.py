"""What is reported of a command that has ended: a code, the script, a sentence and the end of the log."""

import json
from collections.abc import Iterable

SUCCEEDED, SCRIPT_MISSING, SCRIPT_NOT_EXECUTABLE, SCRIPT_TIMED_OUT, SCRIPT_FAILED, UNKNOWN, _, AFTER_RESTART = range(8)

LONGEST_LOG = 2048  # characters
_LONGEST_PAYLOAD = 8192  # characters that an envelope may hold
_LONGEST_MESSAGE = 2048


class CommandError(Exception):
    """A command has failed. `code` is one of the numbers above, `log` what its scripts said last."""

    def __init__(self, code: int, message: str, script: str = "", log: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.script, self.log = code, message, script, log


def tail(lines: Iterable[str]) -> str:
    """The last whole lines (each with its end) that fit into a report, or the end of a last line that doesn't."""
    kept: list[str] = []
    left = LONGEST_LOG
    for line in reversed(list(lines)):
        if len(line) > left:
            break
        kept.insert(0, line)
        left -= len(line)
    every = list(lines)
    return "".join(kept) or (every[-1][-LONGEST_LOG:] if every else "")


def report(code: int, message: str, script: str = "", log: str = "") -> dict[str, str]:
    """The envelope for a command's diagnostics."""
    message = message[:_LONGEST_MESSAGE]
    payload = _payload(code, message, script, log)
    while len(payload) > _LONGEST_PAYLOAD:  # letters of other scripts take six characters each in JSON, and more
        log, message = (log[len(log) // 4 + 1 :], message) if log else ("", message[: len(message) // 2])
        payload = _payload(code, message, script, log)
    return {"Format": "JSON", "Payload": payload}


def _payload(code: int, message: str, script: str, log: str) -> str:
    found = {"error_code": code, "script_name": script[:512], "message": message, "log": log}
    return json.dumps(found)


def success(log: str = "") -> dict[str, str]:
    return report(SUCCEEDED, "Succeeded", log=log)


def failure(error: CommandError) -> dict[str, str]:
    return report(error.code, error.message, error.script, error.log)
