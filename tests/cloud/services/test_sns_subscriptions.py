"""Subscriptions: asked for by mail, confirmed and ended by its links."""

import urllib.error
from typing import Any

import pytest
from services_help import (
    ACCOUNT,
    code_of,
    link_in,
    mails,
    may,
    news,
    person,
    refused,
    subscribed,
    text_of,
    trail,
    visit,
)


@pytest.fixture
def sns(shared_cloud: Any) -> Any:
    return shared_cloud.client("sns")


def new_topic(sns: Any, name: str) -> str:
    arn: str = sns.create_topic(Name=name)["TopicArn"]
    return arn


def about(sns: Any, arn: str) -> dict[str, str]:
    found: dict[str, str] = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    return found


def test_from_the_question_to_the_end(sns: Any, shared_cloud: Any) -> None:
    topic, address = new_topic(sns, "life"), "life@example.com"
    asked = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    assert asked["SubscriptionArn"] == "pending confirmation"
    (pending,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert pending["SubscriptionArn"] == "PendingConfirmation"
    sns.publish(TopicArn=topic, Message="too early")
    assert news(shared_cloud, address) == []

    (question,) = mails(shared_cloud, address)
    assert question["subject"] == "AWS Notification - Subscription Confirmation"
    assert question["sender"] == "AWS Notifications <no-reply@sns.amazonaws.com>"
    assert topic in question["body"]
    answer = visit(link_in(question["body"], "ConfirmSubscription"))
    (confirmed,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    arn = confirmed["SubscriptionArn"]
    assert arn in answer
    assert arn.startswith(topic + ":")
    assert confirmed == {
        "SubscriptionArn": arn,
        "Owner": ACCOUNT,
        "Protocol": "email",
        "Endpoint": address,
        "TopicArn": topic,
    }
    counts = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (counts["SubscriptionsConfirmed"], counts["SubscriptionsPending"]) == ("1", "0")

    sns.publish(TopicArn=topic, Message="hello", Subject="News")
    (mail,) = news(shared_cloud, address)
    assert (mail["subject"], text_of(mail)) == ("News", "hello")
    visit(link_in(mail["body"], "Unsubscribe"))
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    sns.publish(TopicArn=topic, Message="unheard")
    assert len(news(shared_cloud, address)) == 1
    assert code_of(sns.get_subscription_attributes, SubscriptionArn=arn) == "NotFound"


def test_the_arn_is_given_on_demand(sns: Any) -> None:
    topic = new_topic(sns, "on-demand")
    made = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="a@example.com", ReturnSubscriptionArn=True)
    found = about(sns, made["SubscriptionArn"])
    assert found["PendingConfirmation"] == "true"
    assert found["SubscriptionArn"] == made["SubscriptionArn"]
    assert found["SubscriptionPrincipal"] == f"arn:aws:iam::{ACCOUNT}:user/learner"
    assert "FilterPolicy" not in found


def test_asked_again(sns: Any, shared_cloud: Any) -> None:
    topic, address = new_topic(sns, "twice"), "twice@example.com"
    policy = {"FilterPolicy": '{"kind": ["a"]}'}
    for _ in range(2):
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address, Attributes=policy)
    assert len(mails(shared_cloud, address)) == 2
    assert len(sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]) == 1
    visit(link_in(mails(shared_cloud, address)[0]["body"], "ConfirmSubscription"))
    again = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)["SubscriptionArn"]
    assert again.startswith(topic)
    assert len(mails(shared_cloud, address)) == 2
    other = {"FilterPolicy": '{"kind": ["b"]}'}
    assert refused(sns.subscribe, TopicArn=topic, Protocol="email", Endpoint=address, Attributes=other) == (
        "InvalidParameter",
        "Invalid parameter: Attributes Reason: Subscription already exists with different attributes",
    )


