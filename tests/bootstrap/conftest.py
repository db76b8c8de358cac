"""A simulated machine for `./lab`: a copy of the launcher, and a Python, a uv and a git that only write down calls."""

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Stands in for Python with venv and pip, and for uv. `behaviour` beside it is sourced when packages are installed.
TOOL = """#!/bin/sh
PATH=/usr/bin:/bin
echo "$@" >> "{calls}"
make_venv() {{ mkdir -p "$1/bin"; cp "$0" "$1/bin/python"; {pip} }}
install() {{
    echo "Collecting click>=7.0 (from cicd-lab)"
    [ ! -e "{behaviour}" ] || . "{behaviour}"
    echo "Installing collected packages: click, cicd-lab"
    printf '#!/bin/sh\\necho "ran $*"\\n' > "$1/bin/lab"; chmod +x "$1/bin/lab"
}}
case "$*" in
    "-m pip config list") cat "{settings}" ;;
    "-m pip install "*" uv") [ ! -e "{uv_behaviour}" ] || . "{uv_behaviour}"; cp "$0" "$(dirname "$0")/uv" ;;
    "-m venv "*) [ ! -e "{venv_behaviour}" ] || . "{venv_behaviour}"; make_venv "$3" ;;
    "venv "*) make_venv "$5" ;;
    "-m pip install "*) install "$(dirname "$(dirname "$0")")" ;;
    "pip install --python "*) install "$(dirname "$(dirname "$4")")" ;;
    "pip install --no-cache "*) install "$(dirname "$(dirname "$0")")" ;;
    *) echo "unexpected: $*"; exit 9 ;;
esac
"""


class Became(BaseException):
    """The launcher replaced itself by another program."""

    def __init__(self, path: str, arguments: list[str]) -> None:
        super().__init__(path, arguments)
        self.path, self.arguments = path, arguments


@dataclass
class Machine:
    """A folder with the launcher (`root`), a PATH of its own (`bin`) and what was called there."""

    root: Path
    bin: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    def lab(self, *arguments: str) -> list[str] | int:
        """Start the launcher: the command that it became, or its exit status."""
        try:
            status: int = load(self.root / "lab").main(list(arguments))
        except Became as became:
            return [became.path, *became.arguments[1:]]
        return status

    def calls(self) -> list[str]:
        """What the Python, pip and uv were called with since the last look, but for questions."""
        path = self.bin / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [line for line in lines if line != "-m pip config list"]

    def tool(self, name: str, pip: bool = True) -> Path:
        """Put a stand-in on the PATH."""
        return self.program(
            name,
            TOOL.format(
                calls=self.bin / "calls",
                behaviour=self.bin / "behaviour",
                venv_behaviour=self.bin / "venv-behaviour",
                uv_behaviour=self.bin / "uv-behaviour",
                settings=self.bin / "pip-settings",
                pip='touch "$1/bin/pip";' if pip else "",
            ),
        )

    def program(self, name: str, text: str) -> Path:
        """Put a script on the PATH."""
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def settings(self, text: str) -> None:
        """What `pip config list` tells."""
        (self.bin / "pip-settings").write_text(text + "\n")

    def installing(self, shell: str) -> None:
        """What happens (in shell) once packages are being fetched; an empty text: nothing special."""
        (self.bin / "behaviour").write_text(shell)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with git and a whole Python, whose pip has an index of its own, on which the lab was never started."""
    root, programs = tmp_path / "a lab", tmp_path / "bin"
    root.mkdir()
    programs.mkdir()
    shutil.copy(ROOT / "lab", root / "lab")
    (root / "constraints.txt").write_text("click==8.1\n")
    (root / "pyproject.toml").write_text('[project]\nname = "cicd-lab"\n\n[tool.ruff]\nline-length = 120\n')
    here = Machine(root, programs)
    here.program("git", "#!/bin/sh\n")
    here.settings("global.index-url='a mirror'")
    monkeypatch.setattr(sys, "_base_executable", str(here.tool("python3")))
    monkeypatch.setattr(os, "execv", become)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("LAB_VENV", raising=False)
    return here


def become(path: str, arguments: list[str]) -> None:
    """In place of os.execv."""
    raise Became(path, arguments)


def load(path: Path) -> ModuleType:
    """The launcher as a module, as fresh as at a start."""
    loader = SourceFileLoader("lab_launcher", str(path))
    spec = importlib.util.spec_from_loader("lab_launcher", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module
