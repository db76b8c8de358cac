"""Instances: launched, described, tagged, stopped, started, terminated."""

import asyncio
import base64
import json
from typing import Any

import pytest
from deploying import policy
from ec2_help import described, launch, state
from services_help import code_of, refused

from labsupport.cloud.services.ec2 import filters


def test_a_new_instance_is_pending_and_then_runs(shared_cloud: Any, ec2: Any, image: str) -> None:
    (made,) = launch(shared_cloud, image)
    assert made["State"] == {"Code": 0, "Name": "pending"}
    (found,) = described(ec2, InstanceIds=[made["InstanceId"]])
    assert found["State"] == {"Code": 16, "Name": "running"}
    assert found["PrivateIpAddress"].startswith("127.")
    assert found["PrivateDnsName"] == f"ip-{found['PrivateIpAddress'].replace('.', '-')}.ec2.internal"
    assert found["Placement"]["AvailabilityZone"] == "us-east-1a"
    assert found["MetadataOptions"]["HttpTokens"] == "required"
    assert (shared_cloud.home / "instances" / made["InstanceId"]).stat().st_mode & 0o777 == 0o700
    ec2.get_waiter("instance_running").wait(InstanceIds=[made["InstanceId"]])
    ec2.get_waiter("instance_status_ok").wait(InstanceIds=[made["InstanceId"]])


def test_instances_of_one_reservation_have_addresses_of_their_own(ec2: Any, pair: list[str]) -> None:
    found = described(ec2, InstanceIds=pair)
    assert sorted(one["AmiLaunchIndex"] for one in found) == [0, 1]
    assert len({one["PrivateIpAddress"] for one in found}) == 2
    answer = ec2.describe_instances(InstanceIds=pair)["Reservations"]
    assert len(answer) == 1
    assert answer[0]["OwnerId"] == "123456789012"


@pytest.mark.parametrize(
    ("name", "values", "matches"),
    [
        ("tag:app", ["shop"], True),
        ("tag:app", ["other", "sh*"], True),
        ("tag:app", ["shop?"], False),
        ("tag:none", ["*"], False),
        ("tag-key", ["app"], True),
        ("tag-value", ["shop"], True),
        ("instance-state-name", ["running"], True),
        ("instance-state-name", ["stopped"], False),
        ("instance-state-code", ["16"], True),
        ("instance-type", ["t3.*"], True),
        ("availability-zone", ["us-east-1a"], True),
        ("private-ip-address", ["127.*"], True),
        ("iam-instance-profile.arn", ["*"], False),
    ],
)
def test_filters(ec2: Any, pair: list[str], name: str, values: list[str], matches: bool) -> None:
    given = [{"Name": name, "Values": values}, {"Name": "instance-id", "Values": pair}]
    assert len(described(ec2, Filters=given)) == (2 if matches else 0)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("a*c", "abbc", True),
        ("a?c", "abbc", False),
        ("a\\*c", "a*c", True),
        ("a\\*c", "abc", False),
        ("a.c", "abc", False),
    ],
)
def test_patterns_of_filters(pattern: str, text: str, fits: bool) -> None:
    assert bool(filters._pattern(pattern).fullmatch(text)) == fits


