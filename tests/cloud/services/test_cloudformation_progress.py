"""Operations on stacks while they run: time, cancelling, resources side by side, what topics are told."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from cloudformation_help import TOPIC, Stacks, text, topic, topics
from services_help import refused


def test_time_runs_out(shared_cloud: Any, stacks: Stacks, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = _slow(shared_cloud, monkeypatch, 120)
    assert stacks.create("slow", {"A": TOPIC, "B": topic({"Ref": "A"})}, TimeoutInMinutes=1) == "ROLLBACK_COMPLETE"
    assert slow
    assert "exceeded the specified timeout" in stacks.why("slow", "slow")


def _slow(
    cloud: Any, monkeypatch: pytest.MonkeyPatch, seconds: float, between: Callable[[Any], None] | None = None
) -> Any:
    """Topics that take their time: `between` is done while the stack waits for one."""
    from labsupport.cloud.services.cloudformation.providers import PROVIDERS

    usual, calls = PROVIDERS["AWS::SNS::Topic"], []

    async def create(work: Any, props: Any) -> Any:
        calls.append(work.resource.logical)
        if len(calls) == 1:
            work.call.cloud.clock.advance(seconds)
            if between:
                between(work.call)
        return await usual.create(work, props)

    monkeypatch.setitem(PROVIDERS, "AWS::SNS::Topic", usual._replace(create=create))
    return calls


def _wish(name: str, operation: str) -> Callable[[Any], None]:
    """Asks for something in the middle of a stack's operation, as its owner."""

    def do(call: Any) -> None:
        from labsupport.cloud.services.cloudformation.records import find_stack
        from labsupport.cloud.services.cloudformation.work import Call

        stack = find_stack(call, name)
        assert stack is not None
        caller = call.cloud.way_in.caller(stack.caller_key)
        own = Call(call.cloud, call.service, operation, caller, call.account, call.region)
        call.cloud.way_in.perform(own, operation, {"StackName": name})

    return do


