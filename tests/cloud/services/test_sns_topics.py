"""Topics: names, attributes, policies, permissions, tags, pages."""

import json
from typing import Any

import pytest
from services_help import ACCOUNT, code_of, may, person, policy, refused, trail

PLACE = f"arn:aws:sns:us-east-1:{ACCOUNT}:"


@pytest.fixture
def sns(shared_cloud: Any) -> Any:
    return shared_cloud.client("sns")


def attributes(sns: Any, arn: str) -> dict[str, str]:
    found: dict[str, str] = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    return found


def test_a_new_topic(sns: Any) -> None:
    arn = sns.create_topic(Name="new", Attributes={"DisplayName": "Nine"}, Tags=[{"Key": "a", "Value": "1"}])[
        "TopicArn"
    ]
    assert arn == PLACE + "new"
    found = attributes(sns, arn)
    assert (found["TopicArn"], found["Owner"], found["DisplayName"]) == (arn, ACCOUNT, "Nine")
    assert (found["SubscriptionsConfirmed"], found["SubscriptionsPending"]) == ("0", "0")
    statement = json.loads(found["Policy"])["Statement"][0]
    assert statement["Condition"] == {"StringEquals": {"AWS:SourceOwner": ACCOUNT}}
    assert "KmsMasterKeyId" not in found
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "1"}]


def test_made_again(sns: Any) -> None:
    first = sns.create_topic(Name="again", Attributes={"DisplayName": "One"}, Tags=[{"Key": "a", "Value": "1"}])
    assert sns.create_topic(Name="again")["TopicArn"] == first["TopicArn"]
    assert sns.create_topic(Name="again", Attributes={"DisplayName": "One"})["TopicArn"] == first["TopicArn"]
    assert refused(sns.create_topic, Name="again", Attributes={"DisplayName": "Two"}) == (
        "InvalidParameter",
        "Invalid parameter: Attributes Reason: Topic already exists with different attributes",
    )
    assert refused(sns.create_topic, Name="again", Tags=[{"Key": "a", "Value": "2"}]) == (
        "InvalidParameter",
        "Invalid parameter: Tags Reason: Topic already exists with different tags",
    )


@pytest.mark.parametrize("name", ["", "a b", "a/b", "ü", "x" * 257, "a.b"])
def test_names_that_are_refused(sns: Any, name: str) -> None:
    assert refused(sns.create_topic, Name=name) == ("InvalidParameter", "Invalid parameter: Topic Name")


def test_what_the_lab_has_not(sns: Any) -> None:
    assert code_of(sns.create_topic, Name="orders.fifo", Attributes={"FifoTopic": "true"}) == "NotSimulated"
    assert code_of(sns.create_topic, Name="orders", Attributes={"FifoTopic": "true"}) == "NotSimulated"
    assert sns.create_topic(Name="plain", Attributes={"FifoTopic": "false"})["TopicArn"] == PLACE + "plain"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("Colour", "red", "Invalid parameter: AttributeName"),
        ("DisplayName", "x" * 101, "Invalid parameter: DisplayName"),
        ("DisplayName", "a\nb", "Invalid parameter: DisplayName"),
        ("Policy", "{", "Invalid parameter: Policy Error"),
        ("Policy", "{}", "Invalid parameter: Policy Error"),
        (
            "Policy",
            policy({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}),
            "Invalid parameter: Policy statement action out of service scope!",
        ),
    ],
)
def test_attributes_that_are_refused(sns: Any, name: str, value: str, message: str) -> None:
    arn = sns.create_topic(Name="strict")["TopicArn"]
    before = attributes(sns, arn)
    code, text = refused(sns.set_topic_attributes, TopicArn=arn, AttributeName=name, AttributeValue=value)
    assert code == "InvalidParameter"
    assert text.startswith(message)
    assert attributes(sns, arn) == before


def test_a_policy_is_set_and_taken_back(sns: Any) -> None:
    arn = sns.create_topic(Name="policies")["TopicArn"]
    default = attributes(sns, arn)["Policy"]
    own = policy({"Effect": "Allow", "Principal": "*", "Action": "SNS:Publish", "Resource": arn})
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=own)
    assert attributes(sns, arn)["Policy"] == own
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue="")
    assert attributes(sns, arn)["Policy"] == default


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("get_topic_attributes", {}),
        ("set_topic_attributes", {"AttributeName": "DisplayName", "AttributeValue": "x"}),
        ("publish", {"Message": "x"}),
        ("subscribe", {"Protocol": "email", "Endpoint": "a@example.com"}),
        ("list_subscriptions_by_topic", {}),
        ("confirm_subscription", {"Token": "x"}),
        ("add_permission", {"Label": "x", "AWSAccountId": [ACCOUNT], "ActionName": ["Publish"]}),
        ("remove_permission", {"Label": "x"}),
        ("publish_batch", {"PublishBatchRequestEntries": [{"Id": "1", "Message": "x"}]}),
    ],
)
def test_a_topic_that_is_not_there(sns: Any, operation: str, params: dict[str, Any]) -> None:
    call = getattr(sns, operation)
    assert refused(call, TopicArn=PLACE + "nowhere", **params) == ("NotFound", "Topic does not exist")
    assert code_of(call, TopicArn="arn:aws:sns:eu-west-1:123456789012:nowhere", **params) == "InvalidParameter"
    assert refused(call, TopicArn="nowhere", **params)[1].startswith("Invalid parameter: TopicArn")


