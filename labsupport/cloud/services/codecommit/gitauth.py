"""Who pushes? Git over HTTPS to CodeCommit identifies its user by HTTP Basic, in one of two ways.

Git credentials: user name and password of a service-specific credential (CreateServiceSpecificCredential). They work
with git as it is:

    git clone http://NAME:PASSWORD@127.0.0.1:4566/v1/repos/demo

The credential helper of the AWS CLI signs the path with the caller's access key. For a host that isn't AWS's it has to
be told to, and git has to tell it the path:

    git config --global credential.helper '!aws codecommit credential-helper --ignore-host-check $@'
    git config --global credential.UseHttpPath true

The region that it signs for comes from the CLI's configuration (`AWS_DEFAULT_REGION`, `--region`), since a host such
as 127.0.0.1 names none: the verifier tries those that it is given. `git-remote-codecommit` signs in the same form.
(AWS: "Setup for HTTPS users using Git credentials", "… with the AWS CLI credential helper".)
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from urllib.parse import unquote

import msgspec

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.signing import ALGORITHM, TERMINATOR, instant, signature

LIFETIME = timedelta(minutes=15)
_SIGNED = re.compile(r"(\d{8}T\d{6}Z)([0-9a-f]{64})", re.ASCII)
_KEY = re.compile(r"[A-Z0-9]{16,128}", re.ASCII)
_SUFFIXES = ("/info/refs", "/git-upload-pack", "/git-receive-pack")


class GitClaim(msgspec.Struct, frozen=True):
    """What git says of its user. Signed: `access_key`, `timestamp` and `signature` are set, and maybe `token`.

    Otherwise they are empty, and `user` and `password` are those of a service-specific credential.
    """

    user: str
    password: str
    access_key: str = ""
    token: str | None = None
    timestamp: str = ""
    signature: str = ""

    @property
    def signed(self) -> bool:
        return bool(self.signature)


def parse(authorization_header: str | None) -> GitClaim | None:
    """The claim in git's Authorization header; None if there is none of its kind.

    To None the answer is status 401 with `WWW-Authenticate: Basic realm="…"`: git asks its helpers only then.
    """
    pair = _basic(authorization_header or "")
    if pair is None:
        return None
    user, password = pair
    access_key, _, token = user.partition("%")
    signed = _SIGNED.fullmatch(password)
    if not signed or not _KEY.fullmatch(access_key):
        return GitClaim(user, password)
    # Some clients percent-encode the token once more; a token has no percent sign of its own.
    return GitClaim(user, password, access_key, unquote(token) or None, *signed.groups())


def verify(claim: GitClaim, secret: str, path: str, host: str, now: datetime, regions: Iterable[str] = ()) -> str:
    """AccessDenied (403) unless the claim holds; the region that a signature was made for (no signature: "").

    `secret` is the access key's secret, or the service-specific credential's password. `path` and `host` are as they
    arrived, port and git's own suffixes included; `regions` are those that a signature is accepted for.
    """
    if not claim.signed:
        if not hmac.compare_digest(claim.password.encode(), secret.encode()):
            raise refused("The user name and password are not those of an active Git credential.")
        return ""
    _check_time(claim, now)
    given = claim.signature.encode()
    for region in regions:
        for canonical in _canonical_requests(path, host):
            if hmac.compare_digest(_signature(claim, secret, region, canonical).encode(), given):
                return region
    raise refused("The signature does not match the repository's URL, the region and the secret access key.")


def refused(message: str) -> AwsError:
    """The refusal of a git request; git shows the status, and the message where it is sent as text."""
    return AwsError("AccessDenied", message, 403)


def repository_path(path: str) -> str:
    """The path without what git appends to a repository's URL."""
    for suffix in _SUFFIXES:
        path = path.removesuffix(suffix)
    return path


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None


def _check_time(claim: GitClaim, now: datetime) -> None:
    signed_at = instant(claim.timestamp)
    if signed_at is None or abs(now - signed_at) > LIFETIME:
        minutes = int(LIFETIME.total_seconds() // 60)
        raise refused(f"The signature of {claim.timestamp} is more than {minutes} minutes away from the server's time.")


def _canonical_requests(path: str, host: str) -> Iterator[str]:
    """What clients sign: one strips the port off the host, one doesn't; git strips slashes off the path's end."""
    path = repository_path(path)
    for spelling in dict.fromkeys((path, path.rstrip("/"), unquote(path))):
        for name in dict.fromkeys((host.split(":")[0], host)):
            yield f"GIT\n{spelling}\n\nhost:{name}\n\nhost\n"


def _signature(claim: GitClaim, secret: str, region: str, canonical: str) -> str:
    moment, day = claim.timestamp.removesuffix("Z"), claim.timestamp[:8]
    scope = f"{day}/{region}/codecommit/{TERMINATOR}"
    text = f"{ALGORITHM}\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return signature(secret, day, region, "codecommit", text.encode())
