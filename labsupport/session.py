"""boto3 on one of the lab's profiles, untouched by whatever AWS settings the learner's shell has."""

import gzip
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from labsupport import home


def client_of(folder: Path, url: str, profile: str = home.PROFILE) -> Callable[[str], Any]:
    """`client("s3")` is boto3's client under a profile of the home folder; each is made once."""
    return made(url, *home.keys(folder, profile))


class _Files:
    """botocore's models, read twice as quickly as botocore reads them: half of a client's making is decoding JSON."""

    def exists(self, path: str) -> bool:
        return any(Path(path + end).is_file() for end in (".json", ".json.gz"))

    def load_file(self, path: str) -> Any:
        import msgspec

        for end, opened in ((".json", open), (".json.gz", gzip.open)):
            if Path(path + end).is_file():
                with opened(path + end, "rb") as file:
                    return msgspec.json.decode(file.read())
        return None


@cache
def _models() -> Any:
    """Each model is read once, whoever's clients are made."""
    from botocore.loaders import Loader

    return Loader(file_loader=_Files())


def made(
    url: str, key: str, secret: str, *, user_agent: str = "", before: Callable[..., None] | None = None
) -> Callable[[str], Any]:
    """boto3's clients for a pair of keys. `before(model=…)` is called before each call."""
    import boto3
    import botocore.session
    from botocore.config import Config

    # Neither a profile that the shell names nor the files in the learner's home are looked at.
    nothing = dict.fromkeys(("profile", "config_file", "credentials_file"), (None, None, None, None))
    core = botocore.session.Session(session_vars=nothing)
    core.register_component("data_loader", _models())
    session = boto3.Session(
        botocore_session=core, aws_access_key_id=key, aws_secret_access_key=secret, region_name=home.REGION
    )
    config = Config(
        retries={"total_max_attempts": 3},
        s3={"addressing_style": "path"},
        proxies={},
        user_agent_extra=user_agent or None,
    )
    if before is not None:
        core.register("before-parameter-build", before)

    making = threading.Lock()  # a client may be shared between threads, making one may not

    @cache
    def made(service: str) -> Any:
        return session.client(service, endpoint_url=url, config=config)

    def client(service: str) -> Any:
        with making:
            return made(service)

    return client
