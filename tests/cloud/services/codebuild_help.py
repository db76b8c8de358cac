"""Projects and builds for tests, and pipes by which a test and a running build wait for each other."""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

ENVIRONMENT = {
    "type": "LINUX_CONTAINER",
    "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
    "computeType": "BUILD_GENERAL1_SMALL",
}
LOGS = {"Effect": "Allow", "Action": ["logs:Create*", "logs:PutLogEvents"], "Resource": "*"}
STORAGE = {"Effect": "Allow", "Action": ["s3:GetObject*", "s3:PutObject", "s3:ListBucket"], "Resource": "*"}
NO_ARTIFACTS = {"type": "NO_ARTIFACTS"}


def spec(*build: str, **more: Any) -> str:
    """A buildspec (JSON is YAML) with commands for the BUILD phase, or with whole sections."""
    phases = {"build": {"commands": list(build)}, **more.pop("phases", {})}
    return json.dumps({"version": 0.2, "phases": phases, **more}, indent=1)


def allow(*actions: str, resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


class Works:
    """CodeBuild in one cloud. `name` keeps the projects of a test apart from those of others."""

    def __init__(self, cloud: Any, name: str) -> None:
        self.cloud, self.name = cloud, name
        self.codebuild = cloud.client("codebuild")

    def role(self, *statements: dict[str, Any], name: str = "") -> str:
        """A service role with these permissions, besides those for logs."""
        return new_role(self.cloud, name or f"{self.name}-role", LOGS, *statements)

    def project(self, role: str = "", name: str = "", **settings: Any) -> str:
        """A project without source and artifacts, unless `settings` say otherwise."""
        self.codebuild.create_project(
            name=name or self.name,
            serviceRole=role or self.role(STORAGE),
            **{
                "source": {"type": "NO_SOURCE", "buildspec": spec("true")},
                "artifacts": NO_ARTIFACTS,
                "environment": ENVIRONMENT,
                **settings,
            },
        )
        return name or self.name

    def start(self, buildspec: str = "", **overrides: Any) -> dict[str, Any]:
        if buildspec:
            overrides["buildspecOverride"] = buildspec
        found: dict[str, Any] = self.codebuild.start_build(**{"projectName": self.name, **overrides})["build"]
        return found

    def run(self, buildspec: str = "", **overrides: Any) -> dict[str, Any]:
        """A build, once it has ended."""
        return self.ended(self.start(buildspec, **overrides))

    def ended(self, build: dict[str, Any]) -> dict[str, Any]:
        self.cloud.settle("codebuild")
        return self.look(build)

    def look(self, build: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.codebuild.batch_get_builds(ids=[build["id"]])["builds"][0]
        return found

    def log(self, build: dict[str, Any]) -> list[str]:
        """The lines of a build's log, CodeBuild's own without their time."""
        logs = self.look(build)["logs"]
        answer = self.cloud.client("logs").get_log_events(
            logGroupName=logs["groupName"], logStreamName=logs["streamName"], startFromHead=True
        )
        return [without_time(event["message"]) for event in answer["events"]]

    def output(self, build: dict[str, Any]) -> list[str]:
        """What the commands have written."""
        return [line for line in self.log(build) if line and not line.startswith("[Container]")]


def without_time(message: str) -> str:
    assert message.endswith("\n")
    line = message[:-1]
    return f"[Container] {line.split(' ', 3)[3]}" if line.startswith("[Container] ") else line


def new_role(
    cloud: Any, name: str, *statements: dict[str, Any], service: str = "codebuild", condition: Any = None
) -> str:
    iam = cloud.client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
        **({"Condition": condition} if condition else {}),
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    if statements:
        give(cloud, arn, *statements)
    return arn


def give(cloud: Any, role: str, *statements: dict[str, Any]) -> None:
    """Let a role have these permissions and no others."""
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    cloud.client("iam").put_role_policy(
        RoleName=role.rpartition("/")[2], PolicyName="permissions", PolicyDocument=document
    )


def phases(build: dict[str, Any]) -> dict[str, str | None]:
    return {phase["phaseType"]: phase.get("phaseStatus") for phase in build["phases"]}


def reasons(build: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """The contexts that say something, by phase."""
    return {
        phase["phaseType"]: (context["statusCode"], context["message"])
        for phase in build["phases"]
        for context in phase.get("contexts", [])
        if context["statusCode"] or context["message"]
    }


def zipped(files: dict[str, str]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return target.getvalue()


def names_in(data: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.namelist()


class Gate:
    """Holds a build: it says that it has come there, and waits until the test opens."""

    def __init__(self, folder: Path) -> None:
        self.ready, self.go = folder / "ready", folder / "go"
        os.mkfifo(self.ready)
        os.mkfifo(self.go)

    @property
    def command(self) -> str:
        return f"echo here > {self.ready}; read answer < {self.go}; echo $answer"

    def wait(self) -> None:
        assert self.ready.read_text() == "here\n"

    def open(self, answer: str = "on") -> None:
        self.go.write_text(answer + "\n")
