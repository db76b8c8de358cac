"""Which release of the shop this is: what VERSION says, and what the build wrote beside it."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Release:
    """A version, and the commit that it was built from."""

    version: str
    commit: str


def read(home: Path) -> Release:
    """The release installed in the folder `home`. Without a build there is no commit to tell."""
    version = (home / "VERSION").read_text().strip()
    build_info = home / "build-info.json"
    commit = json.loads(build_info.read_text())["commit"] if build_info.exists() else "unknown"
    return Release(version, commit)
