"""Functions that other services call: S3, SNS, EventBridge; and what becomes of events when the cloud is killed."""

import json
from typing import Any

import psutil
import pytest
from lambda_help import function, invoked, lines, role_for_functions
from services_help import ACCOUNT, code_of, may, refused

SHOWS = "import json\ndef handler(event, context):\n    print('got', json.dumps(event))"


@pytest.fixture(scope="module")
def cloud(shared_cloud: Any) -> Any:
    role_for_functions(shared_cloud)
    return shared_cloud


def allow(cloud: Any, name: str, service: str, source: str) -> None:
    cloud.client("lambda").add_permission(
        FunctionName=name, StatementId=service, Action="lambda:InvokeFunction", Principal=f"{service}.amazonaws.com",
        SourceArn=source, SourceAccount=ACCOUNT,
    )  # fmt: skip


def got(cloud: Any, name: str) -> list[Any]:
    cloud.settle()
    return [json.loads(line.removeprefix("got ")) for line in lines(cloud, name) if line.startswith("got ")]


def notify(cloud: Any, bucket: str, arn: str) -> dict[str, Any]:
    rule = {"Id": "r", "LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
    return {"Bucket": bucket, "NotificationConfiguration": {"LambdaFunctionConfigurations": [rule]}}


def test_s3_calls_a_function_that_lets_it(cloud: Any) -> None:
    s3, arn = cloud.client("s3"), function(cloud, "on-upload", SHOWS)
    s3.create_bucket(Bucket="uploads")
    code, message = refused(s3.put_bucket_notification_configuration, **notify(cloud, "uploads", arn))
    assert (code, message) == ("InvalidArgument", "Unable to validate the following destination configurations")
    assert "LambdaFunctionConfigurations" not in s3.get_bucket_notification_configuration(Bucket="uploads")
    allow(cloud, "on-upload", "s3", "arn:aws:s3:::other")
    assert code_of(s3.put_bucket_notification_configuration, **notify(cloud, "uploads", arn)) == "InvalidArgument"
    cloud.client("lambda").remove_permission(FunctionName="on-upload", StatementId="s3")
    allow(cloud, "on-upload", "s3", "arn:aws:s3:::uploads")
    s3.put_bucket_notification_configuration(**notify(cloud, "uploads", arn))
    cloud.settle()
    assert code_of(cloud.client("logs").filter_log_events, logGroupName="/aws/lambda/on-upload") == (
        "ResourceNotFoundException"  # no test event is sent
    )
    s3.put_object(Bucket="uploads", Key="a b", Body=b"x")
    ((event,),) = [one["Records"] for one in got(cloud, "on-upload")]
    assert (event["eventName"], event["s3"]["bucket"]["name"], event["s3"]["object"]["key"]) == (
        "ObjectCreated:Put", "uploads", "a+b",
    )  # fmt: skip


def test_sns_calls_a_subscribed_function(cloud: Any) -> None:
    sns, arn = cloud.client("sns"), function(cloud, "on-message", SHOWS)
    topic = sns.create_topic(Name="for-functions")["TopicArn"]
    made = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)["SubscriptionArn"]
    assert made.startswith(topic)
    sns.publish(TopicArn=topic, Message="lost")  # the function's policy doesn't let SNS in yet
    cloud.settle()
    allow(cloud, "on-message", "sns", topic)
    sent = sns.publish(
        TopicArn=topic, Message="hello", Subject="s",
        MessageAttributes={"kind": {"DataType": "String", "StringValue": "a"}},
    )  # fmt: skip
    ((event,),) = [one["Records"] for one in got(cloud, "on-message")]
    assert (event["EventSource"], event["EventVersion"], event["EventSubscriptionArn"]) == ("aws:sns", "1.0", made)
    message = event["Sns"]
    assert (message["Message"], message["Subject"], message["MessageId"]) == ("hello", "s", sent["MessageId"])
    assert message["MessageAttributes"] == {"kind": {"Type": "String", "Value": "a"}}