def test_deleted(sns: Any) -> None:
    arn = sns.create_topic(Name="gone")["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="gone@example.com")
    sns.delete_topic(TopicArn=arn)
    sns.delete_topic(TopicArn=arn)
    assert code_of(sns.get_topic_attributes, TopicArn=arn) == "NotFound"
    assert not [one for one in sns.list_subscriptions()["Subscriptions"] if one["TopicArn"] == arn]


def test_permissions_for_another_account(cloud: Any) -> None:
    mine, theirs = cloud.client("sns"), cloud.client("sns", "second")
    arn = mine.create_topic(Name="shared")["TopicArn"]
    assert code_of(theirs.publish, TopicArn=arn, Message="x") == "AuthorizationError"
    mine.add_permission(TopicArn=arn, Label="second", AWSAccountId=["210987654321"], ActionName=["Publish"])
    assert theirs.publish(TopicArn=arn, Message="x")["MessageId"]
    assert code_of(theirs.get_topic_attributes, TopicArn=arn) == "AuthorizationError"
    again = {"TopicArn": arn, "Label": "second", "AWSAccountId": [ACCOUNT], "ActionName": ["Publish"]}
    assert refused(mine.add_permission, **again)[1] == "Invalid parameter: Statement already exists"
    mine.remove_permission(TopicArn=arn, Label="second")
    assert code_of(theirs.publish, TopicArn=arn, Message="x") == "AuthorizationError"


def test_a_user_needs_permission(shared_cloud: Any) -> None:
    arn = shared_cloud.client("sns").create_topic(Name="guarded")["TopicArn"]
    reader = person(shared_cloud, "sns-reader", may("sns:GetTopicAttributes", resource=arn))("sns")
    assert attributes(reader, arn)["TopicArn"] == arn
    code, message = refused(reader.publish, TopicArn=arn, Message="x")
    assert code == "AuthorizationError"
    assert message.startswith(f"User: arn:aws:iam::{ACCOUNT}:user/sns-reader is not authorized to perform: ")
    assert message.endswith(f"on resource: {arn} because no identity-based policy allows the sns:Publish action")
    refusal = trail(shared_cloud, "Publish")[-1]
    assert (refusal["errorCode"], refusal["userIdentity"]["userName"]) == ("AuthorizationErrorException", "sns-reader")


def test_pages(cloud: Any) -> None:
    sns = cloud.client("sns")
    names = [f"t{number:03}" for number in range(103)]
    for name in names:
        sns.create_topic(Name=name)
    first = sns.list_topics()
    assert len(first["Topics"]) == 100
    second = sns.list_topics(NextToken=first["NextToken"])
    assert "NextToken" not in second
    assert [one["TopicArn"] for one in first["Topics"] + second["Topics"]] == [PLACE + name for name in names]
    assert refused(sns.list_topics, NextToken="bad") == ("InvalidParameter", "Invalid parameter: NextToken")
    assert cloud.client("sns", region_name="eu-west-1").list_topics()["Topics"] == []
    assert cloud.client("sns", "second").list_topics()["Topics"] == []


def test_tags(sns: Any) -> None:
    arn = sns.create_topic(Name="tagged", Tags=[{"Key": "a", "Value": "1"}])["TopicArn"]
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])
    sns.untag_resource(ResourceArn=arn, TagKeys=["b", "c"])
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "3"}]
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    assert code_of(sns.tag_resource, ResourceArn=arn, Tags=many) == "TagLimitExceeded"
    assert code_of(sns.tag_resource, ResourceArn=arn, Tags=[{"Key": "aws:x", "Value": ""}]) == "InvalidParameter"
    for operation, params in (("tag_resource", {"Tags": []}), ("untag_resource", {"TagKeys": []})):
        assert code_of(getattr(sns, operation), ResourceArn=PLACE + "nowhere", **params) == "ResourceNotFound"
    assert code_of(sns.list_tags_for_resource, ResourceArn=PLACE + "nowhere") == "ResourceNotFound"


def test_permission_by_tag(shared_cloud: Any) -> None:
    sns = shared_cloud.client("sns")
    shop = sns.create_topic(Name="shop-topic", Tags=[{"Key": "team", "Value": "shop"}])["TopicArn"]
    other = sns.create_topic(Name="other-topic", Tags=[{"Key": "team", "Value": "other"}])["TopicArn"]
    theirs = {"StringEquals": {"aws:ResourceTag/team": "shop"}}
    member = person(shared_cloud, "sns-member", {**may("sns:Publish"), "Condition": theirs})("sns")
    assert member.publish(TopicArn=shop, Message="x")["MessageId"]
    assert code_of(member.publish, TopicArn=other, Message="x") == "AuthorizationError"


def test_the_trail_sees_it(sns: Any, shared_cloud: Any) -> None:
    sns.create_topic(Name="seen")
    seen = [one for one in trail(shared_cloud, "CreateTopic") if one["requestParameters"]["name"] == "seen"]
    assert seen[0]["eventSource"] == "sns.amazonaws.com"
    assert seen[0]["responseElements"]["topicArn"] == PLACE + "seen"
