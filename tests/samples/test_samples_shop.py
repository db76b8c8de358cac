"""The sample application: copied, broken and mended as a learner would, and built by its own buildspec."""

import ast
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from labsupport import samples

COMMIT = "4c925148f2a5d0b6e9a7c1e3f5d7b9a1c3e5f7a9"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A fresh copy of the application, whose rules are tried on fewer baskets: here it is not to take its time."""
    samples.copy_shop(tmp_path / "shop", "1.4.2")
    rules = tmp_path / "shop" / "tests" / "test_basket_rules.py"
    rules.write_text(rules.read_text().replace("HOW_MANY = 15_000", "HOW_MANY = 500"))
    return tmp_path / "shop"


def commands(shop: Path, *phases: str) -> str:
    """The buildspec's commands as one shell script, as a person would run them by hand."""
    spec = yaml.safe_load((shop / "buildspec.yml").read_text())["phases"]
    return "\n".join(command for phase in phases or spec for command in spec[phase]["commands"])


def run(shop: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What `script` says in the application's folder, stopping at the first command that fails."""
    variables = yaml.safe_load((shop / "buildspec.yml").read_text())["env"]["variables"]
    everything = {**os.environ, **variables, **environment}
    return subprocess.run(
        ["bash", "-e", "-c", script], cwd=shop, env=everything, capture_output=True, text=True, timeout=120
    )


def artifacts(shop: Path) -> set[str]:
    """The files that the buildspec's patterns find."""
    patterns = yaml.safe_load((shop / "buildspec.yml").read_text())["artifacts"]["files"]
    found = {pattern: [path for path in shop.glob(pattern) if path.is_file()] for pattern in patterns}
    assert all(found.values()), f"a pattern finds nothing: {found}"
    return {str(path.relative_to(shop)) for paths in found.values() for path in paths}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_buildspec_builds_the_application(shop: Path) -> None:
    done = run(shop, commands(shop), CODEBUILD_RESOLVED_SOURCE_VERSION=COMMIT, CODEBUILD_BUILD_ID="shop:1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Building shop 1.4.2 from commit {COMMIT}" in done.stdout
    assert re.search(r"Ran \d+ tests .*OK", done.stderr, re.DOTALL)
    told = json.loads((shop / "build-info.json").read_text())
    assert told == {"version": "1.4.2", "commit": COMMIT, "build": "shop:1"}
    packed = artifacts(shop)
    assert {"appspec.yml", "template.yml", "VERSION", "build-info.json", "scripts/start.sh", "shop/server.py"} <= packed
    assert not [name for name in packed if "pycache" in name], "compiled files must not be deployed"


def test_the_appspec_installs_what_the_build_packs(shop: Path) -> None:
    (shop / "build-info.json").write_text("{}")
    spec, packed = yaml.safe_load((shop / "appspec.yml").read_text()), artifacts(shop)
    for file in spec["files"]:
        assert any(name == file["source"] or name.startswith(file["source"] + "/") for name in packed), file
    hooks = [hook for event in spec["hooks"].values() for hook in event]
    assert {hook["location"] for hook in hooks} <= packed
    assert list(spec["hooks"]) == [
        "ApplicationStop",
        "BeforeInstall",
        "AfterInstall",
        "ApplicationStart",
        "ValidateService",
    ]


FAULTS = [
    ("VERSION", lambda text: "one\n", "VERSION must hold three numbers such as 1.4.2, and holds 'one'."),
    ("shop/basket.py", lambda text: text + "def f(:\n", "SyntaxError"),
    ("shop/basket.py", lambda text: text + "import os\n", "'os' is imported and not used"),
    ("shop/basket.py", lambda text: text + "def f():\n    pass\n", "'f' has no docstring"),
    ("shop/basket.py", lambda text: text + "#" * 121 + "\n", "has 121 characters; 120 are allowed"),
    ("scripts/stop.sh", lambda text: text + "if\n", "syntax error"),
]


@pytest.mark.parametrize(("path", "change", "complaint"), FAULTS)
def test_checks_before_the_build_find_faults(
    shop: Path, path: str, change: Callable[[str], str], complaint: str
) -> None:
    (shop / path).write_text(change((shop / path).read_text()))
    done = run(shop, commands(shop, "install", "pre_build"))
    assert done.returncode != 0
    assert complaint in done.stdout + done.stderr


def test_a_broken_application_fails_one_test(shop: Path) -> None:
    samples.break_test(shop)
    broken = run(shop, commands(shop, "pre_build", "build"))
    assert broken.returncode == 1, broken.stdout + broken.stderr
    assert "FAILED (failures=1)" in broken.stderr
    assert "an order of exactly 50.00 must ship free of charge" in broken.stderr


def test_breaking_and_mending_changes_nothing_but_the_version(shop: Path) -> None:
    before = contents(shop)
    samples.break_test(shop)
    assert {name for name, content in contents(shop).items() if content != before[name]} == {"shop/basket.py"}
    samples.mend(shop, "1.4.3")
    assert contents(shop) == before | {"VERSION": b"1.4.3\n"}


@pytest.mark.parametrize(
    "edit", [lambda shop: samples.mend(shop, "2.0.0"), lambda shop: twice(samples.break_test, shop)]
)
def test_an_edit_that_does_not_fit_is_refused(shop: Path, edit: Callable[[Path], None]) -> None:
    with pytest.raises(ValueError, match=r"basket\.py should have the line .* once, and has it 0 times"):
        edit(shop)


def twice(edit: Callable[[Path], None], shop: Path) -> None:
    """The same edit two times."""
    edit(shop)
    edit(shop)


@pytest.mark.parametrize("version", ["", "1", "1.2", "1.2.3.4", "v1.2.3", "1.2.x", "1.2.3\n", "١.٢.٣"])
def test_a_version_is_three_numbers(shop: Path, version: str) -> None:
    before = contents(shop)
    for edit in (samples.set_version, samples.mend, samples.copy_shop):
        with pytest.raises(ValueError, match="A version is three numbers"):
            edit(shop, version)
    assert contents(shop) == before


def test_copying_overwrites_nothing(shop: Path) -> None:
    (shop / "README.md").write_text("mine")
    before = contents(shop)
    with pytest.raises(FileExistsError, match=r"already has .*README\.md"):
        samples.copy_shop(shop)
    assert contents(shop) == before


def test_a_folder_with_other_files_takes_the_copy(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main")
    samples.copy_shop(tmp_path)
    assert (tmp_path / "VERSION").read_text() == "1.0.0\n"
    assert (tmp_path / ".gitignore").exists()
    assert not [name for name in contents(tmp_path) if "pycache" in name or name == "build-info.json"]


def test_hook_scripts_can_be_executed(shop: Path) -> None:
    spec = yaml.safe_load((shop / "appspec.yml").read_text())
    for hook in [hook for event in spec["hooks"].values() for hook in event]:
        assert os.access(shop / hook["location"], os.X_OK), hook


def test_the_sample_runs_on_python_3_9(shop: Path) -> None:
    for path in shop.rglob("*.py"):
        ast.parse(path.read_text(), str(path), feature_version=(3, 9))
