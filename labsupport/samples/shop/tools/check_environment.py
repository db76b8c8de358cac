"""Before the build: is this a place where the shop can be built, and a release that can be named?"""

import os
import platform
import re
import sys
from pathlib import Path

OLDEST_PYTHON = (3, 9)


def main() -> None:
    """Say what is being built and with what; end with a reason if that can't work."""
    version = Path("VERSION").read_text().strip()
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"Python 3.9 or newer is needed, and this is {platform.python_version()}.")
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        sys.exit(f"VERSION must hold three numbers such as 1.4.2, and holds {version!r}.")
    commit = os.environ.get("CODEBUILD_RESOLVED_SOURCE_VERSION") or "unknown"
    print(f"Building shop {version} from commit {commit} with Python {platform.python_version()}.")


if __name__ == "__main__":
    main()
