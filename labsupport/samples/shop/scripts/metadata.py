"""Ask the instance about itself: `metadata.py local-ipv4`. Version 2 of the metadata service wants a token first."""

import os
import sys
from typing import Optional
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

ENDPOINT = "http://169.254.169.254"


def ask(path: str, method: str = "GET", headers: Optional[dict[str, str]] = None) -> str:
    """The text at `path` of the metadata service, which is never behind a proxy."""
    endpoint = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or ENDPOINT
    request = Request(endpoint.rstrip("/") + path, method=method, headers=headers or {})
    with build_opener(ProxyHandler({})).open(request, timeout=5) as answer:
        text: str = answer.read().decode()
        return text


def main() -> None:
    """Print one item of the instance's metadata."""
    item = sys.argv[1]
    try:
        token = ask("/latest/api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
        print(ask(f"/latest/meta-data/{item}", headers={"X-aws-ec2-metadata-token": token}))
    except (URLError, OSError) as error:
        sys.exit(f"The instance metadata service doesn't tell {item}: {error}")


if __name__ == "__main__":
    main()