def test_pages_of_instances(shared_cloud: Any, ec2: Any, image: str) -> None:
    launch(
        shared_cloud, image, 6, TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "p", "Value": "1"}]}]
    )
    given = [{"Name": "tag:p", "Values": ["1"]}]
    first = ec2.describe_instances(Filters=given, MaxResults=5)
    assert sum(len(one["Instances"]) for one in first["Reservations"]) == 5
    assert len({one["InstanceId"] for one in described(ec2, Filters=given, PaginationConfig={"PageSize": 5})}) == 6
    assert code_of(ec2.describe_instances, NextToken="garbage") == "InvalidNextToken"
    assert code_of(ec2.describe_instances, MaxResults=4) == "InvalidParameterValue"
    assert code_of(ec2.describe_instances, MaxResults=5, InstanceIds=["i-1"]) == "InvalidParameterCombination"
    ec2.terminate_instances(InstanceIds=[one["InstanceId"] for one in described(ec2, Filters=given)])
    shared_cloud.settle("ec2")


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"ImageId": "ami-0123456789abcdef0"}, "InvalidAMIID.NotFound", "'[ami-0123456789abcdef0]' does not exist"),
        ({"ImageId": "debian"}, "InvalidAMIID.Malformed", 'Invalid id: "debian" (expecting "ami-...")'),
        ({"MinCount": 0}, "InvalidParameterValue", "Value (0) for parameter minCount is invalid"),
        ({"MinCount": 2}, "InvalidParameterValue", "Value (1) for parameter maxCount is invalid"),
        ({"MinCount": 99, "MaxCount": 99}, "InstanceLimitExceeded", "more instances (99)"),
        ({"InstanceType": "x9.huge"}, "InvalidParameterValue", "x9.huge"),
        ({"IamInstanceProfile": {"Name": "none"}}, "InvalidParameterValue", "Invalid IAM Instance Profile name"),
        (
            {"IamInstanceProfile": {"Arn": "arn:aws:iam::123456789012:instance-profile/none"}},
            "InvalidParameterValue",
            "Invalid IAM Instance Profile ARN",
        ),
        ({"KeyName": "mine"}, "InvalidKeyPair.NotFound", "The key pair 'mine' does not exist"),
        ({"SubnetId": "subnet-1"}, "InvalidSubnetID.NotFound", "'subnet-1' does not exist"),
        ({"SecurityGroupIds": ["sg-1"]}, "InvalidGroup.NotFound", "The security group 'sg-1' does not exist"),
        ({"SecurityGroups": ["web"]}, "InvalidGroup.NotFound", "in default VPC"),
        ({"Placement": {"AvailabilityZone": "us-east-1z"}}, "InvalidParameterValue", "us-east-1z"),
        ({"UserData": "\x00" * 17_000}, "InvalidParameterValue", "limited to 16384 bytes"),
        ({"UserData": "#cloud-config"}, "NotSimulated", "User data that is no script"),
        ({"EnclaveOptions": {"Enabled": True}}, "NotSimulated", "RunInstances with EnclaveOptions"),
        (
            {"TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "aws:x", "Value": ""}]}]},
            "InvalidParameterValue",
            "reserved",
        ),
        (
            {"TagSpecifications": [{"ResourceType": "vpc", "Tags": [{"Key": "x", "Value": ""}]}]},
            "InvalidParameterValue",
            "'vpc' is not a valid taggable resource type",
        ),
        ({"DryRun": True}, "DryRunOperation", "Request would have succeeded, but DryRun flag is set."),
    ],
)
def test_what_cannot_be_launched(ec2: Any, image: str, change: dict[str, Any], code: str, message: str) -> None:
    before = len(described(ec2))
    found = refused(ec2.run_instances, **{"ImageId": image, "MinCount": 1, "MaxCount": 1, **change})
    assert found[0] == code
    assert message in found[1]
    assert len(described(ec2)) == before


def test_a_client_token_launches_once(shared_cloud: Any, ec2: Any, image: str) -> None:
    first = launch(shared_cloud, image, ClientToken="once")
    again = launch(shared_cloud, image, ClientToken="once")
    assert [one["InstanceId"] for one in again] == [one["InstanceId"] for one in first]
    code = code_of(ec2.run_instances, ImageId=image, MinCount=2, MaxCount=2, ClientToken="once")
    assert code == "IdempotentParameterMismatch"


def test_user_data_runs_at_the_first_boot_only(shared_cloud: Any, ec2: Any, image: str) -> None:
    script = '#!/bin/bash\necho "hello from $INSTANCE_ROOT"\necho run >> "$INSTANCE_ROOT/srv/runs"\n'
    (made,) = launch(shared_cloud, image, UserData=script)
    root = shared_cloud.home / "instances" / made["InstanceId"] / "root"
    settled(shared_cloud)
    assert (root / "var/log/cloud-init-output.log").read_text() == f"hello from {root}\n"
    ec2.reboot_instances(InstanceIds=[made["InstanceId"]])
    shared_cloud.settle("ec2")
    settled(shared_cloud)
    assert (root / "srv/runs").read_text() == "run\n"
    assert state(ec2, made["InstanceId"]) == "running"


def settled(cloud: Any) -> None:
    """Wait until the scripts of all boots have ended."""

    async def scripts(running: Any) -> None:
        if running.rooms["ec2"].scripts:
            await asyncio.wait(running.rooms["ec2"].scripts)

    cloud.on_loop(scripts)


