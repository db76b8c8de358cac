"""Stacks that are deleted, and what stays of them: by policy, by protection, or because it can't go."""

from typing import Any

import pytest
from cloudformation_help import TOPIC, Stacks, bucket, topic, topics
from services_help import refused
from test_cloudformation_stacks import BAD


def test_deletes_users_before_what_they_use(stacks: Stacks) -> None:
    stacks.create("del", {"A": topic({"Ref": "B"}), "B": bucket()})
    identity = stacks.look("del")["StackId"]
    assert stacks.delete("del") == "DELETE_COMPLETE"
    events = stacks.events(identity)
    assert events.index("A DELETE_COMPLETE") < events.index("B DELETE_IN_PROGRESS")
    assert refused(stacks.client.describe_stacks, StackName="del") == (
        "ValidationError",
        "Stack with id del does not exist",
    )
    assert stacks.look(identity)["StackStatus"] == "DELETE_COMPLETE"
    stacks.client.delete_stack(StackName="del")  # as AWS has it: nothing to do
    deleted = stacks.client.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert identity in [one["StackId"] for one in deleted]
    assert {one["StackStatus"] for one in deleted} == {"DELETE_COMPLETE"}


def test_a_bucket_with_objects_stays_until_it_is_let_go(shared_cloud: Any, stacks: Stacks) -> None:
    s3 = shared_cloud.client("s3")
    stacks.create("full", {"B": bucket(BucketName="full-bucket"), "A": TOPIC})
    s3.put_object(Bucket="full-bucket", Key="k", Body=b"x")
    early = refused(stacks.client.delete_stack, StackName="full", RetainResources=["B"])[1]
    assert early.endswith("stack must be in DELETE_FAILED state to specify resources to retain.")
    assert stacks.delete("full") == "DELETE_FAILED"
    assert stacks.look("full")["StackStatusReason"] == "The following resource(s) failed to delete: [B]. "
    assert "The bucket you tried to delete is not empty" in stacks.why("full", "B")
    assert refused(stacks.client.delete_stack, StackName="full", RetainResources=["Z"])[0] == "ValidationError"
    assert stacks.delete("full", RetainResources=["B"]) == "DELETE_COMPLETE"
    s3.head_bucket(Bucket="full-bucket")


def test_policies_keep_resources(shared_cloud: Any, stacks: Stacks) -> None:
    keep = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    stacks.create("keep", {"A": {**topic(TopicName="keep-a"), **keep}, "B": {**topic(TopicName="keep-b"), **keep}})
    stacks.update("keep", {"A": {**topic(TopicName="keep-a2"), **keep}})
    assert stacks.events("keep").count("A DELETE_SKIPPED") == stacks.events("keep").count("B DELETE_SKIPPED") == 1
    assert stacks.delete("keep") == "DELETE_COMPLETE"
    there = {arn.rsplit(":", 1)[1] for arn in topics(shared_cloud)}
    assert {"keep-a", "keep-a2", "keep-b"} <= there


@pytest.mark.parametrize(
    ("policy", "more", "stays"),
    [("Retain", {}, True), ("RetainExceptOnCreate", {}, False), ("Retain", {"RetainExceptOnCreate": True}, False)],
)
def test_policies_where_a_creation_fails(
    shared_cloud: Any, stacks: Stacks, policy: str, more: Any, stays: bool
) -> None:
    name = f"fail-{policy}-{len(more)}".lower()
    resources = {"A": {**topic(TopicName=name), "DeletionPolicy": policy}, "Bad": {**BAD, "DependsOn": "A"}}
    assert stacks.create(name, resources, **more) == "ROLLBACK_COMPLETE"
    assert any(arn.endswith(f":{name}") for arn in topics(shared_cloud)) is stays


def test_termination_protection(stacks: Stacks) -> None:
    stacks.create("safe", {"A": TOPIC}, EnableTerminationProtection=True)
    assert refused(stacks.client.delete_stack, StackName="safe") == (
        "ValidationError",
        "Stack [safe] cannot be deleted while TerminationProtection is enabled",
    )
    stacks.client.update_termination_protection(StackName="safe", EnableTerminationProtection=False)
    assert stacks.delete("safe") == "DELETE_COMPLETE"
