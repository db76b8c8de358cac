"""The home folder, as everyone beside the cloud sees it: where it is, who runs on it, how to reach them."""

import configparser
import http.client
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
PROFILE = "learner"
REGION = "us-east-1"


class Trouble(Exception):
    """Something that ends a command, or a notebook's cell: the text is a sentence or two for a person.

    `status` is the command's exit status.
    """

    status = 1

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback."""
        return [str(self)]


class Unreachable(Trouble):
    """The cloud cannot be reached."""

    status = 3


@dataclass(frozen=True, slots=True)
class Endpoint:
    url: str
    pid: int
    auth: str
    account: str
    secure_url: str = ""  # over TLS, by the authority whose certificate is `ca_bundle`


def folder(given: str | Path | None = None) -> Path:
    """The home folder: the one given, `$LAB_HOME`, or `.lab` beside the notebooks (else in this folder)."""
    chosen = given or os.environ.get("LAB_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return (ROOT if (ROOT / "notebooks").is_dir() else Path.cwd()) / ".lab"


def endpoint(home: Path) -> Endpoint | None:
    """The cloud that runs on a home folder; `None` where none does."""
    try:
        found = Endpoint(**json.loads((home / "endpoint.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return found if is_alive(found.pid) and health(found.url) else None


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def health(url: str) -> dict[str, Any] | None:
    """What the cloud at an address says of itself; `None` if nobody answers there."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", "/_lab/health")
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return answer


def running(home: Path) -> Endpoint:
    """The cloud that runs on a home folder, or a sentence that says how to start it."""
    found = endpoint(home)
    if found is None:
        raise Unreachable(
            f"No cloud runs on {home}: start it with `lab serve` (or `lab`, which opens the notebooks too)."
        )
    return found


def ca_bundle(home: Path) -> Path:
    """The certificate of the lab's own authority, by which clients know its HTTPS address."""
    return home / "tls" / "ca.pem"


def trust(home: Path, secure_url: str) -> dict[str, str]:
    """What lets clients speak TLS with the cloud. git trusts the authority for this address only: the others that it
    knows it goes on checking as ever."""
    if not secure_url:
        return {}
    return {
        "AWS_CA_BUNDLE": str(ca_bundle(home)),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{secure_url}/.sslCAInfo",
        "GIT_CONFIG_VALUE_0": str(ca_bundle(home)),
        "CODE_COMMIT_ENDPOINT": urlsplit(secure_url).netloc,  # git-remote-codecommit speaks TLS only
    }


def environment(home: Path, url: str, profile: str = PROFILE, secure_url: str = "") -> dict[str, str]:
    """What a shell, the CLI, boto3 and git need in their environment to reach the cloud and nothing else."""
    return {
        **trust(home, secure_url),
        "AWS_CONFIG_FILE": str(home / "aws" / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "aws" / "credentials"),
        "AWS_PROFILE": profile,
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "LAB_HOME": str(home),
    }


# Variables that would win over a profile's keys: real credentials in a learner's shell are never used.
OVERRIDING = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")


def without_own_credentials(environ: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name not in OVERRIDING}


def enclosed(
    environ: dict[str, str], home: Path, url: str, profile: str = PROFILE, secure_url: str = ""
) -> dict[str, str]:
    """An environment in which aws, boto3 and git reach the cloud of a home folder and nothing else.

    Every setting for AWS that a shell has is left out: keys, profiles, files, endpoints, roles. The lab's programs
    are on the path, and what listens on this machine is reached without a proxy.
    """
    kept = {name: value for name, value in environ.items() if not name.startswith("AWS_")}
    programs, path = os.path.dirname(sys.executable), kept.get("PATH", os.defpath)
    if programs not in path.split(os.pathsep):
        kept["PATH"] = os.pathsep.join([programs, path])
    for name in ("NO_PROXY", "no_proxy"):
        hosts = kept.get(name, "")
        if "127.0.0.1" not in hosts.split(","):
            kept[name] = ",".join(filter(None, [hosts, "127.0.0.1", "localhost"]))
    return {**kept, **environment(home, url, profile, secure_url)}


def keys(home: Path, profile: str = PROFILE) -> tuple[str, str]:
    """The access key id and secret of one of the lab's profiles."""
    parser = configparser.RawConfigParser()
    try:
        parser.read(home / "aws" / "credentials")
    except (configparser.Error, OSError) as problem:
        raise Unreachable(f"The lab's own credentials can't be read: {problem} Stop and start the cloud.") from None
    if profile not in parser:
        raise Unreachable(f"There is no profile named {profile} in {home / 'aws' / 'credentials'}.")
    section = parser[profile]
    return section["aws_access_key_id"], section["aws_secret_access_key"]


def ask(home: Path, method: str, path: str, profile: str = PROFILE) -> dict[str, Any]:
    """One of the lab's own pages (`/_lab/…`), signed as the profile."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    url = running(home).url
    request = AWSRequest(method, url + path, headers={"Host": urlsplit(url).netloc})
    SigV4Auth(Credentials(*keys(home, profile)), "lab", REGION).add_auth(request)
    return _send(request.prepare(), path)


def _send(request: Any, path: str) -> dict[str, Any]:
    parts = urlsplit(request.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        target = path
        connection.request(request.method, target, headers=dict(request.headers))
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Unreachable(f"The cloud at {parts.netloc} did not answer ({error}): see `lab status`.") from None
    finally:
        connection.close()
    if response.status >= 300:
        raise Unreachable(answer.get("message", f"The cloud answered {response.status}."))
    return answer
