"""`.ci/run` installs what is missing, as root and not, and ends as `./lab test` ends."""

import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / ".ci/run"
REAL = ("bash", "dirname", "env")

GOOD_PYTHON = "#!/bin/sh\nexit 0\n"
OLD_PYTHON = "#!/bin/sh\nexit 1\n"
NO_VENV = '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\n'
WHOLE = {"git": "#!/bin/sh\n", "python3": GOOD_PYTHON, "dot": "#!/bin/sh\n", "chromium": "#!/bin/sh\n"}


def run(folder: Path, programs: dict[str, str], user: int = 0, lab: str = "echo 3 passed in 0.1s") -> tuple[int, str]:
    """The exit status and output of a copy of .ci/run on a machine with these programs alone."""
    path, root = folder / "bin", folder / "a project"
    path.mkdir()
    (root / ".ci").mkdir(parents=True)
    shutil.copy(RUN, root / ".ci/run")
    own = {"id": f"#!/bin/sh\necho {user}\n", "apt-get": '#!/bin/sh\necho "apt-get $*" >&2\n'}
    for name, text in {**own, **programs}.items():
        if text:
            (path / name).write_text(text)
            (path / name).chmod(0o755)
    for name in REAL:
        (path / name).symlink_to(shutil.which(name) or name)
    (root / "lab").write_text(f'#!/bin/sh\necho "lab $*"\n{lab}\n')
    (root / "lab").chmod(0o755)
    command = [str(root / ".ci/run")]
    ended = subprocess.run(command, cwd=folder, env={"PATH": str(path)}, text=True, capture_output=True)
    return ended.returncode, ended.stderr + ended.stdout


def installed(output: str) -> list[str]:
    """What apt-get was asked to install, in order."""
    lines = [line for line in output.splitlines() if line.startswith("apt-get install")]
    return [word for line in lines for word in line.split()[2:] if not word.startswith("-")]


def test_a_whole_machine_installs_nothing(tmp_path: Path) -> None:
    status, output = run(tmp_path, WHOLE)
    assert status == 0
    assert output == "lab test\n3 passed in 0.1s\n"


@pytest.mark.parametrize(
    ("lacking", "expected"),
    [
        ({"git": ""}, ["git"]),
        ({"python3": NO_VENV}, ["python3", "python3-venv"]),
        ({"python3": OLD_PYTHON}, ["python3", "python3-venv"]),
        ({"python3": ""}, ["python3", "python3-venv"]),
        ({"python3": NO_VENV, "uv": "#!/bin/sh\n"}, []),
        ({"python3": OLD_PYTHON, "python3.12": GOOD_PYTHON}, []),
        ({"git": "", "python3": "", "dot": ""}, ["git", "python3", "python3-venv", "graphviz"]),
        ({"dot": ""}, []),
        ({"chromium": ""}, ["chromium", "fonts-dejavu-core"]),
        ({"chromium": "", "google-chrome": "#!/bin/sh\n"}, []),
    ],
)
def test_what_is_missing_is_installed(tmp_path: Path, lacking: dict[str, str], expected: list[str]) -> None:
    status, output = run(tmp_path, {**WHOLE, **lacking})
    assert status == 0
    assert installed(output) == expected
    assert output.endswith("3 passed in 0.1s\n")


def test_not_root_asks_sudo(tmp_path: Path) -> None:
    sudo = '#!/bin/sh\necho "sudo $*" >&2\nshift\nexec "$@"\n'
    status, output = run(tmp_path, {**WHOLE, "git": "", "sudo": sudo}, user=1000)
    assert status == 0
    assert "sudo --non-interactive apt-get install" in output
    assert installed(output) == ["git"]


def test_no_graphviz_to_be_had_stops_nothing(tmp_path: Path) -> None:
    apt = '#!/bin/sh\ncase "$*" in *graphviz*) exit 100;; esac\n'
    status, output = run(tmp_path, {**WHOLE, "git": "", "dot": "", "apt-get": apt})
    assert (status, output.splitlines()[-1]) == (0, "3 passed in 0.1s")


def test_a_machine_without_apt_says_what_it_lacks(tmp_path: Path) -> None:
    status, output = run(tmp_path, {**WHOLE, "git": "", "apt-get": ""})
    assert status == 1
    assert output.startswith("This machine lacks git")


def test_the_browsers_tests_are_not_skipped(tmp_path: Path) -> None:
    assert run(tmp_path, WHOLE, lab='echo "browser: $LAB_BROWSER"')[1].endswith("browser: required\n")


def test_failing_checks_fail(tmp_path: Path) -> None:
    assert run(tmp_path, WHOLE, lab="exit 3")[0] == 3