def test_rc_local_runs_at_every_boot(shared_cloud: Any, ec2: Any, image: str) -> None:
    (made,) = launch(shared_cloud, image)
    root = shared_cloud.home / "instances" / made["InstanceId"] / "root"
    local = root / "etc/rc.d/rc.local"
    local.write_text("#!/bin/sh\necho up\n")
    local.chmod(0o755)
    for _ in range(2):
        ec2.reboot_instances(InstanceIds=[made["InstanceId"]])
        shared_cloud.settle("ec2")
        settled(shared_cloud)
    assert (root / "var/log/rc.local.log").read_text() == "up\nup\n"


def test_stop_start_terminate(shared_cloud: Any, ec2: Any, image: str) -> None:
    (made,) = launch(shared_cloud, image)
    name = made["InstanceId"]
    change = ec2.stop_instances(InstanceIds=[name])["StoppingInstances"][0]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("running", "stopping")
    shared_cloud.settle("ec2")
    (stopped,) = described(ec2, InstanceIds=[name])
    assert stopped["State"]["Name"] == "stopped"
    assert stopped["StateReason"]["Code"] == "Client.UserInitiatedShutdown"
    assert stopped["StateTransitionReason"].startswith("User initiated (")
    assert stopped["PrivateIpAddress"] == made["PrivateIpAddress"]
    assert "PublicIpAddress" not in stopped
    assert code_of(ec2.reboot_instances, InstanceIds=[name]) == "IncorrectInstanceState"
    assert ec2.start_instances(InstanceIds=[name])["StartingInstances"][0]["CurrentState"]["Name"] == "pending"
    shared_cloud.settle("ec2")
    assert state(ec2, name) == "running"
    gone = ec2.terminate_instances(InstanceIds=[name, name])["TerminatingInstances"]
    assert [one["CurrentState"]["Name"] for one in gone] == ["shutting-down"]
    shared_cloud.settle("ec2")
    (terminated,) = described(ec2, InstanceIds=[name])
    assert terminated["State"]["Name"] == "terminated"
    assert "PrivateIpAddress" not in terminated
    assert not (shared_cloud.home / "instances" / name).exists()
    assert ec2.terminate_instances(InstanceIds=[name])["TerminatingInstances"][0]["CurrentState"]["Code"] == 48
    assert code_of(ec2.start_instances, InstanceIds=[name]) == "IncorrectInstanceState"
    assert code_of(ec2.stop_instances, InstanceIds=[name]) == "IncorrectInstanceState"


def test_a_protected_instance_is_not_terminated(shared_cloud: Any, ec2: Any, image: str) -> None:
    (made,) = launch(shared_cloud, image, DisableApiTermination=True)
    name = made["InstanceId"]
    code, message = refused(ec2.terminate_instances, InstanceIds=[name])
    assert code == "OperationNotPermitted"
    assert "disableApiTermination" in message
    ec2.modify_instance_attribute(InstanceId=name, DisableApiTermination={"Value": False})
    answer = ec2.describe_instance_attribute(InstanceId=name, Attribute="disableApiTermination")
    assert answer["DisableApiTermination"] == {"Value": False}
    ec2.terminate_instances(InstanceIds=[name])


def test_attributes_of_a_stopped_instance_can_be_changed(shared_cloud: Any, ec2: Any, image: str) -> None:
    (made,) = launch(shared_cloud, image, InstanceType="t3.micro")
    name = made["InstanceId"]
    larger = {"InstanceId": name, "InstanceType": {"Value": "t3.small"}}
    assert code_of(ec2.modify_instance_attribute, **larger) == "IncorrectInstanceState"
    ec2.stop_instances(InstanceIds=[name])
    shared_cloud.settle("ec2")
    ec2.modify_instance_attribute(**larger)
    ec2.modify_instance_attribute(InstanceId=name, UserData={"Value": b"#!/bin/sh\n"})
    ec2.modify_instance_attribute(InstanceId=name, Attribute="disableApiTermination", Value="true")
    assert described(ec2, InstanceIds=[name])[0]["InstanceType"] == "t3.small"
    answer = ec2.describe_instance_attribute(InstanceId=name, Attribute="userData")
    assert base64.b64decode(answer["UserData"]["Value"]) == b"#!/bin/sh\n"
    assert code_of(ec2.terminate_instances, InstanceIds=[name]) == "OperationNotPermitted"
    both = {**larger, "DisableApiTermination": {"Value": False}}
    assert code_of(ec2.modify_instance_attribute, **both) == "InvalidParameterCombination"
    assert code_of(ec2.modify_instance_attribute, InstanceId=name, EnaSupport={"Value": True}) == "NotSimulated"
    assert code_of(ec2.describe_instance_attribute, InstanceId=name, Attribute="kernel") == "NotSimulated"


