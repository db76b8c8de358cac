"""The AWS CLI as tests type it: version 1 beside this Python, version 2 where the machine has it."""

import functools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

BESIDE = Path(sys.executable).parent
HEEDS_ENDPOINT_URL = (
    2,
    13,
)  # before it, version 2 knows `--endpoint-url` only, and asks AWS itself for a profile's role


class Cli(NamedTuple):
    path: str
    version: tuple[int, ...]

    @property
    def heeds_endpoint_url(self) -> bool:
        return self.version[0] == 1 or self.version >= HEEDS_ENDPOINT_URL

    def command(self, *arguments: str, url: str) -> list[str]:
        """What a learner would type, with the address where this version does not take it from the environment."""
        return [self.path, *arguments, *([] if self.heeds_endpoint_url else ["--endpoint-url", url])]

    def run(
        self, cloud: Any, *arguments: str, fails: bool = False, cwd: Path | None = None, say: str = "", **environ: str
    ) -> str:
        """All that the CLI prints; `fails` says that it has to; `say` is typed where it prompts."""
        env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **cloud.environment(), **environ}
        ran = subprocess.run(
            self.command(*arguments, url=cloud.url),
            env={name: value for name, value in env.items() if value},
            cwd=cwd,
            input=say,
            capture_output=True,
            text=True,
            timeout=120,
            start_new_session=True,  # without a terminal what it asks for is read from `say`
        )
        assert (ran.returncode != 0) is fails, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr if fails else ran.stdout


ONE = Cli(str(BESIDE / "aws"), (1,))


@functools.cache
def second_version() -> Cli | None:
    """The first `aws` on the path that is of version 2."""
    for folder in os.environ["PATH"].split(os.pathsep):
        path = Path(folder) / "aws"
        if path.parent == BESIDE or not os.access(path, os.X_OK):
            continue
        said = subprocess.run([str(path), "--version"], capture_output=True, text=True, timeout=60).stdout
        found = re.match(r"aws-cli/(2(?:\.\d+)+)", said)
        if found:
            return Cli(str(path), tuple(int(part) for part in found[1].split(".")))
    return None