@pytest.mark.parametrize(
    ("protocol", "endpoint", "code", "message"),
    [
        ("email", "nobody", "InvalidParameter", "Invalid parameter: Email address"),
        ("email", "a b@example.com", "InvalidParameter", "Invalid parameter: Email address"),
        ("email", "", "InvalidParameter", "Invalid parameter: Email address"),
        (
            "pigeon",
            "x",
            "InvalidParameter",
            "Invalid parameter: Amazon SNS does not support this protocol string: pigeon",
        ),
        ("sqs", "q", "InvalidParameter", "Invalid parameter: SQS endpoint ARN"),
        ("sqs", "arn:aws:sqs:us-east-1:123456789012:q.fifo", "InvalidParameter", ""),
        ("lambda", "nonsense", "InvalidParameter", "Invalid parameter: Lambda endpoint ARN"),
        ("lambda", "arn:aws:lambda:us-east-1:210987654321:function:f", "NotSimulated", ""),
        ("https", "https://example.com", "NotSimulated", ""),
        ("sms", "+431234567", "NotSimulated", ""),
    ],
)
def test_endpoints(sns: Any, protocol: str, endpoint: str, code: str, message: str) -> None:
    topic = new_topic(sns, "endpoints")
    found = refused(sns.subscribe, TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    assert found[0] == code
    assert not message or found[1] == message
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"Colour": "red"}, "AttributeName"),
        ({"FilterPolicy": "{"}, "FilterPolicy: failed to parse JSON."),
        ({"FilterPolicy": "[]"}, "FilterPolicy: Filter is not an object"),
        ({"FilterPolicy": '{"a": "b"}'}, 'FilterPolicy: "a" must be an object or an array'),
        ({"FilterPolicy": '{"a": []}'}, "FilterPolicy: Empty arrays are not allowed"),
        ({"FilterPolicy": '{"a": [{"like": "b"}]}'}, "FilterPolicy: Unrecognized match type like"),
        (
            {"FilterPolicy": '{"a": {"b": ["c"]}}'},
            "Filter policy scope MessageAttributes does not support nested filter policy",
        ),
        (
            {"FilterPolicyScope": "Body"},
            "FilterPolicyScope: Invalid value [Body]. Please use either MessageBody or MessageAttributes",
        ),
        ({"RawMessageDelivery": "true"}, "Delivery protocol [email] does not support raw message delivery."),
        ({"RawMessageDelivery": "yes"}, "Attributes Reason: RawMessageDelivery: Invalid value [yes]."),
    ],
)
def test_attributes_that_are_refused(sns: Any, attributes: dict[str, str], reason: str) -> None:
    topic = new_topic(sns, "attributes")
    params = {"TopicArn": topic, "Protocol": "email", "Endpoint": "refused@example.com"}
    code, message = refused(sns.subscribe, **params, Attributes=attributes)
    assert code == "InvalidParameter"
    assert message.startswith("Invalid parameter: " + reason)
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


@pytest.mark.parametrize("name", ["RedrivePolicy", "DeliveryPolicy"])
def test_attributes_that_the_lab_has_not(sns: Any, name: str) -> None:
    topic = new_topic(sns, "queues")
    params = {"TopicArn": topic, "Protocol": "email", "Endpoint": "a@example.com", "Attributes": {name: "{}"}}
    assert code_of(sns.subscribe, **params) == "NotSimulated"


def test_attributes_are_set(sns: Any, shared_cloud: Any) -> None:
    arn = subscribed(shared_cloud, new_topic(sns, "setting"), "setting@example.com")
    for name, value in (("FilterPolicyScope", "MessageBody"), ("FilterPolicy", '{"a": {"b": ["c"]}}')):
        sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
    found = about(sns, arn)
    assert (found["FilterPolicyScope"], found["FilterPolicy"]) == ("MessageBody", '{"a": {"b": ["c"]}}')
    assert found["PendingConfirmation"] == "false"
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue="")
    assert "FilterPolicy" not in about(sns, arn)


def test_the_scope_counts_whichever_comes_first(sns: Any) -> None:
    topic = new_topic(sns, "scope")
    attributes = {"FilterPolicy": '{"a": {"b": ["c"]}}', "FilterPolicyScope": "MessageBody"}
    params = {"TopicArn": topic, "Protocol": "email", "Endpoint": "a@example.com", "Attributes": attributes}
    made = sns.subscribe(**params, ReturnSubscriptionArn=True)["SubscriptionArn"]
    assert about(sns, made)["FilterPolicyScope"] == "MessageBody"


def test_a_wrong_token(sns: Any) -> None:
    topic = new_topic(sns, "tokens")
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="tokens@example.com")
    assert refused(sns.confirm_subscription, TopicArn=topic, Token="ü" * 9) == (
        "InvalidParameter",
        "Invalid parameter: Token",
    )


