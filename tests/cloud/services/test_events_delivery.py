"""From an event to its targets: topics, log groups, builds and pipelines; refusals, schedules."""

import json
from typing import Any

import pytest
from services_help import ACCOUNT, may, news, open_topic, person, policy, service_role, subscribed, text_of, trail

from labsupport.cloud.services.events import sinks
from labsupport.cloud.services.events.delivery import Delivery

PLACE = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/"
SHOP = json.dumps({"source": ["shop"]})


@pytest.fixture
def events(shared_cloud: Any) -> Any:
    return shared_cloud.client("events")


def rule_to(cloud: Any, name: str, *targets: dict[str, Any], pattern: Any = None, **params: Any) -> None:
    """A rule for the events whose source is its name, or whatever `pattern` says."""
    found = {} if params else {"EventPattern": json.dumps(pattern or {"source": [name]})}
    cloud.client("events").put_rule(Name=name, **found, **params)
    numbered = [{"Id": str(number), **target} for number, target in enumerate(targets)]
    cloud.client("events").put_targets(Rule=name, Targets=numbered)


def send(cloud: Any, source: str, detail: Any = None, **more: Any) -> str:
    entry = {"Source": source, "DetailType": "order", "Detail": json.dumps(detail or {}), **more}
    answer = cloud.client("events").put_events(Entries=[entry])
    cloud.settle("events")
    return str(answer["Entries"][0]["EventId"])


def waiting(cloud: Any) -> list[Delivery]:
    return cloud.on_loop(lambda inner: list(inner.store.list(Delivery)))  # type: ignore[no-any-return]


def mailed_topic(cloud: Any, name: str) -> tuple[str, str]:
    topic, address = open_topic(cloud, name, "events"), f"{name}@example.com"
    subscribed(cloud, topic, address)
    return topic, address


def test_the_event_as_a_mail(shared_cloud: Any) -> None:
    topic, address = mailed_topic(shared_cloud, "whole")
    rule_to(shared_cloud, "whole", {"Arn": topic})
    event_id = send(shared_cloud, "whole", {"a": [1]}, Resources=["arn:aws:s3:::b"])
    (mail,) = news(shared_cloud, address)
    event = json.loads(text_of(mail))
    assert event.pop("time").endswith("Z")
    assert event == {
        "version": "0",
        "id": event_id,
        "detail-type": "order",
        "source": "whole",
        "account": ACCOUNT,
        "region": "us-east-1",
        "resources": ["arn:aws:s3:::b"],
        "detail": {"a": [1]},
    }


