"""After the build: what was built, and from what, as JSON. CodeBuild tells by its environment variables."""

import json
import os
from pathlib import Path


def main() -> None:
    """Print the build's description."""
    described = {
        "version": Path("VERSION").read_text().strip(),
        "commit": os.environ.get("CODEBUILD_RESOLVED_SOURCE_VERSION") or "unknown",
        "build": os.environ.get("CODEBUILD_BUILD_ID") or "unknown",
    }
    print(json.dumps(described, indent=2))


if __name__ == "__main__":
    main()