@pytest.mark.parametrize(
    ("names", "code", "message"),
    [
        (["i-0123456789abcdef0"], "InvalidInstanceID.NotFound", "The instance ID 'i-0123456789abcdef0' does not exist"),
        (["i-00000001", "i-00000002"], "InvalidInstanceID.NotFound", "IDs 'i-00000001, i-00000002' do not exist"),
        (["web"], "InvalidInstanceID.Malformed", 'Invalid id: "web"'),
    ],
)
@pytest.mark.parametrize(
    "operation", ["describe_instances", "terminate_instances", "stop_instances", "start_instances", "reboot_instances"]
)
def test_instances_that_are_not_there(ec2: Any, operation: str, names: list[str], code: str, message: str) -> None:
    found = refused(getattr(ec2, operation), InstanceIds=names)
    assert found[0] == code
    assert message in found[1]


def test_tags_come_and_go(shared_cloud: Any, ec2: Any, image: str) -> None:
    (made,) = launch(shared_cloud, image)
    name = made["InstanceId"]
    ec2.create_tags(Resources=[name], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    ec2.create_tags(Resources=[name], Tags=[{"Key": "b", "Value": "3"}])
    given = [{"Name": "resource-id", "Values": [name]}]
    found = ec2.describe_tags(Filters=given)["Tags"]
    assert [(one["Key"], one["Value"], one["ResourceType"]) for one in found] == [
        ("a", "1", "instance"),
        ("b", "3", "instance"),
    ]
    ec2.delete_tags(Resources=[name], Tags=[{"Key": "a", "Value": "other"}])
    assert len(ec2.describe_tags(Filters=given)["Tags"]) == 2
    ec2.delete_tags(Resources=[name], Tags=[{"Key": "a"}])
    assert [one["Key"] for one in ec2.describe_tags(Filters=given)["Tags"]] == ["b"]
    ec2.delete_tags(Resources=[name])
    assert ec2.describe_tags(Filters=given)["Tags"] == []
    many = [{"Key": str(number), "Value": ""} for number in range(51)]
    assert code_of(ec2.create_tags, Resources=[name], Tags=many) == "TagLimitExceeded"
    assert code_of(ec2.create_tags, Resources=["i-00000000"], Tags=many) == "InvalidInstanceID.NotFound"
    assert code_of(ec2.create_tags, Resources=["nothing"], Tags=many) == "InvalidID"
    assert code_of(ec2.create_tags, Resources=["vpc-0"], Tags=many) == "NotSimulated"


def test_status_of_running_instances_only_unless_asked(
    shared_cloud: Any, ec2: Any, image: str, pair: list[str]
) -> None:
    (made,) = launch(shared_cloud, image)
    ec2.stop_instances(InstanceIds=[made["InstanceId"]])
    shared_cloud.settle("ec2")
    names = [*pair, made["InstanceId"]]
    assert len(ec2.describe_instance_status(InstanceIds=names)["InstanceStatuses"]) == 2
    every = ec2.describe_instance_status(InstanceIds=names, IncludeAllInstances=True)["InstanceStatuses"]
    assert {one["InstanceStatus"]["Status"] for one in every} == {"ok", "not-applicable"}


def test_where_instances_can_be(ec2: Any) -> None:
    assert "us-east-1" in [one["RegionName"] for one in ec2.describe_regions()["Regions"]]
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    assert (zones[0]["ZoneName"], zones[0]["ZoneId"]) == ("us-east-1a", "use1-az1")
    (network,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [network["VpcId"]]}])["Subnets"]
    assert {one["AvailabilityZone"] for one in subnets} == {one["ZoneName"] for one in zones}
    (group,) = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"]
    assert group["VpcId"] == network["VpcId"]
    (association,) = network["CidrBlockAssociationSet"]
    assert (association["CidrBlock"], association["CidrBlockState"]) == (network["CidrBlock"], {"State": "associated"})
    assert not any(one["AssignIpv6AddressOnCreation"] or one["Ipv6CidrBlockAssociationSet"] for one in subnets)
    for rule in group["IpPermissions"] + group["IpPermissionsEgress"]:
        assert rule["Ipv6Ranges"] == rule["PrefixListIds"] == []
        assert len(rule["IpRanges"]) + len(rule["UserIdGroupPairs"]) == 1
    assert code_of(ec2.describe_vpcs, VpcIds=["vpc-1"]) == "InvalidVpcID.NotFound"
    assert code_of(ec2.describe_vpcs, Filters=[{"Name": "colour", "Values": ["red"]}]) == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("region", "zone"), [("eu-central-1", "euc1-az1"), ("ap-southeast-2", "apse2-az1"), ("us-west-2", "usw2-az1")]
)
def test_zone_ids_of_other_regions(shared_cloud: Any, region: str, zone: str) -> None:
    there = shared_cloud.client("ec2", region_name=region)
    assert there.describe_availability_zones()["AvailabilityZones"][0]["ZoneId"] == zone


