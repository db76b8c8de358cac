"""What the agent is told by its environment, and where things lie on its instance."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Of no concern to the scripts that the agent runs: they would change how their own Python behaves.
OWN_VARIABLES = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")


class BadSettings(Exception):
    """The environment lacks something that the agent cannot do without; the text says what."""


@dataclass(frozen=True)
class Settings:
    """`root` is the folder that plays the instance's `/`; `metadata` and `endpoint` are addresses without a slash
    at the end; `environment` is what scripts get."""

    root: Path
    metadata: str
    endpoint: str
    environment: Mapping[str, str]

    @property
    def home(self) -> Path:
        return self.root / "opt" / "codedeploy-agent"

    @property
    def deployments(self) -> Path:
        return self.home / "deployment-root"

    @property
    def log_file(self) -> Path:
        return self.root / "var" / "log" / "aws" / "codedeploy-agent" / "codedeploy-agent.log"

    @property
    def pid_file(self) -> Path:
        return self.home / "state" / ".pid" / "codedeploy-agent.pid"

    def on_machine(self, path: str) -> Path:
        """The real place of a path of the instance. Nothing leads out of its root."""
        return self.root / os.path.normpath("/" + path).lstrip("/")

    def on_instance(self, path: Path) -> str:
        """A real place as the instance sees it."""
        return "/" + str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """From INSTANCE_ROOT, AWS_EC2_METADATA_SERVICE_ENDPOINT and AWS_ENDPOINT_URL. Raises BadSettings."""
    values = []
    for name in ("INSTANCE_ROOT", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_ENDPOINT_URL"):
        if not environ.get(name):
            raise BadSettings(f"{name} is not set: the agent runs on an instance of the lab, which sets it.")
        values.append(environ[name])
    kept = {name: value for name, value in environ.items() if name not in OWN_VARIABLES}
    return Settings(Path(values[0]), values[1].rstrip("/"), values[2].rstrip("/"), kept)
