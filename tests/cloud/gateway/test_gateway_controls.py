"""Service control policies, as the records of an organization hand them to the gateway."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from labsupport.cloud.core.organization import Control, Membership

ACCOUNT = "123456789012"
FULL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
NO_SCP = "with an explicit deny in a service control policy"
ARN = f"arn:aws:organizations::{ACCOUNT}:policy/o-a1b2c3d4e5/service_control_policy/p-12345678"
Binds = Callable[..., None]


def refused(call: Callable[..., Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def control(*statements: dict[str, Any]) -> Control:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return Control(name="rule", arn=ARN, target="r-ab12", document=document)


@pytest.fixture
def binds(shared_cloud: Any) -> Any:
    """Puts the account under SCPs: one list of statements per level."""

    def bind(*levels: list[dict[str, Any]], **more: Any) -> None:
        member = {"account": ACCOUNT, "organization": "o-a1b2c3d4e5", "path": "o-a1b2c3d4e5/r-ab12/", **more}
        controls = [[control(*level)] for level in levels] or None
        shared_cloud.on_loop(lambda cloud: cloud.store.put(Membership(levels=controls, **member)))

    yield bind
    shared_cloud.on_loop(lambda cloud: cloud.store.delete(Membership(account=ACCOUNT, organization="", path="")))


@pytest.mark.parametrize("profile", ["learner", "root"])
def test_a_denial_binds_administrators_and_the_root(shared_cloud: Any, binds: Binds, profile: str) -> None:
    client = shared_cloud.client("codecommit", profile)
    binds([FULL], [FULL, {"Effect": "Deny", "Action": "codecommit:*", "Resource": "*"}])
    code, message = refused(client.list_repositories)
    assert (code, message.endswith(f"{NO_SCP}: {ARN}")) == ("AccessDeniedException", True)
    binds([FULL], [FULL])
    client.list_repositories()


def test_every_level_must_allow(shared_cloud: Any, binds: Binds) -> None:
    client = shared_cloud.client("codecommit")
    binds([FULL], [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}])
    action = "codecommit:ListRepositories"
    assert refused(client.list_repositories)[1].endswith(
        f"because no service control policy allows the {action} action"
    )


def test_a_member_without_controls_is_free(shared_cloud: Any, binds: Binds) -> None:
    binds(management=True)
    shared_cloud.client("codecommit").list_repositories()


def test_the_reader_of_an_explanation_finds_the_control(shared_cloud: Any, binds: Binds) -> None:
    client = shared_cloud.client("codecommit")
    binds([FULL], [FULL, {"Sid": "Closed", "Effect": "Deny", "Action": "codecommit:*", "Resource": "*"}])
    refused(client.list_repositories)
    _, decision = shared_cloud.on_loop(lambda cloud: cloud.store.trail.last_refused())
    assert [policy["holder"] for policy in decision["policies"] if policy["kind"] == "scp"] == ["r-ab12", "r-ab12"]
