"""What all tests share."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What takes minutes begins first, so that no worker is left alone with it at the end.
LONG = ("course", "notebooks", "browser", "faults", "demo")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tests = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(tests).parts[0] not in LONG)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Documents written by others: buildspecs, pipelines, templates, policies. Beside the repository, or LAB_CORPUS."""
    folder = Path(os.environ.get("LAB_CORPUS") or ROOT.parent / "shared" / "corpus")
    if not folder.is_dir():
        pytest.skip(f"the corpus of real documents is not at {folder}; LAB_CORPUS can say where it is")
    return folder