def test_inputs(shared_cloud: Any) -> None:
    topic, address = mailed_topic(shared_cloud, "inputs")
    transformer = {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": '"order <n> by <aws.events.rule-name>"'}
    targets = [
        {"Arn": topic, "InputPath": "$.detail"},
        {"Arn": topic, "Input": '"constant"'},
        {"Arn": topic, "InputTransformer": transformer},
    ]
    rule_to(shared_cloud, "inputs", *targets)
    send(shared_cloud, "inputs", {"n": 7})
    texts = sorted(text_of(one) for one in news(shared_cloud, address))
    assert texts == ['"constant"', '"order 7 by inputs"', '{"n": 7}']


def test_which_rules_match(shared_cloud: Any) -> None:
    topic, address = mailed_topic(shared_cloud, "match")
    rule_to(shared_cloud, "match-a", {"Arn": topic, "Input": '"a"'}, pattern={"source": ["match"]})
    rule_to(
        shared_cloud, "match-b", {"Arn": topic, "Input": '"b"'}, pattern={"source": ["match"], "detail": {"x": [1]}}
    )
    rule_to(shared_cloud, "match-c", {"Arn": topic, "Input": '"c"'}, pattern={"source": ["match"]})
    shared_cloud.client("events").disable_rule(Name="match-c")
    send(shared_cloud, "match", {"x": 2})
    assert [text_of(one) for one in news(shared_cloud, address)] == ['"a"']
    send(shared_cloud, "match", {"x": 1})
    assert sorted(text_of(one) for one in news(shared_cloud, address)) == ['"a"', '"a"', '"b"']


def test_only_in_its_region(shared_cloud: Any) -> None:
    topic, address = mailed_topic(shared_cloud, "region")
    rule_to(shared_cloud, "region", {"Arn": topic})
    entry = {"Source": "region", "DetailType": "t", "Detail": "{}"}
    shared_cloud.client("events", region_name="eu-west-1").put_events(Entries=[entry])
    shared_cloud.client("events", "second").put_events(Entries=[entry])
    shared_cloud.settle("events")
    assert news(shared_cloud, address) == []


def test_a_topic_that_does_not_let_events_in(shared_cloud: Any) -> None:
    """With a new topic's own policy nothing arrives, at AWS too: the trail says who was refused what."""
    topic = shared_cloud.client("sns").create_topic(Name="closed-topic")["TopicArn"]
    subscribed(shared_cloud, topic, "closed-topic@example.com")
    rule_to(shared_cloud, "closed-topic", {"Arn": topic})
    send(shared_cloud, "closed-topic")
    assert news(shared_cloud, "closed-topic@example.com") == []
    refusal = trail(shared_cloud, "Publish")[-1]
    assert refusal["errorCode"] == "AuthorizationErrorException"
    assert refusal["userIdentity"] == {"type": "AWSService", "invokedBy": "events.amazonaws.com"}
    assert waiting(shared_cloud) == []


def test_a_topic_for_one_rule(shared_cloud: Any) -> None:
    topic, address = mailed_topic(shared_cloud, "one-rule")
    statement = {
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic,
        "Condition": {"ArnEquals": {"aws:SourceArn": PLACE + "one-rule"}},
    }  # fmt: skip
    sns = shared_cloud.client("sns")
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy(statement))
    rule_to(shared_cloud, "one-rule", {"Arn": topic, "Input": "1"})
    rule_to(shared_cloud, "one-rule-not", {"Arn": topic, "Input": "2"}, pattern={"source": ["one-rule"]})
    send(shared_cloud, "one-rule")
    assert [text_of(one) for one in news(shared_cloud, address)] == ["1"]


def logged(cloud: Any, group: str) -> list[str]:
    return [one["message"] for one in cloud.client("logs").filter_log_events(logGroupName=group)["events"]]


def test_into_a_log_group(shared_cloud: Any) -> None:
    logs, group = shared_cloud.client("logs"), "/aws/events/shop"
    logs.create_log_group(logGroupName=group)
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}"
    rule_to(shared_cloud, "logging", {"Arn": arn, "InputPath": "$.detail.n"})
    send(shared_cloud, "logging", {"n": 1})
    assert logged(shared_cloud, group) == []
    assert trail(shared_cloud, "CreateLogStream")[-1]["errorCode"] == "AccessDenied"
    statement = {
        "Effect": "Allow", "Principal": {"Service": ["events.amazonaws.com", "delivery.logs.amazonaws.com"]},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": arn + ":*",
    }  # fmt: skip
    logs.put_resource_policy(policyName="events", policyDocument=policy(statement))
    send(shared_cloud, "logging", {"n": 2})
    rule_to(shared_cloud, "logging", {"Arn": arn + ":*", "InputPath": "$.detail.n"})
    send(shared_cloud, "logging", {"n": 3})
    assert sorted(logged(shared_cloud, group)) == ["2", "3"]


PIPELINE = {
    "name": "demo", "roleArn": "", "artifactStore": {"type": "S3", "location": "artifacts"}, "pipelineType": "V2",
    "variables": [{"name": "colour", "defaultValue": "red"}],
    "stages": [
        {"name": "Source", "actions": [{
            "name": "Source", "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
            "configuration": {"S3Bucket": "b", "S3ObjectKey": "k", "PollForSourceChanges": "false"},
            "outputArtifacts": [{"name": "S"}]}]},
        {"name": "Ask", "actions": [{
            "name": "Ask",
            "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"}}]},
    ],
}  # fmt: skip