def test_a_stack_deleted_while_it_is_created(
    shared_cloud: Any, stacks: Stacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    _slow(shared_cloud, monkeypatch, 0, _wish("hasty", "DeleteStack"))
    assert stacks.create("hasty", {"A": TOPIC, "B": topic({"Ref": "A"})}) == "gone"
    assert not any(":hasty-" in arn for arn in topics(shared_cloud))


def test_an_update_that_is_cancelled(shared_cloud: Any, stacks: Stacks, monkeypatch: pytest.MonkeyPatch) -> None:
    stacks.create("cancel", {"A": topic("old")})
    assert refused(stacks.client.cancel_update_stack, StackName="cancel")[0] == "ValidationError"
    _slow(shared_cloud, monkeypatch, 0, _wish("cancel", "CancelUpdateStack"))
    after = {"A": topic("new"), "B": TOPIC, "C": topic({"Ref": "B"})}
    assert stacks.update("cancel", after) == "UPDATE_ROLLBACK_COMPLETE"
    assert set(stacks.resources("cancel")) == {"A"}


# Side by side


def _waiting(monkeypatch: pytest.MonkeyPatch, patient: str, *, failing: str = "") -> list[str]:
    """Topics that wait for the one named `patient` to be begun, or for ever; `failing` waits so and then fails."""
    from labsupport.cloud.core.errors import AwsError
    from labsupport.cloud.services.cloudformation.providers import PROVIDERS

    usual, begun = PROVIDERS["AWS::SNS::Topic"], []

    async def create(work: Any, props: Any) -> Any:
        made = await usual.create(work, props)
        begun.append(work.resource.logical)
        while patient not in begun or (failing and work.resource.logical != failing):
            await work.pause(0.001)
        if failing:
            raise AwsError("InternalFailure", "no more topics")
        return made

    monkeypatch.setitem(PROVIDERS, "AWS::SNS::Topic", usual._replace(create=create))
    return begun


def test_resources_that_need_nothing_are_made_side_by_side(stacks: Stacks, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = _waiting(monkeypatch, "C")
    assert stacks.create("beside", {"A": TOPIC, "B": TOPIC, "C": TOPIC}) == "CREATE_COMPLETE"
    assert begun == ["A", "B", "C"]


def test_what_is_under_way_is_cancelled_with_what_fails(
    shared_cloud: Any, stacks: Stacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    _waiting(monkeypatch, "B", failing="B")
    after = {**TOPIC, "DependsOn": "A"}
    assert stacks.create("fallen", {"A": TOPIC, "B": TOPIC, "C": after}) == "ROLLBACK_COMPLETE"
    assert stacks.why("fallen", "A") == "Resource creation cancelled"
    assert stacks.why("fallen", "B").startswith("no more topics")
    assert not any(one.startswith("C ") for one in stacks.events("fallen"))
    found = stacks.client.describe_stack_events(StackName="fallen")["StackEvents"]
    turned = next(one for one in found if one["ResourceStatus"] == "ROLLBACK_IN_PROGRESS")
    assert turned["ResourceStatusReason"].startswith("The following resource(s) failed to create: [A, B]. ")
    assert not any(":fallen-" in arn for arn in topics(shared_cloud))


def test_a_deletion_interrupts_what_is_under_way(stacks: Stacks, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = _waiting(monkeypatch, "never")
    stacks.client.create_stack(StackName="stopped", TemplateBody=text({"A": TOPIC}))
    while not begun:
        stacks.cloud.on_loop(lambda cloud: None)
    identity = stacks.look("stopped")["StackId"]
    stacks.client.delete_stack(StackName="stopped")
    assert stacks.end(identity) == "DELETE_COMPLETE"
    assert "A CREATE_FAILED" in stacks.events(identity)


def test_topics_are_told_of_events(shared_cloud: Any, stacks: Stacks) -> None:
    sns = shared_cloud.client("sns")
    first, second = (sns.create_topic(Name=f"told-{name}")["TopicArn"] for name in ("first", "second"))
    for arn in (first, second):
        sns.subscribe(TopicArn=arn, Protocol="email", Endpoint=f"{arn[-6:]}@example.com", ReturnSubscriptionArn=True)
    arns = {"NotificationARNs": [first, "arn:aws:sns:us-east-1:123456789012:told-nobody"]}
    own = {"Outputs": {"O": {"Value": {"Fn::Select": [0, {"Ref": "AWS::NotificationARNs"}]}}}}
    assert stacks.create("told", {"A": topic("a")}, own, **arns) == "CREATE_COMPLETE"
    assert stacks.outputs("told") == {"O": first}
    assert stacks.look("told")["NotificationARNs"] == arns["NotificationARNs"]
    published = published_to(shared_cloud, first)
    assert len(published) == len(stacks.events("told"))
    message = next(one for one in published if "LogicalResourceId='A'" in one and "CREATE_COMPLETE" in one)
    assert f"PhysicalResourceId='{stacks.physical('told', 'A')}'\n" in message
    assert "StackName='told'\n" in message
    body = text({"A": topic("a")}, **own)
    stacks.client.update_stack(StackName="told", TemplateBody=body, NotificationARNs=[second])
    assert stacks.end("told") == "UPDATE_COMPLETE"
    assert len(published_to(shared_cloud, first)) == len(published)
    assert published_to(shared_cloud, second)


def published_to(cloud: Any, arn: str) -> list[str]:
    """The messages that the trail shows as published to a topic, by whom ever, and that were taken."""
    found = cloud.on_loop(
        lambda one: list(one.store.trail.newest_first("name = 'Publish' AND error IS NULL", limit=500))
    )
    asked = [json.loads(entry.event)["requestParameters"] for _, entry in found]
    return [one["message"] for one in asked if one["topicArn"] == arn]


def test_pages_of_events(stacks: Stacks) -> None:
    stacks.create("pages", {f"T{number}": topic("x") for number in range(60)})
    first = stacks.client.describe_stack_events(StackName="pages")
    assert len(first["StackEvents"]) == 100
    assert first["NextToken"]
    events = stacks.events("pages")
    assert len(events) == 182
    assert (events[0], events[-1]) == ("pages CREATE_IN_PROGRESS", "pages CREATE_COMPLETE")
    assert refused(stacks.client.describe_stack_events, StackName="pages", NextToken="x")[0] == "ValidationError"
    assert len(stacks.client.list_stack_resources(StackName="pages")["StackResourceSummaries"]) == 60
    one = stacks.client.describe_stack_resource(StackName="pages", LogicalResourceId="T1")["StackResourceDetail"]
    assert one["ResourceStatus"] == "CREATE_COMPLETE"
    by_name = stacks.client.describe_stack_resources(PhysicalResourceId=one["PhysicalResourceId"])["StackResources"]
    assert by_name[0]["StackName"] == "pages"