def test_eventbridge_calls_a_target(cloud: Any) -> None:
    events, arn = cloud.client("events"), function(cloud, "on-event", SHOWS)
    rule = events.put_rule(Name="to-function", EventPattern='{"source": ["shop"]}')["RuleArn"]
    events.put_targets(Rule="to-function", Targets=[{"Id": "f", "Arn": arn}])
    entry = {"Source": "shop", "DetailType": "order", "Detail": '{"id": 1}'}
    events.put_events(Entries=[entry])
    cloud.settle()
    allow(cloud, "on-event", "events", rule)
    events.put_events(Entries=[{**entry, "Detail": '{"id": 2}'}])
    assert [one["detail"] for one in got(cloud, "on-event")] == [{"id": 2}]


def test_a_branch_that_is_deleted_in_codecommit_reaches_a_function(cloud: Any) -> None:
    events, arn = cloud.client("events"), function(cloud, "on-branch", SHOWS)
    pattern = {"source": ["aws.codecommit"], "detail": {"event": ["referenceDeleted"]}}
    rule = events.put_rule(Name="branches", EventPattern=json.dumps(pattern))["RuleArn"]
    events.put_targets(Rule="branches", Targets=[{"Id": "f", "Arn": arn}])
    allow(cloud, "on-branch", "events", rule)
    code = cloud.client("codecommit")
    code.create_repository(repositoryName="watched")
    made = code.put_file(repositoryName="watched", branchName="main", filePath="f", fileContent=b"x")["commitId"]
    code.create_branch(repositoryName="watched", branchName="old", commitId=made)
    code.delete_branch(repositoryName="watched", branchName="old")
    assert [one["detail"]["referenceName"] for one in got(cloud, "on-branch")] == ["old"]


def test_what_fails_in_the_end_goes_to_the_dead_letter_topic(cloud: Any) -> None:
    sns, client = cloud.client("sns"), cloud.client("lambda")
    topic = sns.create_topic(Name="lost")["TopicArn"]
    keeper = function(cloud, "keeper", SHOWS)
    allow(cloud, "keeper", "sns", topic)
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=keeper)
    role = role_for_functions(cloud, "publisher", may("sns:Publish"))
    code = "def handler(e, c): raise ValueError('never')"
    function(cloud, "failing", code, role=role, DeadLetterConfig={"TargetArn": topic})
    client.invoke(FunctionName="failing", InvocationType="Event", Payload=b'{"number": 1}')
    for wait in (0, 61, 121):
        cloud.advance(wait)
        cloud.settle()
    ((event,),) = [one["Records"] for one in got(cloud, "keeper")]
    assert json.loads(event["Sns"]["Message"]) == {"number": 1}
    assert event["Sns"]["MessageAttributes"]["ErrorMessage"]["Value"] == "never"


def test_destinations_hear_how_an_asynchronous_call_ended(cloud: Any) -> None:
    client = cloud.client("lambda")
    role = role_for_functions(cloud, "caller", may("lambda:InvokeFunction"))
    keeper = function(cloud, "hears", SHOWS)
    function(cloud, "decides", "def handler(e, c): return 1 // e['by']", role=role)
    told = {"OnSuccess": {"Destination": keeper}, "OnFailure": {"Destination": keeper}}
    asked = {"FunctionName": "decides", "MaximumRetryAttempts": 0}
    made = client.put_function_event_invoke_config(**asked, DestinationConfig=told)
    assert made["FunctionArn"].endswith(":decides:$LATEST")
    for by in (1, 0):
        client.invoke(FunctionName="decides", InvocationType="Event", Payload=json.dumps({"by": by}))
        cloud.settle()
    good, bad = got(cloud, "hears")
    assert (good["requestContext"]["condition"], good["responsePayload"]) == ("Success", 1)
    assert (bad["requestContext"]["condition"], bad["requestPayload"]) == ("RetriesExhausted", {"by": 0})
    assert bad["responsePayload"]["errorType"] == "ZeroDivisionError"
    changed = client.update_function_event_invoke_config(FunctionName="decides", MaximumEventAgeInSeconds=60)
    assert (changed["MaximumRetryAttempts"], changed["MaximumEventAgeInSeconds"]) == (0, 60)
    assert changed["DestinationConfig"] == told
    assert len(client.list_function_event_invoke_configs(FunctionName="decides")["FunctionEventInvokeConfigs"]) == 1
    wrong = {"OnFailure": {"Destination": "arn:aws:kms:us-east-1:123456789012:key/a"}}
    assert code_of(client.put_function_event_invoke_config, **asked, DestinationConfig=wrong) == (
        "InvalidParameterValueException"
    )
    client.delete_function_event_invoke_config(FunctionName="decides")
    assert code_of(client.get_function_event_invoke_config, FunctionName="decides") == "ResourceNotFoundException"


