"""Sessions as real clients get them: profiles of the CLI and boto3, MFA prompts, credential processes, signed URLs."""

import itertools
import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import botocore.session
import pytest
from cli_help import Cli
from federation_help import OidcServer
from identity_help import ACCOUNT, PLACE, SECOND, Device, enabled_device, new_role, trusts
from services_help import may, person, policy, trail

EXTERNAL = "course-4711"
numbers = itertools.count()


class Home:
    """A folder with AWS's two files; `run` is the CLI with them, `session` boto3's."""

    def __init__(self, cloud: Any, folder: Path) -> None:
        self.cloud, self.folder = cloud, folder
        self.env = {
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

    def run(self, cli: Cli, *arguments: str, say: str = "") -> Any:
        """What the CLI prints, as JSON, with these files and no other keys; `say` is typed where it prompts."""
        keys = dict.fromkeys(self.cloud.environment(), "")
        return json.loads(cli.run(self.cloud, *arguments, "--output", "json", say=say, **{**keys, **self.env}))


@pytest.fixture
def home(shared_cloud: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(shared_cloud, tmp_path)
    for name in [one for one in os.environ if one.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in made.env.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return made


class User(NamedTuple):
    name: str
    device: Device
    keys: dict[str, str]


@pytest.fixture
def user(shared_cloud: Any) -> User:
    """Somebody with an MFA device whose codes are all unused."""
    name = f"client-{next(numbers)}"
    person(shared_cloud, name, may("sts:AssumeRole", "ssm:*", "iam:SimulateCustomPolicy"))
    iam = shared_cloud.client("iam")
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    return User(name, enabled_device(iam, name), keys)


@pytest.fixture(scope="module")
def guarded(shared_cloud: Any) -> str:
    """A role that asks for MFA."""
    return new_role(shared_cloud, "guarded-client", trusts(ACCOUNT, Bool={"aws:MultiFactorAuthPresent": "true"}))


@pytest.fixture(scope="module")
def partner(shared_cloud: Any) -> str:
    """A role of the second account that asks for an external id."""
    trust = trusts(ACCOUNT, StringEquals={"sts:ExternalId": EXTERNAL})
    made = shared_cloud.client("iam", "second").create_role(RoleName="partner", AssumeRolePolicyDocument=trust)
    return str(made["Role"]["Arn"])


def test_a_session_with_a_code(home: Home, user: User, cli: Cli) -> None:
    home.write({"base": user.keys}, {})
    code = user.device.given()
    answer = home.run(
        cli, "sts", "get-session-token", "--profile", "base",
        "--serial-number", code["SerialNumber"], "--token-code", code["TokenCode"],
    )  # fmt: skip
    who = home.cloud.client("sts", credentials=answer["Credentials"]).get_caller_identity()
    assert who["Arn"] == f"{PLACE}user/{user.name}"


def test_a_profile_that_asks_for_a_code(home: Home, guarded: str, user: User, cli: Cli) -> None:
    """role_arn, source_profile and mfa_serial."""
    if not cli.heeds_endpoint_url:
        pytest.skip("before 2.13 the AWS CLI asks AWS itself for a profile's role, whatever its --endpoint-url")
    role = {"role_arn": guarded, "source_profile": "base", "mfa_serial": user.device.serial}
    home.write({"base": user.keys}, {"profile guarded": role})
    shown = home.run(cli, "sts", "get-caller-identity", "--profile", "guarded", say=user.device.code() + "\n")
    assert shown["Arn"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/guarded-client/")


def test_mfa_in_boto3(home: Home, guarded: str, user: User) -> None:
    role = {"role_arn": guarded, "source_profile": "base", "mfa_serial": user.device.serial}
    home.write({"base": user.keys}, {"profile guarded": role})
    asked: list[str] = []

    def typed(prompt: str) -> str:
        asked.append(prompt)
        return user.device.code()

    core = botocore.session.Session(profile="guarded")
    core.get_component("credential_provider").get_provider("assume-role")._prompter = typed
    session = boto3.Session(botocore_session=core)
    assert "assumed-role/guarded-client/" in session.client("sts").get_caller_identity()["Arn"]
    assert (len(asked), user.device.serial in asked[0]) == (1, True)


def test_across_accounts_with_an_external_id(home: Home, partner: str, user: User) -> None:
    """The confused deputy: without the external id that the other account knows, nobody gets in."""
    role = {"role_arn": partner, "source_profile": "base"}
    home.write(
        {"base": user.keys},
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


def test_across_accounts_at_the_cli(home: Home, partner: str, user: User, cli: Cli) -> None:
    home.write({"default": user.keys}, {})
    asked = ("sts", "assume-role", "--role-arn", partner, "--role-session-name", "typed")
    keys = home.run(cli, *asked, "--external-id", EXTERNAL)["Credentials"]
    who = home.cloud.client("sts", credentials=keys).get_caller_identity()
    assert who["Arn"] == f"arn:aws:sts::{SECOND}:assumed-role/partner/typed"


def test_a_policy_that_is_tried_at_the_cli(home: Home, user: User, cli: Cli) -> None:
    home.write({"default": user.keys}, {})
    answer = home.run(
        cli, "iam", "simulate-custom-policy", "--action-names", "s3:GetObject", "s3:PutObject",
        "--resource-arns", "arn:aws:s3:::site/a", "--policy-input-list", policy(may("s3:Get*")),
    )  # fmt: skip
    decided = [one["EvalDecision"] for one in answer["EvaluationResults"]]
    assert decided == ["allowed", "implicitDeny"]


def test_a_credential_process(home: Home, cli: Cli) -> None:
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
    assert home.run(cli, "sts", "get-caller-identity", "--profile", "process")["Account"] == ACCOUNT


def test_a_web_identity_in_the_environment(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
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
