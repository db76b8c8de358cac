"""EC2's encoded refusals, and what sts:DecodeAuthorizationMessage makes of them."""

import json
import re
from typing import Any

import pytest
from services_help import ACCOUNT, code_of, may, person, refused

ENCODED = re.compile(r"(.*)\. Encoded authorization failure message: ([A-Za-z0-9_-]+)")


@pytest.fixture(scope="module")
def stopper(shared_cloud: Any) -> Any:
    """Somebody who may read all and is denied stopping where a tag says so."""
    forbidden = may("ec2:Stop*", effect="Deny", StringNotEquals={"aws:RequestedRegion": ["eu-west-1", "eu-west-2"]})
    return person(shared_cloud, "stopper", may("ec2:Describe*", "ec2:Stop*"), {**forbidden, "Sid": "OnlyInEurope"})


def encoded(client: Any, operation: str, **params: Any) -> tuple[str, str]:
    code, message = refused(getattr(client, operation), **params)
    found = ENCODED.fullmatch(message)
    assert (code, bool(found)) == ("UnauthorizedOperation", True), message
    assert found
    return found[1], found[2]


def decoded(cloud: Any, text: str) -> dict[str, Any]:
    answer = cloud.client("sts").decode_authorization_message(EncodedMessage=text)
    found: dict[str, Any] = json.loads(answer["DecodedMessage"])
    return found


def test_an_explicit_denial(shared_cloud: Any, stopper: Any) -> None:
    sentence, text = encoded(stopper("ec2"), "stop_instances", InstanceIds=["i-0123456789abcdef0"])
    assert sentence.endswith("with an explicit deny in an identity-based policy")
    found = decoded(shared_cloud, text)
    assert (found["allowed"], found["explicitDeny"]) == (False, True)
    (statement,) = found["matchedStatements"]["items"]
    assert (statement["statementId"], statement["effect"]) == ("OnlyInEurope", "DENY")
    assert statement["actions"] == {"items": [{"value": "ec2:Stop*"}]}
    values = {"items": [{"value": "eu-west-1"}, {"value": "eu-west-2"}]}
    assert statement["conditions"] == {"items": [{"key": "aws:RequestedRegion", "values": values}]}
    context = found["context"]
    assert context["action"] == "ec2:StopInstances"
    assert context["resource"].endswith("instance/i-0123456789abcdef0")
    assert context["principal"]["arn"] == f"arn:aws:iam::{ACCOUNT}:user/stopper"
    assert context["principal"]["id"].startswith("AIDA")
    keys = {item["key"]: item["values"]["items"] for item in context["conditions"]["items"]}
    assert keys["aws:requestedregion"] == [{"value": "us-east-1"}]
    assert "aws:currenttime" in keys


def test_a_missing_permission(shared_cloud: Any, stopper: Any) -> None:
    sentence, text = encoded(stopper("ec2"), "terminate_instances", InstanceIds=["i-0123456789abcdef0"])
    assert sentence.endswith("because no identity-based policy allows the ec2:TerminateInstances action")
    found = decoded(shared_cloud, text)
    assert (found["explicitDeny"], found["matchedStatements"]["items"]) == (False, [])
    assert found["context"]["conditions"]["items"], "the context is told though no policy reads it"


def test_reading_is_refused_without_a_message(shared_cloud: Any) -> None:
    nobody = person(shared_cloud, "blind")
    code, message = refused(nobody("ec2").describe_instances)
    assert (code, "Encoded" in message) == ("UnauthorizedOperation", False)


def test_decoding_takes_a_permission_and_the_same_account(shared_cloud: Any, stopper: Any) -> None:
    _, text = encoded(stopper("ec2"), "terminate_instances", InstanceIds=["i-0123456789abcdef0"])
    assert code_of(stopper("sts").decode_authorization_message, EncodedMessage=text) == "AccessDenied"
    other = shared_cloud.client("sts", "second").decode_authorization_message
    assert code_of(other, EncodedMessage=text) == "InvalidAuthorizationMessageException"


@pytest.mark.parametrize(
    "change",
    [lambda text: text[:-4], lambda text: ("y" if text[0] == "x" else "x") + text[1:], lambda _: "?", lambda _: "AAAA"],
)
def test_a_changed_message_is_invalid(shared_cloud: Any, stopper: Any, change: Any) -> None:
    _, text = encoded(stopper("ec2"), "terminate_instances", InstanceIds=["i-0123456789abcdef0"])
    found = refused(shared_cloud.client("sts").decode_authorization_message, EncodedMessage=change(text))
    assert found == ("InvalidAuthorizationMessageException", "Message is not valid")
