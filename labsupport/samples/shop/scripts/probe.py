"""Does the shop at URL work, and is it VERSION? `probe.py URL VERSION` says so, and ends with an error if not."""

import json
import sys
from typing import Any
from urllib.request import ProxyHandler, build_opener


def ask(url: str) -> dict[str, Any]:
    """The JSON document at `url`."""
    with build_opener(ProxyHandler({})).open(url, timeout=5) as answer:
        document: dict[str, Any] = json.load(answer)
        return document


def main() -> None:
    """Ask once."""
    url, wanted = sys.argv[1:]
    try:
        health, version = ask(f"{url}/health"), ask(f"{url}/version")
    except (OSError, ValueError) as error:
        sys.exit(f"{url} doesn't answer: {error}")
    if health["status"] != "ok":
        sys.exit(f"{url}/health should say ok, and says {health['status']!r}.")
    if version["version"] != wanted:
        sys.exit(f"{url} should serve version {wanted}, and serves {version['version']}.")
    print(f"{url} is healthy and serves version {wanted}, commit {version['commit']}.")


if __name__ == "__main__":
    main()
