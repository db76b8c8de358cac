"""Each resource type against the service that has it: created, changed in place, and removed."""

import base64
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cloudformation_help import Stacks, bucket, listed, parameter, text, topic
from provider_cases import CASES
from provider_looks import ANY, Look, of
from services_help import ACCOUNT, code_of, refused

from labsupport.cloud.services.cloudformation import schemas
from labsupport.cloud.services.cloudformation.providers import PROVIDERS
from labsupport.samples import shop


@pytest.mark.parametrize(
    ("name", "others", "first", "second", "look", "made", "changed"), CASES, ids=[c[0] for c in CASES]
)
def test_created_changed_and_removed(
    shared_cloud: Any, name: str, others: Any, first: Any, second: Any, look: Look, made: Any, changed: Any
) -> None:
    stacks, stack = Stacks(shared_cloud), f"p-{name.lower()}"

    def names() -> dict[str, str]:
        return {logical: one["PhysicalResourceId"] for logical, one in stacks.resources(stack).items()}

    status = stacks.create(stack, {**others, "It": first}, Capabilities=ANY)
    assert status == "CREATE_COMPLETE", stacks.why(stack, "It")
    assert look(shared_cloud, names()) == made
    status = stacks.update(stack, {**others, "It": second}, Capabilities=ANY)
    assert status == "UPDATE_COMPLETE", stacks.why(stack, "It")
    last = names()
    assert changed is None or look(shared_cloud, last) == changed
    identity = stacks.look(stack)["StackId"]
    assert stacks.delete(stack) == "DELETE_COMPLETE", stacks.events(identity)
    with pytest.raises(ClientError):
        look(shared_cloud, last)


def test_every_type_is_tried() -> None:
    further = {"PairOfKeys", "RotatedKey", "SealedLogGroup"}  # another case of a type that has one
    assert {name.rsplit("::", 1)[1] for name in PROVIDERS} == {one[0] for one in CASES} - further | {"Instance"}


@pytest.mark.parametrize(
    ("resource", "named"),
    [
        (topic(FifoTopic=True), "The property FifoTopic of AWS::SNS::Topic"),
        (
            bucket(AccelerateConfiguration={"AccelerationStatus": "Enabled"}),
            "The property AccelerateConfiguration of AWS",
        ),
        (of("IAM::User", LoginProfile={"Password": "secret"}), "The property LoginProfile of AWS::IAM::User"),
        (of("SSM::Parameter", Type="String", Value="v", Policies="[]"), "The property Policies of AWS::SSM::Parameter"),
    ],
)
def test_a_property_that_is_not_simulated_is_said_at_once(shared_cloud: Any, resource: Any, named: str) -> None:
    stacks = Stacks(shared_cloud)
    request = {"StackName": "lacking", "TemplateBody": text({"It": resource}), "Capabilities": ANY}
    code, message = refused(stacks.client.create_stack, **request)
    assert (code, named in message) == ("ValidationError", True), message
    assert "not simulated by this lab yet" in message
    assert not stacks.there("lacking")


def test_a_property_that_comes_to_no_value_is_not_asked_for(shared_cloud: Any) -> None:
    nothing = {"Fn::If": ["Yes", {"Ref": "AWS::NoValue"}, True]}
    sections = {"Conditions": {"Yes": {"Fn::Equals": ["a", "a"]}}}
    assert Stacks(shared_cloud).create("no-value", {"It": topic(FifoTopic=nothing)}, sections) == "CREATE_COMPLETE"


def test_what_the_service_has_not_is_the_resources_failure(shared_cloud: Any) -> None:
    stacks = Stacks(shared_cloud)
    key = of("KMS::Key", KeySpec="SM2", KeyUsage="SIGN_VERIFY")
    assert stacks.create("lacks", {"It": key}) == "ROLLBACK_COMPLETE"
    assert "the spec SM2" in stacks.why("lacks", "It")
    assert "not simulated by this lab yet" in stacks.why("lacks", "It")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (of("KMS::Key"), of("KMS::Key", KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")),
        (of("KMS::Key"), of("KMS::Key", Origin="EXTERNAL")),
    ],
)
def test_a_change_that_cannot_be_made_is_taken_back(shared_cloud: Any, first: Any, second: Any) -> None:
    stacks, stack = Stacks(shared_cloud), f"back-{len(second['Properties'])}"
    assert stacks.create(stack, {"It": first}, Capabilities=ANY) == "CREATE_COMPLETE"
    assert stacks.update(stack, {"It": second}, Capabilities=ANY) == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.resources(stack)["It"]["ResourceStatus"] == "UPDATE_COMPLETE"


