"""boto3 on one of the lab's profiles, untouched by whatever AWS settings the learner's shell has."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from labsupport import home


def client_of(folder: Path, url: str, profile: str = home.PROFILE) -> Callable[[str], Any]:
    """`client("s3")` is boto3's client under a profile of the home folder; each is made once."""
    import boto3
    from botocore.config import Config

    key, secret = home.keys(folder, profile)
    session = boto3.Session(aws_access_key_id=key, aws_secret_access_key=secret, region_name=home.REGION)
    config = Config(retries={"total_max_attempts": 3}, s3={"addressing_style": "path"})

    @cache
    def client(service: str) -> Any:
        return session.client(service, endpoint_url=url, config=config)

    return client
