"""Lambda as a learner types it: the AWS CLI."""

import json
from pathlib import Path
from typing import Any

from cli_help import Cli
from lambda_help import role_for_functions, zipped
from services_help import ACCOUNT


def test_a_function_from_a_file_to_its_answer(shared_cloud: Any, cli: Cli, tmp_path: Path) -> None:
    name = f"typed-{cli.version[0]}"
    role_for_functions(shared_cloud, name)
    (tmp_path / "f.zip").write_bytes(zipped())

    def aws(*arguments: str) -> Any:
        text = cli.run(shared_cloud, "lambda", *arguments, "--output", "json", cwd=tmp_path)
        return json.loads(text) if text.strip() else None

    made = aws(
        "create-function", "--function-name", name, "--runtime", "python3.12", "--handler", "index.handler",
        "--role", f"arn:aws:iam::{ACCOUNT}:role/{name}", "--zip-file", "fileb://f.zip",
        "--environment", "Variables={STAGE=prod}", "--tags", "team=blue",
    )  # fmt: skip
    assert made["State"] == "Pending"
    shared_cloud.settle("lambda")
    raw = () if cli.version[0] == 1 else ("--cli-binary-format", "raw-in-base64-out")
    answer = aws("invoke", "--function-name", name, "--payload", '{"name": "Ada"}', *raw, "out.json")
    assert answer == {"StatusCode": 200, "ExecutedVersion": "$LATEST"}
    assert json.loads((tmp_path / "out.json").read_text()) == {"hello": "Ada"}