def test_an_event_that_waits_too_long_counts_as_failed(cloud: Any) -> None:
    client, sqs = cloud.client("lambda"), cloud.client("sqs")
    role = role_for_functions(cloud, "waits", may("lambda:InvokeFunction", "sqs:SendMessage"))
    keeper = function(cloud, "hears-of-age", SHOWS)
    queue = sqs.create_queue(QueueName="too-old")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    function(cloud, "throttled", SHOWS, role=role, DeadLetterConfig={"TargetArn": arn})
    client.put_function_concurrency(FunctionName="throttled", ReservedConcurrentExecutions=0)
    client.put_function_event_invoke_config(
        FunctionName="throttled", MaximumEventAgeInSeconds=60, DestinationConfig={"OnFailure": {"Destination": keeper}}
    )
    client.invoke(FunctionName="throttled", InvocationType="Event", Payload=b'{"a": 1}')
    for _ in range(8):
        cloud.advance(30)
        cloud.settle()
    (told,) = got(cloud, "hears-of-age")
    assert (told["requestContext"]["condition"], told["requestPayload"]) == ("EventAgeExceeded", {"a": 1})
    assert told["requestContext"]["approximateInvokeCount"] == 0
    assert "responsePayload" not in told
    (lost,) = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"])["Messages"]
    assert (lost["Body"], lost["MessageAttributes"]["ErrorCode"]["StringValue"]) == ('{"a": 1}', "429")


def test_functions_and_accepted_events_outlive_the_cloud(start_cloud: Any, tmp_path: Any) -> None:
    first = start_cloud(home=tmp_path / "home")
    role_for_functions(first)
    function(first, "kept", SHOWS)
    first.client("lambda").publish_version(FunctionName="kept")
    first.on_loop(lambda cloud: setattr(cloud, "wake", lambda: None))  # the process ends before it gets to it
    first.client("lambda").invoke(FunctionName="kept", InvocationType="Event", Payload=b'{"n": 1}')
    first.stop()
    second = start_cloud(home=tmp_path / "home")
    assert got(second, "kept") == [{"n": 1}]
    assert invoked(second, "kept", {"n": 2}, Qualifier="1")[1]["ExecutedVersion"] == "1"


def test_environments_end_with_the_cloud(start_cloud: Any) -> None:
    cloud = start_cloud()
    role_for_functions(cloud)
    function(cloud, "lasting", "import os\ndef handler(e, c): return os.getpid()")
    number = invoked(cloud, "lasting")[0]
    assert psutil.pid_exists(number)
    cloud.stop()
    assert not psutil.pid_exists(number)
    assert not (cloud.home / "cache").exists()


def test_a_queue_takes_what_is_lost(cloud: Any) -> None:
    sqs = cloud.client("sqs")
    queue = sqs.create_queue(QueueName="lost")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    role = role_for_functions(cloud, "sender", may("sqs:SendMessage"))
    function(cloud, "loses", "def handler(e, c): raise ValueError('no')", role=role)
    client = cloud.client("lambda")
    client.update_function_configuration(FunctionName="loses", DeadLetterConfig={"TargetArn": arn})
    client.put_function_event_invoke_config(
        FunctionName="loses", MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": arn}}
    )
    cloud.settle()
    client.invoke(FunctionName="loses", InvocationType="Event", Payload=b'{"n": 1}')
    cloud.settle()
    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    bodies = sorted((json.loads(one["Body"]) for one in messages), key=len)
    assert bodies[0] == {"n": 1}
    assert bodies[1]["requestPayload"] == {"n": 1}
