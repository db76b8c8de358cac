"""What all tests share."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Documents written by others: buildspecs, pipelines, templates, policies. Beside the repository, or LAB_CORPUS."""
    folder = Path(os.environ.get("LAB_CORPUS") or ROOT.parent / "shared" / "corpus")
    if not folder.is_dir():
        pytest.skip(f"the corpus of real documents is not at {folder}; LAB_CORPUS can say where it is")
    return folder