def test_a_token_lasts_two_days(cloud: Any) -> None:
    sns, address = cloud.client("sns"), "late@example.com"
    topic = new_topic(sns, "late")
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    link = link_in(mails(cloud, address)[-1]["body"], "ConfirmSubscription")
    cloud.advance(2 * 86_400 + 1)
    with pytest.raises(urllib.error.HTTPError) as caught:
        visit(link)
    assert caught.value.code == 400
    caught.value.close()


def test_who_may_unsubscribe(cloud: Any) -> None:
    sns, address = cloud.client("sns"), "sign@example.com"
    topic = new_topic(sns, "sign")
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    token = link_in(mails(cloud, address)[-1]["body"], "ConfirmSubscription").partition("Token=")[2].partition("&")[0]
    arn = sns.confirm_subscription(TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")["SubscriptionArn"]
    assert about(sns, arn)["ConfirmationWasAuthenticated"] == "true"
    sns.publish(TopicArn=topic, Message="x")
    with pytest.raises(urllib.error.HTTPError) as caught:
        visit(link_in(news(cloud, address)[-1]["body"], "Unsubscribe"))
    assert caught.value.code == 403
    caught.value.close()
    nobody = person(cloud, "nobody", may("sns:Publish"))("sns")
    assert code_of(nobody.unsubscribe, SubscriptionArn=arn) == "AuthorizationError"
    sns.unsubscribe(SubscriptionArn=arn)
    assert code_of(sns.unsubscribe, SubscriptionArn=arn) == "NotFound"


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("PendingConfirmation", "InvalidParameter"),
        (f"arn:aws:sns:us-east-1:{ACCOUNT}:nowhere:8b1e24a1-8a24-4d0a-9e0c-4dfc8a3c7c46", "NotFound"),
    ],
)
def test_a_subscription_that_is_not_there(sns: Any, arn: str, code: str) -> None:
    for operation in (sns.unsubscribe, sns.get_subscription_attributes):
        assert code_of(operation, SubscriptionArn=arn) == code
    params = {"SubscriptionArn": arn, "AttributeName": "FilterPolicy", "AttributeValue": "{}"}
    assert code_of(sns.set_subscription_attributes, **params) == code


def test_pages_of_all_topics(cloud: Any) -> None:
    """Topic names that are each other's beginnings: the order of ARNs is not that of names."""
    sns = cloud.client("sns")
    made = []
    for name in ("a", "a-b", "a_b"):
        topic = new_topic(sns, name)
        for number in range(35):
            params = {"TopicArn": topic, "Protocol": "email", "Endpoint": f"{number}@example.com"}
            made.append(sns.subscribe(**params, ReturnSubscriptionArn=True)["SubscriptionArn"])
    first = sns.list_subscriptions()
    second = sns.list_subscriptions(NextToken=first["NextToken"])
    assert (len(first["Subscriptions"]), len(second["Subscriptions"])) == (100, 5)
    seen = {(one["TopicArn"], one["Endpoint"]) for one in first["Subscriptions"] + second["Subscriptions"]}
    assert len(seen) == len(made)
    assert code_of(sns.list_subscriptions, NextToken="bad") == "InvalidParameter"
    assert cloud.client("sns", region_name="eu-west-1").list_subscriptions()["Subscriptions"] == []


def test_conditions_on_who_subscribes(shared_cloud: Any) -> None:
    condition = {"StringLike": {"sns:Endpoint": "*@example.com"}, "StringEquals": {"sns:Protocol": "email"}}
    only = person(shared_cloud, "subscriber", may("sns:Subscribe", **condition))("sns")
    topic = new_topic(shared_cloud.client("sns"), "conditions")
    params = {"TopicArn": topic, "Protocol": "email"}
    assert only.subscribe(**params, Endpoint="a@example.com")["SubscriptionArn"] == "pending confirmation"
    assert code_of(only.subscribe, **params, Endpoint="a@example.org") == "AuthorizationError"


def test_the_trail_sees_the_visitor(sns: Any, shared_cloud: Any) -> None:
    subscribed(shared_cloud, new_topic(sns, "visited"), "visited@example.com")
    assert trail(shared_cloud, "ConfirmSubscription")[-1]["userIdentity"]["accountId"] == "anonymous"