def test_images(shared_cloud: Any, ec2: Any, image: str) -> None:
    (found,) = ec2.describe_images(ImageIds=[image])["Images"]
    assert found["Name"].startswith("al2023-ami-")
    given = [{"Name": "name", "Values": ["amzn2-ami-*"]}, {"Name": "state", "Values": ["available"]}]
    assert len(ec2.describe_images(Owners=["amazon"], Filters=given)["Images"]) == 1
    assert ec2.describe_images(Owners=["self"])["Images"] == []
    there = shared_cloud.client("ec2", region_name="eu-west-1").describe_images()["Images"]
    assert image not in [one["ImageId"] for one in there], "an image has another id in another region"
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    assert shared_cloud.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == image


def test_another_account_and_another_region_see_nothing(shared_cloud: Any, pair: list[str]) -> None:
    assert described(shared_cloud.client("ec2", "second")) == []
    assert described(shared_cloud.client("ec2", region_name="eu-west-1")) == []
    assert (
        code_of(shared_cloud.client("ec2", "second").terminate_instances, InstanceIds=pair)
        == "InvalidInstanceID.NotFound"
    )


def test_every_change_of_state_is_published(shared_cloud: Any, ec2: Any, image: str) -> None:
    shared_cloud.client("logs").create_log_group(logGroupName="/aws/events/ec2")
    events = shared_cloud.client("events")
    events.put_rule(Name="ec2", EventPattern='{"detail-type": ["EC2 Instance State-change Notification"]}')
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/events/ec2"
    events.put_targets(Rule="ec2", Targets=[{"Id": "log", "Arn": arn}])
    statement = policy(["logs:CreateLogStream", "logs:PutLogEvents"]).replace(
        '"Effect"', '"Principal": {"Service": ["events.amazonaws.com", "delivery.logs.amazonaws.com"]}, "Effect"'
    )
    shared_cloud.client("logs").put_resource_policy(policyName="events", policyDocument=statement)
    (made,) = launch(shared_cloud, image)
    ec2.terminate_instances(InstanceIds=[made["InstanceId"]])
    shared_cloud.settle("ec2")
    shared_cloud.settle("events")
    found = shared_cloud.client("logs").filter_log_events(logGroupName="/aws/events/ec2")["events"]
    seen = [json.loads(one["message"]) for one in found]
    mine = [one for one in seen if one["detail"]["instance-id"] == made["InstanceId"]]
    assert {one["detail"]["state"] for one in mine} == {"pending", "running", "shutting-down", "terminated"}
    assert mine[0]["resources"] == [f"arn:aws:ec2:us-east-1:123456789012:instance/{made['InstanceId']}"]


def test_user_data_that_is_no_base_64(shared_cloud: Any, image: str) -> None:
    client = shared_cloud.own_client("ec2")
    client.meta.events.unregister("before-parameter-build.ec2.RunInstances")
    encoded = base64.b64encode(b"#!/bin/sh\n").decode()

    def damage(params: dict[str, Any], **_: Any) -> None:
        params["body"]["UserData"] = encoded[:-3] + "!"

    client.meta.events.register("before-call.ec2.RunInstances", damage)
    code = code_of(client.run_instances, ImageId=image, MinCount=1, MaxCount=1, UserData="#!/bin/sh\n")
    assert code == "InvalidUserData.Malformed"
