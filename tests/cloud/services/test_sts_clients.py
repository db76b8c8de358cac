"""Sessions as real clients get them: profiles of the CLI and boto3, MFA prompts, credential processes, signed URLs."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from federation_help import OidcServer
from identity_help import ACCOUNT, PLACE, SECOND, Device, enabled_device, new_role, trusts
from services_help import may, person, trail

BIN = Path(sys.executable).parent
EXTERNAL = "course-4711"


class Home:
    """A folder with AWS's two files; `run` is the CLI with them, `session` boto3's."""

    def __init__(self, cloud: Any, folder: Path) -> None:
        self.cloud, self.folder = cloud, folder
        self.env = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(folder),
            "AWS_CONFIG_FILE": str(folder / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
            "AWS_ENDPOINT_URL": cloud.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def write(self, credentials: dict[str, dict[str, str]], config: dict[str, dict[str, str]]) -> None:
        for name, sections in (("credentials", credentials), ("config", config)):
            lines = [
                f"[{title}]\n" + "".join(f"{k} = {v}\n" for k, v in pairs.items()) for title, pairs in sections.items()
            ]
            (self.folder / name).write_text("\n".join(lines))

    def run(self, *arguments: str, say: str = "") -> Any:
        """What the CLI prints, as JSON; `say` is typed where it prompts."""
        ran = subprocess.run(
            [str(BIN / "aws"), *arguments, "--output", "json"],
            env=self.env,
            input=say,
            capture_output=True,
            text=True,
            timeout=120,
            start_new_session=True,  # without a terminal the code is read from here
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return json.loads(ran.stdout)


@pytest.fixture
def home(shared_cloud: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(shared_cloud, tmp_path)
    for name in [one for one in os.environ if one.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in made.env.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return made


@pytest.fixture(scope="module")
def setting(shared_cloud: Any) -> Any:
    """A user with MFA, a role that asks for it, and one of the second account that asks for an external id."""
    person(shared_cloud, "client", may("sts:AssumeRole", "ssm:*"))
    iam = shared_cloud.client("iam")
    device = enabled_device(iam, "client")
    (old,) = iam.list_access_keys(UserName="client")["AccessKeyMetadata"]
    iam.delete_access_key(UserName="client", AccessKeyId=old["AccessKeyId"])
    key = iam.create_access_key(UserName="client")["AccessKey"]
    guarded = new_role(shared_cloud, "guarded-client", trusts(ACCOUNT, Bool={"aws:MultiFactorAuthPresent": "true"}))
    theirs = shared_cloud.client("iam", "second")
    trust = trusts(ACCOUNT, StringEquals={"sts:ExternalId": EXTERNAL})
    cross = theirs.create_role(RoleName="partner", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    return {"device": device, "guarded": guarded, "cross": cross, "keys": keys}


def test_mfa_at_the_cli(home: Home, setting: Any) -> None:
    """get-session-token with a code; then a profile with role_arn, source_profile and mfa_serial, which prompts."""
    device: Device = setting["device"]
    role = {"role_arn": setting["guarded"], "source_profile": "base", "mfa_serial": device.serial}
    home.write({"base": setting["keys"]}, {"profile guarded": role})
    code = device.given()
    answer = home.run(
        "sts", "get-session-token", "--profile", "base",
        "--serial-number", code["SerialNumber"], "--token-code", code["TokenCode"],
    )  # fmt: skip
    keys = answer["Credentials"]
    who = home.cloud.client("sts", credentials=keys).get_caller_identity()
    assert who["Arn"] == PLACE + "user/client"
    shown = home.run("sts", "get-caller-identity", "--profile", "guarded", say=device.code(1) + "\n")
    assert shown["Arn"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/guarded-client/")


def test_mfa_in_boto3(shared_cloud: Any, home: Home, setting: Any) -> None:
    user = "prompted"
    person(shared_cloud, user, may("sts:AssumeRole"))
    iam = shared_cloud.client("iam")
    device = enabled_device(iam, user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    role = {"role_arn": setting["guarded"], "source_profile": "base", "mfa_serial": device.serial}
    home.write({"base": keys}, {"profile guarded": role})
    asked: list[str] = []

    def typed(prompt: str) -> str:
        asked.append(prompt)
        return device.code()

    core = botocore.session.Session(profile="guarded")
    core.get_component("credential_provider").get_provider("assume-role")._prompter = typed
    session = boto3.Session(botocore_session=core)
    assert "assumed-role/guarded-client/" in session.client("sts").get_caller_identity()["Arn"]
    assert (len(asked), device.serial in asked[0]) == (1, True)


def test_across_accounts_with_an_external_id(home: Home, setting: Any) -> None:
    """The confused deputy: without the external id that the other account knows, nobody gets in."""
    role = {"role_arn": setting["cross"], "source_profile": "base"}
    home.write(
        {"base": setting["keys"]},
        {
            "profile partner": {**role, "external_id": EXTERNAL, "role_session_name": "visit"},
            "profile blind": role,
            "profile guess": {**role, "external_id": "course-4712"},
        },
    )
    who = boto3.Session(profile_name="partner").client("sts").get_caller_identity()
    assert who["Arn"] == f"arn:aws:sts::{SECOND}:assumed-role/partner/visit"
    for profile in ("blind", "guess"):
        with pytest.raises(Exception, match="is not authorized to perform: sts:AssumeRole"):
            boto3.Session(profile_name=profile).client("sts").get_caller_identity()
    entry = trail(home.cloud, "GetCallerIdentity", profile="second")[-1]
    assert entry["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] == "partner"


def test_a_credential_process(home: Home, setting: Any) -> None:
    keys = home.cloud.client("sts").get_session_token()["Credentials"]
    answer = {
        "Version": 1,
        "AccessKeyId": keys["AccessKeyId"],
        "SecretAccessKey": keys["SecretAccessKey"],
        "SessionToken": keys["SessionToken"],
        "Expiration": keys["Expiration"].isoformat(),
    }
    (home.folder / "answer.json").write_text(json.dumps(answer))
    home.write({}, {"profile process": {"credential_process": f"/bin/cat {home.folder / 'answer.json'}"}})
    assert boto3.Session(profile_name="process").client("sts").get_caller_identity()["Account"] == ACCOUNT


def test_a_web_identity_in_the_environment(home: Home, setting: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a build system elsewhere does it: a token in a file, a role's ARN, and no key at all."""
    server = OidcServer()
    try:
        iam = home.cloud.client("iam")
        provider = iam.create_open_id_connect_provider(Url=server.url, ClientIDList=["shop"])[
            "OpenIDConnectProviderArn"
        ]
        trust = trusts(provider, "sts:AssumeRoleWithWebIdentity", "Federated")
        arn = new_role(home.cloud, "from-elsewhere", trust)
        (home.folder / "token").write_text(server.token())
        monkeypatch.setenv("AWS_ROLE_ARN", arn)
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(home.folder / "token"))
        monkeypatch.setenv("AWS_ROLE_SESSION_NAME", "run-17")
        who = boto3.Session().client("sts").get_caller_identity()
        assert who["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/from-elsewhere/run-17"
    finally:
        server.close()


def test_a_presigned_identity(shared_cloud: Any) -> None:
    """How one proves who one is to somebody else: a signed URL that anybody may call."""
    user = person(shared_cloud, "presigner", may("ssm:*"))
    link = user("sts").generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    with urllib.request.urlopen(link, timeout=10) as answer:
        assert f"<Arn>{PLACE}user/presigner</Arn>" in answer.read().decode()
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(link.replace("GetCallerIdentity", "GetSessionToken"), timeout=10)
    assert refused.value.code == 403
    refused.value.close()
