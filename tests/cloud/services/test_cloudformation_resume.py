"""A process that is killed in the middle of a stack, and what the next one makes of it."""

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cloudformation_help import Stacks, bucket, text, topic
from services_help import may, policy

from labsupport.cloud.services.cloudformation.providers import PROVIDERS

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
                                                  "Action": "sts:AssumeRole"}]}  # fmt: skip
RESOURCES = {
    "Key": {"Type": "AWS::KMS::Key", "Properties": {"Description": "of the stack"}},
    "User": {"Type": "AWS::IAM::User", "Properties": {}},
    "Access": {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": {"Ref": "User"}}},
    "Topic": topic({"Ref": "Key"}),
    "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST, "Policies": [
        {"PolicyName": "own", "PolicyDocument": policy(may("s3:*"))}]}},
    "Bucket": bucket(),
}  # fmt: skip
CAN = ["CAPABILITY_IAM"]


class Held:
    """The first time that a step of a type is taken, it goes no further: before it is done, or right after.

    There the process is stopped; nothing of the task is done any more.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: str, step: str, when: str) -> None:
        self.calls: list[str] = []
        self.reached = threading.Event()
        usual = PROVIDERS[kind]
        doing: Callable[..., Any] = getattr(usual, step)

        async def held(work: Any, *more: Any) -> Any:
            self.calls.append(work.resource.logical)
            first = len(self.calls) == 1
            if not (first and when == "before"):
                done = await doing(work, *more)
            if first:
                self.reached.set()
                await asyncio.Event().wait()
            return done

        monkeypatch.setitem(PROVIDERS, kind, usual._replace(**{step: held}))

    def stop(self, cloud: Any) -> None:
        assert self.reached.wait(20), "the step was not reached"
        cloud.stop()


def begun(start_cloud: Any, resources: Any) -> Any:
    """A cloud in which a stack named s has begun."""
    cloud = start_cloud()
    Stacks(cloud).client.create_stack(StackName="s", TemplateBody=text(resources), Capabilities=CAN)
    return cloud


def counted(cloud: Any) -> dict[str, int]:
    iam = cloud.client("iam")
    users = [one["UserName"] for one in iam.list_users()["Users"] if one["UserName"].startswith("s-")]
    keys = cloud.client("kms").list_keys()["Keys"]
    described = [cloud.client("kms").describe_key(KeyId=one["KeyId"])["KeyMetadata"] for one in keys]
    return {
        "Key": sum(one["Description"] == "of the stack" for one in described),
        "User": len(users),
        "Access": sum(len(iam.list_access_keys(UserName=one)["AccessKeyMetadata"]) for one in users),
        "Topic": len(cloud.client("sns").list_topics()["Topics"]),
        "Role": sum(one["RoleName"].startswith("s-") for one in iam.list_roles()["Roles"]),
        "Bucket": sum(one["Name"].startswith("s-") for one in cloud.client("s3").list_buckets()["Buckets"]),
    }


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("logical", sorted(RESOURCES))
def test_nothing_is_made_twice(start_cloud: Any, monkeypatch: pytest.MonkeyPatch, logical: str, when: str) -> None:
    held = Held(monkeypatch, RESOURCES[logical]["Type"], "create", when)
    cloud = begun(start_cloud, RESOURCES)
    held.stop(cloud)
    again = start_cloud(home=cloud.home)
    stacks = Stacks(again)
    assert stacks.end("s") == "CREATE_COMPLETE"
    assert counted(again) == dict.fromkeys(RESOURCES, 1)
    assert held.calls == [logical, logical]
    events = stacks.events("s")
    assert len(events) == len(set(events)) == 3 * len(RESOURCES) + 2, "no step is told twice"


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_update_goes_on(start_cloud: Any, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    cloud = begun(start_cloud, RESOURCES)
    assert Stacks(cloud).end("s") == "CREATE_COMPLETE"
    held = Held(monkeypatch, "AWS::KMS::Key", "update", when)
    key = {"Type": "AWS::KMS::Key", "Properties": {"Description": "of the stack", "Enabled": False}}
    after = {**RESOURCES, "Key": key, "New": topic("new")}
    Stacks(cloud).client.update_stack(StackName="s", TemplateBody=text(after), Capabilities=CAN)
    held.stop(cloud)
    again = start_cloud(home=cloud.home)
    stacks = Stacks(again)
    assert stacks.end("s") == "UPDATE_COMPLETE"
    assert counted(again) == {**dict.fromkeys(RESOURCES, 1), "Topic": 2}
    found = again.client("kms").describe_key(KeyId=stacks.physical("s", "Key"))["KeyMetadata"]
    assert found["Enabled"] is False


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_deletion_goes_on(start_cloud: Any, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    cloud = begun(start_cloud, RESOURCES)
    identity = Stacks(cloud).look("s")["StackId"]
    assert Stacks(cloud).end("s") == "CREATE_COMPLETE"
    held = Held(monkeypatch, "AWS::IAM::Role", "delete", when)
    Stacks(cloud).client.delete_stack(StackName="s")
    held.stop(cloud)
    again = start_cloud(home=cloud.home)
    assert Stacks(again).end(identity) == "DELETE_COMPLETE"
    left = counted(again)
    assert left.pop("Key") == 1, "a key waits for its deletion"
    assert set(left.values()) == {0}


def test_a_rollback_goes_on(start_cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch, "AWS::IAM::Role", "delete", "after")
    bad = {"Bad": {**bucket(BucketName="Not-A-Name"), "DependsOn": sorted(RESOURCES)}}
    cloud = begun(start_cloud, {**RESOURCES, **bad})
    held.stop(cloud)
    again = start_cloud(home=cloud.home)
    assert Stacks(again).end("s") == "ROLLBACK_COMPLETE"
    assert [name for name, number in counted(again).items() if number] == ["Key"]


KILLED = """
    import asyncio, os, sys
    from pathlib import Path
    from labsupport.cloud import server
    from labsupport.cloud.core.cloud import Settings
    from labsupport.cloud.services.cloudformation.providers import PROVIDERS

    usual = PROVIDERS["AWS::SNS::Topic"]
    async def create(work, props):
        await usual.create(work, props)
        os._exit(9)
    PROVIDERS["AWS::SNS::Topic"] = usual._replace(create=create)
    asyncio.run(server.serve(Settings(home=Path(sys.argv[1])), lambda cloud: None))
"""


def test_killed_for_real(start_cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """First held before the topic, then killed in a process of its own right after the topic was made."""
    held = Held(monkeypatch, "AWS::SNS::Topic", "create", "before")
    cloud = begun(start_cloud, RESOURCES)
    held.stop(cloud)
    code = textwrap.dedent(KILLED)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", code, str(cloud.home)], env=environment, timeout=60, check=False)
    assert (done.returncode, len(held.calls)) == (9, 1)
    again = start_cloud(home=cloud.home)
    assert Stacks(again).end("s") == "CREATE_COMPLETE"
    assert counted(again) == dict.fromkeys(RESOURCES, 1)


def test_a_fault_of_our_own_ends_the_stack(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wrong(work: Any, props: Any) -> Any:
        raise ZeroDivisionError("oops")

    usual = PROVIDERS["AWS::SNS::Topic"]
    monkeypatch.setitem(PROVIDERS, "AWS::SNS::Topic", usual._replace(create=wrong))
    stacks = Stacks(cloud)
    assert stacks.create("fault", {"T": topic("x")}) == "ROLLBACK_COMPLETE"
    assert "The properties of T are not of the form that AWS::SNS::Topic takes" in stacks.why("fault", "T")