def new_pipeline(cloud: Any, name: str) -> Any:
    role = service_role(cloud, f"{name}-runs", "codepipeline")
    client = cloud.client("codepipeline")
    client.create_pipeline(pipeline={**PIPELINE, "name": name, "roleArn": role})
    return client


def test_a_pipeline_is_started(shared_cloud: Any) -> None:
    client = new_pipeline(shared_cloud, "demo")
    arn = f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:demo"
    role = service_role(shared_cloud, "demo-starts", "events", may("codepipeline:StartPipelineExecution", resource=arn))
    rule_to(shared_cloud, "to-demo", {"Arn": arn, "RoleArn": role})
    send(shared_cloud, "to-demo")
    newest, first = client.list_pipeline_executions(pipelineName="demo")["pipelineExecutionSummaries"]
    assert first["trigger"]["triggerType"] == "CreatePipeline"
    assert newest["trigger"] == {"triggerType": "CloudWatchEvent", "triggerDetail": PLACE + "to-demo"}
    started = trail(shared_cloud, "StartPipelineExecution")[-1]
    assert started["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] == role
    assert started["sourceIPAddress"] == "events.amazonaws.com"
    assumed = [one for one in trail(shared_cloud, "AssumeRole") if one["requestParameters"]["roleArn"] == role]
    assert assumed[-1]["userIdentity"] == {"type": "AWSService", "invokedBy": "events.amazonaws.com"}


def test_a_pipeline_is_given_variables(shared_cloud: Any) -> None:
    client = new_pipeline(shared_cloud, "coloured")
    arn = f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:coloured"
    role = service_role(shared_cloud, "coloured-starts", "events", may("codepipeline:StartPipelineExecution"))
    template = '{"variables": [{"name": "colour", "value": <c>}]}'
    transformer = {"InputPathsMap": {"c": "$.detail.colour"}, "InputTemplate": template}
    rule_to(shared_cloud, "to-coloured", {"Arn": arn, "RoleArn": role, "InputTransformer": transformer})
    send(shared_cloud, "to-coloured", {"colour": "blue"})
    newest = client.list_pipeline_executions(pipelineName="coloured")["pipelineExecutionSummaries"][0]
    found = client.get_pipeline_execution(pipelineName="coloured", pipelineExecutionId=newest["pipelineExecutionId"])
    assert found["pipelineExecution"]["variables"] == [{"name": "colour", "resolvedValue": "blue"}]


@pytest.mark.parametrize("fault", ["no permission", "no trust", "no role", "no pipeline"])
def test_a_pipeline_that_cannot_be_started(shared_cloud: Any, fault: str) -> None:
    name = fault.replace(" ", "-")
    client = new_pipeline(shared_cloud, name)
    arn = f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:{name}"
    may_start = may("codepipeline:StartPipelineExecution" if fault != "no permission" else "codepipeline:ListPipelines")
    role = service_role(shared_cloud, f"{name}-role", "codebuild" if fault == "no trust" else "events", may_start)
    rule_to(shared_cloud, name, {"Arn": arn, "RoleArn": role})
    if fault == "no role":
        shared_cloud.client("iam").delete_role_policy(RoleName=f"{name}-role", PolicyName="own")
        shared_cloud.client("iam").delete_role(RoleName=f"{name}-role")
    if fault == "no pipeline":
        client.delete_pipeline(name=name)
    send(shared_cloud, name)
    assert waiting(shared_cloud) == []
    if fault != "no pipeline":
        assert len(client.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]) == 1
    failed = "AssumeRole" if fault in ("no trust", "no role") else "StartPipelineExecution"
    wanted = "PipelineNotFoundException" if fault == "no pipeline" else "AccessDenied"
    assert trail(shared_cloud, failed)[-1]["errorCode"] == wanted