def test_providers_take_properties_that_aws_has() -> None:
    for name, provider in PROVIDERS.items():
        assert set(provider.takes or ()) <= set(schemas.of(name)["properties"]), name
        assert set(provider.anew) <= set(provider.takes or ()), name


def test_scalars_become_what_the_schema_has(shared_cloud: Any) -> None:
    stacks = Stacks(shared_cloud)
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), "true")
    resources = {
        "B": bucket(PublicAccessBlockConfiguration=block),
        "L": of("Logs::LogGroup", RetentionInDays="7"),
        "P": parameter(8080),
    }
    assert stacks.create("scalars", resources) == "CREATE_COMPLETE", stacks.events("scalars")
    s3, who = shared_cloud.client("s3"), {"Bucket": stacks.physical("scalars", "B")}
    assert s3.get_public_access_block(**who)["PublicAccessBlockConfiguration"]["BlockPublicAcls"] is True
    value = shared_cloud.client("ssm").get_parameter(Name=stacks.physical("scalars", "P"))["Parameter"]["Value"]
    assert value == "8080"


def test_an_instance_changes_its_type_while_it_is_stopped(cloud: Any) -> None:
    stacks, ec2 = Stacks(cloud), cloud.client("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    small = of("EC2::Instance", ImageId=image, InstanceType="t3.micro", SecurityGroupIds=[{"Ref": "G"}])
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    sections = {"Parameters": {"G": {"Type": "AWS::EC2::SecurityGroup::Id", "Default": group}}}
    assert stacks.create("vm", {"It": small}, sections) == "CREATE_COMPLETE", stacks.why("vm", "It")
    name = stacks.physical("vm", "It")
    script = base64.b64encode(b"#!/bin/sh\n").decode()
    large = {**small["Properties"], "InstanceType": "t3.large", "UserData": script, "DisableApiTermination": "true"}
    assert stacks.update("vm", {"It": of("EC2::Instance", **large)}, sections) == "UPDATE_COMPLETE"
    assert stacks.physical("vm", "It") == name
    found = ec2.describe_instances(InstanceIds=[name])["Reservations"][0]["Instances"][0]
    assert (found["InstanceType"], found["State"]["Name"]) == ("t3.large", "running")
    data = ec2.describe_instance_attribute(InstanceId=name, Attribute="userData")["UserData"]["Value"]
    assert data == script
    assert stacks.delete("vm") == "DELETE_FAILED"
    assert "may not be terminated" in stacks.why("vm", "It")


@pytest.fixture
def shop_template() -> str:
    return (Path(shop.__path__[0]) / "template.yml").read_text()


def test_the_shops_stack_comes_up(cloud: Any, shop_template: str) -> None:
    stacks = Stacks(cloud)
    image = cloud.client("ec2").describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0000"
    params = listed(ImageId=image, ArtifactBucket="shop-artifacts", ArtifactKeyArn=key)
    stacks.client.create_stack(
        StackName="shop", TemplateBody=shop_template, Parameters=params, Capabilities=["CAPABILITY_IAM"]
    )
    assert stacks.end("shop") == "CREATE_COMPLETE"
    instance = stacks.outputs("shop")["InstanceId"]
    ec2 = cloud.client("ec2")
    found = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert found["State"]["Name"] == "running"
    tags = {one["Key"]: one["Value"] for one in found["Tags"]}
    (stack,) = stacks.client.describe_stacks(StackName="shop")["Stacks"]
    marks = {"logical-id": "Instance", "stack-id": stack["StackId"], "stack-name": "shop"}
    assert tags == {
        "Name": "shop-instance", "app": "shop", **{f"aws:cloudformation:{key}": value for key, value in marks.items()}
    }  # fmt: skip
    taken = [{"Key": "aws:cloudformation:stack-name", "Value": "other"}]
    for change in (ec2.create_tags, ec2.delete_tags):
        assert code_of(change, Resources=[instance], Tags=taken) == "InvalidParameterValue"
    ec2.delete_tags(Resources=[instance])
    left = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["Tags"]
    assert {one["Key"].rpartition(":")[2] for one in left} == set(marks)
    changed = [*params, *listed(AppName="store")]
    stacks.client.update_stack(
        StackName="shop", UsePreviousTemplate=True, Parameters=changed, Capabilities=["CAPABILITY_IAM"]
    )
    assert stacks.end("shop") == "UPDATE_COMPLETE"
    assert stacks.outputs("shop")["InstanceId"] == instance
    now = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["Tags"]
    assert {"Key": "app", "Value": "store"} in now
    assert stacks.delete("shop") == "DELETE_COMPLETE"
    assert refused(cloud.client("iam").get_role, RoleName="shop-InstanceRole")[0] == "NoSuchEntity"
    state = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["State"]["Name"]
    assert state == "terminated"
