"""What the tests of Parameter Store share."""

from typing import Any

from services_help import ACCOUNT

PLACE = f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/"


def put(ssm: Any, name: str, value: str = "x", kind: str | None = "String", **more: Any) -> Any:
    typed = {"Type": kind} if kind else {}
    return ssm.put_parameter(Name=name, Value=value, **typed, **more)


def value_of(ssm: Any, name: str, **more: Any) -> str:
    found: str = ssm.get_parameter(Name=name, **more)["Parameter"]["Value"]
    return found