def test_a_build_gets_the_input_as_its_parameters(shared_cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call itself, as CodeBuild gets it: the project is the target's, whatever the input says."""
    seen: list[dict[str, Any]] = []
    monkeypatch.setitem(sinks._SINKS, "codebuild", lambda *given: seen.append({"given": given}))
    role = service_role(shared_cloud, "builds", "events")
    arn = f"arn:aws:codebuild:us-east-1:{ACCOUNT}:project/web"
    rule_to(
        shared_cloud,
        "building",
        {"Arn": arn, "RoleArn": role, "Input": '{"sourceVersion": "main", "projectName": "x"}'},
    )
    send(shared_cloud, "building")
    _, resource, target, event, text, delivery = seen[0]["given"]
    assert (resource, event["source"]) == ("project/web", "building")

    class Recorder:
        def start_build(self, **params: Any) -> dict[str, Any]:
            seen.append(params)
            return {}

    sinks._build(Recorder(), resource, target, event, text, delivery)  # type: ignore[arg-type]
    token = seen[1].pop("idempotencyToken")
    assert seen[1] == {"sourceVersion": "main", "projectName": "web"}
    assert 0 < len(token) <= 64


# Schedules


def test_a_schedule(cloud: Any) -> None:
    topic, address = mailed_topic(cloud, "clock")
    rule_to(cloud, "clock", {"Arn": topic}, ScheduleExpression="rate(5 minutes)")
    rule_to(cloud, "not-by-pattern", {"Arn": topic}, pattern={"source": ["aws.events"]})
    cloud.settle("events")
    assert news(cloud, address) == []
    for _ in range(2):
        cloud.advance(300)
        cloud.settle("events")
    mails = [json.loads(text_of(one)) for one in news(cloud, address)]
    assert len(mails) == 2
    assert {(one["source"], one["detail-type"], *one["resources"]) for one in mails} == {
        ("aws.events", "Scheduled Event", PLACE + "clock")
    }
    assert mails[0]["detail"] == {}
    cloud.client("events").disable_rule(Name="clock")
    cloud.advance(300)
    cloud.settle("events")
    assert len(news(cloud, address)) == 2


def test_a_schedule_that_is_changed(cloud: Any) -> None:
    topic, address = mailed_topic(cloud, "changed")
    rule_to(cloud, "changed", {"Arn": topic}, ScheduleExpression="rate(5 minutes)")
    cloud.client("events").put_rule(Name="changed", ScheduleExpression="rate(1 hour)")
    cloud.advance(301)
    cloud.settle("events")
    assert news(cloud, address) == []
    cloud.advance(3600)
    cloud.settle("events")
    assert len(news(cloud, address)) == 1
    events = cloud.client("events")
    events.remove_targets(Rule="changed", Ids=["0"])
    events.delete_rule(Name="changed")
    cloud.advance(7200)
    cloud.settle("events")
    assert len(news(cloud, address)) == 1


def test_a_schedule_goes_on_after_a_restart(start_cloud: Any) -> None:
    first = start_cloud()
    topic, address = mailed_topic(first, "nightly")
    rule_to(first, "nightly", {"Arn": topic}, ScheduleExpression="cron(0 2 * * ? *)")
    first.stop()
    second = start_cloud(home=first.home)
    for _ in range(2):
        second.advance(86_400)
        second.settle("events")
    assert len(news(second, address)) == 2


def test_events_of_the_services_themselves(shared_cloud: Any) -> None:
    """What a service publishes is what its change left behind, and nothing where the change was refused."""
    topic, address = mailed_topic(shared_cloud, "parameters")
    rule_to(shared_cloud, "parameters", {"Arn": topic}, pattern={"detail-type": ["Parameter Store Change"]})
    ssm = shared_cloud.client("ssm")
    ssm.put_parameter(Name="/events/a", Value="1", Type="String")
    stranger = person(shared_cloud, "events-stranger")("ssm")
    with pytest.raises(Exception, match="AccessDenied"):
        stranger.put_parameter(Name="/events/b", Value="1", Type="String")
    shared_cloud.settle("events")
    (mail,) = news(shared_cloud, address)
    assert json.loads(text_of(mail))["detail"] == {"operation": "Create", "name": "/events/a", "type": "String"}
