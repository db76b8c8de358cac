"""What the tests of Lambda share: packages, roles, functions."""

import io
import json
import zipfile
from typing import Any

from services_help import may, service_role

LOGS = may("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
HELLO = "def handler(event, context):\n    return {'hello': event.get('name', 'world')}\n"


def zipped(code: str = HELLO, **more: str) -> bytes:
    """A package: `code` as index.py, and more files by their names' stems."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, text in {"index": code, **more}.items():
            file.writestr(f"{name}.py", text)
    return buffer.getvalue()


def role_for_functions(cloud: Any, name: str = "functions", *statements: dict[str, Any]) -> str:
    return service_role(cloud, name, "lambda", LOGS, *statements)


def function(cloud: Any, name: str, code: str = HELLO, role: str = "", **more: Any) -> str:
    """A function that is ready to be called: its ARN."""
    client = cloud.client("lambda")
    role = role or "arn:aws:iam::123456789012:role/functions"
    asked = {"Runtime": "python3.12", "Handler": "index.handler", "Timeout": 10, **more}
    made = client.create_function(FunctionName=name, Role=role, Code={"ZipFile": zipped(code)}, **asked)
    cloud.settle("lambda")
    return str(made["FunctionArn"])


def there(cloud: Any, name: str) -> None:
    """A function of that name, made when it is first needed."""
    names = [one["FunctionName"] for one in cloud.client("lambda").list_functions()["Functions"]]
    if name not in names:
        function(cloud, name)


def invoked(cloud: Any, name: str, event: Any = None, **more: Any) -> tuple[Any, dict[str, Any]]:
    """What the function gives, and the whole answer."""
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}), **more)
    return json.loads(answer["Payload"].read() or "null"), answer


def lines(cloud: Any, name: str) -> list[str]:
    """The messages in a function's log group."""
    found = cloud.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    return [event["message"] for event in found]
