"""Trust policies name people by their unique ids: who comes under an old name gets nothing of the old one's."""

import json
from typing import Any

import pytest
from identity_help import ACCOUNT, PLACE, SECOND, assume, new_role, trusts
from services_help import code_of, may, person, policy, refused


@pytest.fixture
def iam(shared_cloud: Any) -> Any:
    return shared_cloud.client("iam")


def principal_of(iam: Any, role: str) -> Any:
    return iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"]


def remove(iam: Any, name: str) -> None:
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for inline in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=inline)
    iam.delete_user(UserName=name)


def test_a_users_name_used_again(iam: Any, shared_cloud: Any) -> None:
    old = person(shared_cloud, "reused", may("sts:AssumeRole"))
    unique = iam.get_user(UserName="reused")["User"]["UserId"]
    arn = new_role(shared_cloud, "for-reused", trusts(PLACE + "user/reused"))
    assert principal_of(iam, "for-reused") == PLACE + "user/reused"
    assert assume(old("sts"), arn)["Credentials"]
    remove(iam, "reused")
    assert principal_of(iam, "for-reused") == unique
    new = person(shared_cloud, "reused", may("sts:AssumeRole"))
    assert principal_of(iam, "for-reused") == unique
    assert code_of(new("sts").assume_role, RoleArn=arn, RoleSessionName="me") == "AccessDenied"
    kept = json.dumps(iam.get_role(RoleName="for-reused")["Role"]["AssumeRolePolicyDocument"])
    assert refused(iam.update_assume_role_policy, RoleName="for-reused", PolicyDocument=kept) == (
        "MalformedPolicyDocument",
        f'Invalid principal in policy: "AWS":"{unique}"',
    )
    iam.update_assume_role_policy(RoleName="for-reused", PolicyDocument=trusts(PLACE + "user/reused"))
    assert assume(new("sts"), arn)["Credentials"]


def test_a_roles_name_used_again(iam: Any, shared_cloud: Any) -> None:
    """Across two accounts: the second one's role is trusted, removed, and made anew by somebody there."""
    theirs, sts = shared_cloud.client("iam", "second"), shared_cloud.client("sts", "second")

    def make() -> str:
        made = theirs.create_role(RoleName="visitor", AssumeRolePolicyDocument=trusts(SECOND))["Role"]["Arn"]
        theirs.put_role_policy(RoleName="visitor", PolicyName="p", PolicyDocument=policy(may("sts:AssumeRole")))
        return str(made)

    def visit() -> Any:
        return shared_cloud.client("sts", credentials=assume(sts, visitor)["Credentials"])

    visitor = make()
    arn = new_role(shared_cloud, "for-visitors", trusts([visitor, PLACE + "root"]))
    assert principal_of(iam, "for-visitors") == [visitor, PLACE + "root"]
    assert assume(visit(), arn)["Credentials"]
    theirs.delete_role_policy(RoleName="visitor", PolicyName="p")
    theirs.delete_role(RoleName="visitor")
    make()
    assert code_of(visit().assume_role, RoleArn=arn, RoleSessionName="me") == "AccessDenied"
    assert principal_of(iam, "for-visitors")[0].startswith("AROA")


def test_a_name_that_is_spelt_with_an_escape(iam: Any) -> None:
    hidden = trusts(PLACE + "user/nobody").replace('"AWS"', r'"\u0041WS"')
    assert code_of(iam.create_role, RoleName="hidden", AssumeRolePolicyDocument=hidden) == "MalformedPolicyDocument"
    hidden = hidden.replace("nobody", "learner")
    iam.create_role(RoleName="hidden", AssumeRolePolicyDocument=hidden)
    assert principal_of(iam, "hidden") == PLACE + "user/learner"


def test_a_session_by_its_name(iam: Any, shared_cloud: Any) -> None:
    first = new_role(shared_cloud, "named-first", trusts(ACCOUNT), may("sts:AssumeRole"))
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/named-first/me"
    second = new_role(shared_cloud, "named-second", trusts(session))
    assert principal_of(iam, "named-second") == session
    mine = shared_cloud.client("sts", credentials=assume(shared_cloud.client("sts"), first)["Credentials"])
    assert assume(mine, second)["Credentials"]
    other = shared_cloud.client("sts").assume_role(RoleArn=first, RoleSessionName="other")["Credentials"]
    other_sts = shared_cloud.client("sts", credentials=other)
    assert code_of(other_sts.assume_role, RoleArn=second, RoleSessionName="me") == "AccessDenied"


def test_an_imagined_role_can_be_shown(open_cloud: Any) -> None:
    """With `--auth open` a role comes to be when it is assumed."""
    assume(open_cloud.client("sts"), "arn:aws:iam::111122223333:role/imagined")
    assert open_cloud.client("iam").get_role(RoleName="imagined")["Role"]["AssumeRolePolicyDocument"] == {}


def test_a_live_id_may_be_written(iam: Any) -> None:
    unique = iam.get_user(UserName="learner")["User"]["UserId"]
    iam.create_role(RoleName="by-id", AssumeRolePolicyDocument=trusts(unique))
    assert principal_of(iam, "by-id") == PLACE + "user/learner"


def test_a_topic_names_people_by_their_ids(iam: Any, shared_cloud: Any) -> None:
    """A topic's policy: who comes under an old name may not publish; nobody who isn't there is named."""
    sns = shared_cloud.client("sns")
    arn = sns.create_topic(Name="by-id")["TopicArn"]

    def allow(principal: str) -> str:
        statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sns:Publish", "Resource": arn}
        return policy(statement)

    def set_policy(text: str) -> None:
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=text)

    old = person(shared_cloud, "publisher")("sns")
    set_policy(allow(PLACE + "user/publisher"))
    assert old.publish(TopicArn=arn, Message="hello")["MessageId"]
    shown = json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])
    assert shown["Statement"][0]["Principal"] == {"AWS": PLACE + "user/publisher"}
    unique = iam.get_user(UserName="publisher")["User"]["UserId"]
    remove(iam, "publisher")
    new = person(shared_cloud, "publisher")("sns")
    assert code_of(new.publish, TopicArn=arn, Message="hello") == "AuthorizationError"
    shown = json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])
    assert shown["Statement"][0]["Principal"] == {"AWS": unique}
    sns.add_permission(TopicArn=arn, Label="more", AWSAccountId=[SECOND], ActionName=["Publish"])
    assert refused(set_policy, allow(PLACE + "user/nobody-at-all")) == (
        "InvalidParameter",
        "Invalid parameter: Policy Error: PrincipalNotFound",
    )
