"""Who may call, as records; ids in AWS's forms; AWS's managed policies; the accounts of a fresh lab."""

import re
from configparser import RawConfigParser
from pathlib import Path

import pytest

from labsupport.cloud import app
from labsupport.cloud.core import ids, managed
from labsupport.cloud.core.accounts import ADMINISTRATOR, first_start
from labsupport.cloud.core.cloud import SECOND_ACCOUNT, Cloud, Settings
from labsupport.cloud.core.identity import AccessKey, Account, InstanceProfile, Role, User, root, service_principal
from labsupport.cloud.server import prepare_home


@pytest.mark.parametrize(
    ("made", "form"),
    [
        (ids.request_id, r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
        (lambda: ids.iam_id("AKIA"), r"AKIA[A-Z2-7]{16}"),
        (lambda: ids.iam_id("AROA"), r"AROA[A-Z2-7]{17}"),
        (ids.secret_key, r"[A-Za-z0-9+/]{40}"),
        (ids.session_token, r"[A-Za-z0-9+/]{200,}=*"),
        (lambda: ids.hex_id("i"), r"i-[0-9a-f]{17}"),
        (lambda: ids.hex_id("r", 8), r"r-[0-9a-f]{8}"),
        (lambda: ids.short_id("d-"), r"d-[A-Z0-9]{9}"),
    ],
)
def test_ids_have_aws_s_forms_and_no_two_are_alike(made: object, form: str) -> None:
    drawn = {made() for _ in range(200)}  # type: ignore[operator]
    assert len(drawn) == 200
    assert [one for one in drawn if not re.fullmatch(form, one)] == []


@pytest.mark.parametrize(("path", "within"), [("/", "a"), ("/team/", "team/a")])
def test_arns_hold_the_path(path: str, within: str) -> None:
    common = {"account": "111122223333", "name": "a", "id": "X", "path": path, "created": 0.0}
    assert User(**common).arn == f"arn:aws:iam::111122223333:user/{within}"
    assert Role(**common, trust="{}").arn == f"arn:aws:iam::111122223333:role/{within}"
    assert InstanceProfile(**common).arn == f"arn:aws:iam::111122223333:instance-profile/{within}"


def test_root_and_services_as_callers() -> None:
    assert root("111122223333").arn == "arn:aws:iam::111122223333:root"
    for name in ("codebuild", "codebuild.amazonaws.com"):
        caller = service_principal(name, "111122223333")
        assert (caller.kind, caller.service, caller.account) == ("service", "codebuild.amazonaws.com", "111122223333")


def test_aws_s_managed_policies_are_there_with_their_documents() -> None:
    text = managed.document_of(ADMINISTRATOR)
    assert text is not None
    assert '"Action":"*"' in text.replace(" ", "")
    assert managed.document_of("arn:aws:iam::aws:policy/NoSuchPolicy") is None
    assert all(arn.startswith("arn:aws:iam::aws:policy/") for arn in managed.policies())


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    prepare_home(tmp_path)
    found = app.build(Settings(tmp_path, port=4566))
    first_start(found)
    return found


def profiles(cloud: Cloud, name: str) -> RawConfigParser:
    parser = RawConfigParser()
    parser.read(cloud.home / "aws" / name)
    return parser


def test_a_fresh_lab_has_two_accounts_with_an_administrator_each(cloud: Cloud) -> None:
    assert [one.id for one in cloud.store.list(Account)] == ["123456789012", SECOND_ACCOUNT]
    for number in ("123456789012", SECOND_ACCOUNT):
        (user,) = cloud.store.list(User, number)
        assert (user.name, user.attached) == ("learner", [ADMINISTRATOR])
    holders = sorted((one.account, one.user) for one in cloud.store.list(AccessKey))
    assert holders == sorted((number, user) for number in ("123456789012", SECOND_ACCOUNT) for user in ("", "learner"))
    cloud.store.close()


def test_profiles_are_written_for_all_of_them_and_read_by_their_owner_only(cloud: Cloud) -> None:
    credentials, config = profiles(cloud, "credentials"), profiles(cloud, "config")
    assert credentials.sections() == ["default", "learner", "root", "second", "second-root"]
    secrets = {one.id: one.secret for one in cloud.store.list(AccessKey)}
    for name in credentials.sections():
        assert secrets[credentials[name]["aws_access_key_id"]] == credentials[name]["aws_secret_access_key"]
    assert config["profile second"]["endpoint_url"] == "http://127.0.0.1:4566"
    for name in ("credentials", "config"):
        assert (cloud.home / "aws" / name).stat().st_mode & 0o777 == 0o600
    assert cloud.home.stat().st_mode & 0o777 == 0o700
    cloud.store.close()


def test_the_next_start_keeps_accounts_and_what_a_learner_has_added(cloud: Cloud) -> None:
    keys = {one.id for one in cloud.store.list(AccessKey)}
    with open(cloud.home / "aws" / "config", "a") as file:
        file.write("[profile mine]\nrole_arn = arn:aws:iam::123456789012:role/mine\n")
    cloud.settings.port = 9999
    first_start(cloud)
    config = profiles(cloud, "config")
    assert {one.id for one in cloud.store.list(AccessKey)} == keys
    assert config["profile mine"]["role_arn"].endswith("role/mine")
    assert config["default"]["endpoint_url"] == "http://127.0.0.1:9999"
    cloud.store.close()


def test_an_unreadable_file_of_profiles_is_put_aside_not_lost(cloud: Cloud) -> None:
    (cloud.home / "aws" / "config").write_text("what is this\n")
    first_start(cloud)
    assert (cloud.home / "aws" / "config.unreadable").read_text() == "what is this\n"
    assert "default" in profiles(cloud, "config")
    cloud.store.close()
