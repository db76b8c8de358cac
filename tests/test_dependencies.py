"""pyproject.toml, constraints.txt and environment.yml name the same packages; their licences let the lab use them."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
OLDEST = "3.11.0"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = (("linux", "Linux"), ("darwin", "Darwin"))


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@cache
def declared() -> list[str]:
    """The direct dependencies, those of the tests last, spelt as in pyproject.toml."""
    return [*project()["dependencies"], *project()["optional-dependencies"]["test"]]


@cache
def pins() -> dict[str, str]:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    return {str(canonicalize_name(line.partition("==")[0])): line.partition("==")[2] for line in lines}


def needed(package: Distribution, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """What a package needs on any of the platforms and Pythons that the lab runs on."""
    for requirement in map(Requirement, package.requires or []):
        if requirement.marker is None or any(
            requirement.marker.evaluate(
                {"sys_platform": system, "platform_system": name, "python_version": python, "os_name": "posix"}
                | {"python_full_version": f"{python}.0", "platform_python_implementation": "CPython", "extra": extra}
            )
            for system, name in PLATFORMS
            for python in PYTHONS
            for extra in extras | {""}
        ):
            yield str(canonicalize_name(requirement.name)), frozenset(requirement.extras)


@cache
def closure() -> frozenset[str]:
    """Every package that the lab and its tests bring along, directly or not."""
    installing = project()["optional-dependencies"]["install"]
    todo = [(str(canonicalize_name(name)), frozenset[str]()) for name in [*declared(), *installing]]
    seen = set(todo)
    while todo:
        name, extras = todo.pop()
        try:
            more = set(needed(distribution(name), extras)) - seen
        except ModuleNotFoundError:  # another platform's
            continue
        seen |= more
        todo += more
    return frozenset(name for name, _ in seen)


@cache
def here() -> frozenset[str]:
    """The packages of the closure that this environment holds."""
    return frozenset(name for name in closure() if next(distributions(name=name), None))


def test_every_package_is_pinned_and_no_other() -> None:
    assert sorted(closure()) == sorted(pins())


def test_constraints_are_names_and_versions_alone() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line)] == []
    names = [line.partition("==")[0].lower() for line in lines if not line.startswith("#")]
    assert names == sorted(set(names))


def test_the_installed_packages_are_the_pinned_ones() -> None:
    other = {name: distribution(name).version for name in here() if distribution(name).version != pins()[name]}
    assert other == {}, "run ./lab test, which installs the pinned versions"


def test_the_pinned_packages_run_on_the_oldest_python() -> None:
    wanted = {name: distribution(name).metadata.get("Requires-Python", "") for name in here()}
    assert {name: versions for name, versions in wanted.items() if not SpecifierSet(versions).contains(OLDEST)} == {}


def test_conda_gets_the_same_packages_in_the_same_versions() -> None:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda, pip = [entry for entry in listed if isinstance(entry, str)], listed[-1]["pip"]
    assert conda == ["python=3.11", "pip", "git", "graphviz"]
    assert pip[:2] == ["--constraint constraints.txt", "--editable ."]
    assert pip[2:] == [f"{name}=={pins()[canonicalize_name(name)]}" for name in declared()]


def test_dependencies_are_declared_without_versions() -> None:
    assert [name for name in declared() if not re.fullmatch(r"[A-Za-z0-9-]+", name)] == []
    assert len(set(declared())) == len(declared())


def test_the_launcher_sees_every_change_of_the_dependencies() -> None:
    """./lab compares pyproject.toml up to its first tool's section."""
    head = (ROOT / "pyproject.toml").read_text().partition("\n[tool.")[0]
    assert tomllib.loads(head)["project"] == project()


# A package may be depended on by Apache-2.0 code if its licence is permissive, or weak copyleft for its own files.
ALLOWED = re.compile(
    r"(the )?(apache|asl|mit|expat|bsd|0bsd|isc|psfl?|python[- ]software[- ]foundation|unlicense|zlib|hpnd|cnri"
    r"|mpl|mozilla|epl-2\.0|ofl-1\.1)\b|[23]-clause bsd|public domain",
    re.IGNORECASE,
)
SINGLY_JUDGED = {
    "docutils": "public domain, Python, 2-Clause BSD, GPL 3 (see COPYING.txt)",  # GPL: an Emacs mode, not installed
    "pygit2": "GPLv2 with linking exception",  # the exception: what links to it stays under its own licence
}


def licence(name: str) -> str:
    """The licence as the package's metadata tells it, the newest of three fields first."""
    metadata = distribution(name).metadata
    classifiers = [c.split(" :: ")[-1] for c in metadata.get_all("Classifier") or [] if c.startswith("License ::")]
    text = metadata.get("License-Expression") or metadata.get("License") or ""
    if not text or text == "UNKNOWN" or "\n" in text or text.startswith(("Copyright", "Dual")):
        return " AND ".join(classifier for classifier in classifiers if classifier != "OSI Approved") or text
    return text


def allowed(expression: str) -> bool:
    """Every part that is joined by AND, and one of those joined by OR, is on the list."""
    parts = re.split(r"\s+AND\s+", expression.replace("(", " ").replace(")", " "))
    return all(any(ALLOWED.match(choice.strip()) for choice in re.split(r"\s+OR\s+", part)) for part in parts)


def test_every_licence_is_allowed() -> None:
    judged = {name: licence(name) for name in here()}
    assert {name: text for name, text in judged.items() if text != SINGLY_JUDGED.get(name) and not allowed(text)} == {}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", True),
        ("Apache-2.0 OR GPL-3.0", True),
        ("MIT AND (Apache-2.0 OR BSD-2-Clause)", True),
        ("MIT AND GPL-3.0", False),
        ("GPLv3", False),
        ("AGPL-3.0-or-later", False),
        ("Mitre proprietary", False),
        ("", False),
    ],
)
def test_the_licence_rule_itself(expression: str, expected: bool) -> None:
    assert allowed(expression) is expected


def test_our_own_licence() -> None:
    assert project()["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


LOCKED = ["constraints.txt", "environment.yml", "pyproject.toml", "lab", ".ci/run"]
DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/**/*.md", "notebooks/**/*.*")
    for path in ROOT.glob(pattern)
)
REGISTRY = re.compile(
    r"--(extra-)?index-url|--find-links|extra-index|pypi\.org/simple|pythonhosted\.org|registry\.npmjs|file:///"
)


@pytest.mark.parametrize("name", [*LOCKED, *DOCUMENTS])
def test_no_address_of_a_registry(name: str) -> None:
    assert not REGISTRY.search((ROOT / name).read_text(errors="replace"))


@pytest.mark.parametrize("name", LOCKED[:2])
def test_no_address_at_all_in_lock_files(name: str) -> None:
    assert "://" not in (ROOT / name).read_text()
