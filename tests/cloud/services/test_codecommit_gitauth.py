"""Git's two ways to say who it is; the signed one is made by the AWS CLI's own credential helper."""

import base64
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from unittest.mock import patch
from urllib.parse import quote

import pytest
from awscli.customizations.codecommit import CodeCommitGetCommand
from botocore.credentials import Credentials

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codecommit import gitauth

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjE/+=="
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
PATH, HOST = "/v1/repos/a.b-c_d", "127.0.0.1:4566"


def header(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def signed(region: str = "us-east-1", url: str = f"http://{HOST}{PATH}", token: str | None = None) -> str:
    """The header that git sends with what `aws codecommit credential-helper` gives it."""
    session = SimpleNamespace(get_credentials=lambda: Credentials(KEY, SECRET, token))
    command = CodeCommitGetCommand.__new__(CodeCommitGetCommand)
    command._session = session
    with patch("awscli.customizations.codecommit.get_current_datetime", lambda **_: NOW.replace(tzinfo=None)):
        password = command.sign_request(region, url)
    return header(f"{KEY}%{token}" if token else KEY, password)


def claimed(text: str) -> gitauth.GitClaim:
    claim = gitauth.parse(text)
    assert claim is not None
    return claim


@pytest.mark.parametrize("suffix", ["", "/info/refs", "/git-upload-pack", "/git-receive-pack", "/", "//info/refs"])
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_the_credential_helpers_signature_holds(suffix: str, region: str) -> None:
    claim = claimed(signed(region))
    regions = ("us-east-1", "eu-central-1")
    assert gitauth.verify(claim, SECRET, PATH + suffix, HOST, NOW, regions) == region


@pytest.mark.parametrize("shown", [TOKEN, quote(TOKEN, safe="")])
def test_the_session_token_comes_with_the_user_name(shown: str) -> None:
    claim = claimed(signed(token=shown))
    assert (claim.access_key, claim.token) == (KEY, TOKEN)
    gitauth.verify(claim, SECRET, PATH, HOST, NOW, ("us-east-1",))


@pytest.mark.parametrize(
    ("secret", "path", "host", "after", "region"),
    [
        ("other", PATH, HOST, 0, "us-east-1"),
        (SECRET, "/v1/repos/other", HOST, 0, "us-east-1"),
        (SECRET, PATH + "/info", HOST, 0, "us-east-1"),
        (SECRET, PATH, "10.0.0.1:4566", 0, "us-east-1"),
        (SECRET, PATH, HOST, 0, "us-west-2"),
        (SECRET, PATH, HOST, 901, "us-east-1"),
        (SECRET, PATH, HOST, -901, "us-east-1"),
    ],
)
def test_a_signature_is_for_one_repository_region_and_quarter_of_an_hour(
    secret: str, path: str, host: str, after: int, region: str
) -> None:
    with pytest.raises(AwsError) as caught:
        gitauth.verify(claimed(signed()), secret, path, host, NOW + timedelta(seconds=after), (region,))
    assert (caught.value.code, caught.value.status) == ("AccessDenied", 403)


def test_a_signature_holds_within_a_quarter_of_an_hour() -> None:
    for after in (-899, 899):
        gitauth.verify(claimed(signed()), SECRET, PATH, HOST, NOW + timedelta(seconds=after), ("us-east-1",))


def test_a_password_is_compared() -> None:
    claim = claimed(header("ana-at-123456789012", "s3:cret="))
    assert not claim.signed
    assert gitauth.verify(claim, "s3:cret=", PATH, HOST, NOW) == ""
    with pytest.raises(AwsError, match="not those of an active Git credential"):
        gitauth.verify(claim, "s3:cret", PATH, HOST, NOW)


@pytest.mark.parametrize(
    "text",
    [None, "", "Basic", "Basic !!!", "Bearer abc", "Basic " + base64.b64encode(b"nocolon").decode(), "Basic /w=="],
)
def test_what_is_no_claim(text: str | None) -> None:
    assert gitauth.parse(text) is None


@pytest.mark.parametrize("moment", ["20260304T050607Z", "20261304T050607Z", "99990304T050607Z"])
def test_hostile_times_are_refused(moment: str) -> None:
    with pytest.raises(AwsError):
        gitauth.verify(claimed(header(KEY, moment + "0" * 64)), SECRET, PATH, HOST, NOW, ("us-east-1",))
