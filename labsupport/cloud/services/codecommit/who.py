"""Who speaks to a repository by git, and which repository that is: the caller and the region of a git request."""

import secrets
from typing import NamedTuple

from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest
from labsupport.cloud.core.identity import AccessKey, Caller, ServiceCredential, User, root
from labsupport.cloud.services.codecommit import gitauth
from labsupport.cloud.services.codecommit.base import Repository
from labsupport.cloud.services.codecommit.gitauth import GitClaim, refused

_PRINCIPAL = "codecommit.amazonaws.com"


class Who(NamedTuple):
    caller: Caller
    region: str


def who(cloud: Cloud, request: HttpRequest, repository: str) -> Who | None:
    """None for a request without credentials, AccessDenied for wrong ones.

    The address names no region. A signature is made for one; for a user name and password it is the lab's own
    region, or else the first in which the account has a repository of this name.
    """
    claim = gitauth.parse(request.headers.get("authorization"))
    if cloud.settings.open:
        return _open(cloud, claim, repository)
    if claim is None:
        return None
    return _signed(cloud, request, claim) if claim.signed else _with_password(cloud, claim, repository)


def _with_password(cloud: Cloud, claim: GitClaim, repository: str) -> Who:
    """By a service-specific credential. One that nobody has is compared like any other, so that time tells nothing."""
    found = cloud.store.get(ServiceCredential, claim.user)
    usable = found is not None and found.active and found.service == _PRINCIPAL
    password = found.password if found is not None and usable else secrets.token_hex()
    gitauth.verify(claim, password, "", "", cloud.clock.now())
    user = cloud.store.get(User, found.account, found.user) if found else None
    if found is None or user is None:
        raise refused("The user of this Git credential is gone.")
    caller = Caller("user", user.account, user.arn, user.id, user.name, found.id)
    return Who(caller, _region_of(cloud, user.account, repository))


def _signed(cloud: Cloud, request: HttpRequest, claim: GitClaim) -> Who:
    """By an access key's signature, as the AWS CLI's credential helper makes it."""
    caller, secret = _holder(cloud, claim)
    regions = _regions(cloud, caller.account)
    host = request.headers.get("host", "")
    region = gitauth.verify(claim, secret, request.raw_path, host, cloud.clock.now(), regions)
    _check_token(cloud, caller, claim)
    return Who(caller, region)


def _holder(cloud: Cloud, claim: GitClaim) -> tuple[Caller, str]:
    caller: Caller = cloud.way_in.caller(claim.access_key)
    if caller.session:
        return caller, caller.session.secret
    key = cloud.store.get(AccessKey, claim.access_key)
    if key is None:
        raise refused("The access key does not exist.")
    return caller, key.secret


def _check_token(cloud: Cloud, caller: Caller, claim: GitClaim) -> None:
    expected = caller.session.token if caller.session else None
    if not secrets.compare_digest((claim.token or "").encode(), (expected or "").encode()):
        raise refused("The session token is not that of the access key.")
    if caller.session and caller.session.expires <= cloud.clock.epoch():
        raise refused("The security token included in the request is expired.")


def _open(cloud: Cloud, claim: GitClaim | None, repository: str) -> Who:
    """With `--auth open` nobody is refused: whoever isn't known is the account's root."""
    caller = root(cloud.settings.account)
    if claim is not None and claim.signed:
        try:
            caller = cloud.way_in.caller(claim.access_key)
        except AwsError:
            pass
    return Who(caller, _region_of(cloud, caller.account, repository))


def _regions(cloud: Cloud, account: str) -> list[str]:
    """Where the account has repositories, the lab's own region first."""
    found = {repository.region for repository in cloud.store.list(Repository, account)}
    return list(dict.fromkeys([cloud.settings.region, *sorted(found)]))


def _region_of(cloud: Cloud, account: str, name: str) -> str:
    if cloud.store.get(Repository, account, cloud.settings.region, name) is None:
        for region in _regions(cloud, account):
            if cloud.store.get(Repository, account, region, name) is not None:
                return region
    return cloud.settings.region
