"""Who may launch and stop instances: every permission that a launch asks for, and what policies see of it."""

from typing import Any

import pytest
from deploying import trust
from ec2_help import TAGS, launch
from services_help import code_of, may, person, refused

LAUNCH = may("ec2:RunInstances")
HERE = "arn:aws:ec2:us-east-1:123456789012"


@pytest.fixture(scope="module")
def profile(shared_cloud: Any) -> str:
    iam = shared_cloud.client("iam")
    iam.create_role(RoleName="host", AssumeRolePolicyDocument=trust("ec2"))
    iam.create_instance_profile(InstanceProfileName="host")
    iam.add_role_to_instance_profile(InstanceProfileName="host", RoleName="host")
    return "host"


@pytest.mark.parametrize(
    ("name", "statements", "params", "missing"),
    [
        ("nobody", [], {}, "ec2:RunInstances"),
        ("some", [may("ec2:RunInstances", resource=f"{HERE}:instance/*")], {}, "ec2:RunInstances"),
        ("tagger", [LAUNCH], {"TagSpecifications": [{"ResourceType": "instance", "Tags": TAGS}]}, "ec2:CreateTags"),
        ("passer", [LAUNCH], {"IamInstanceProfile": {"Name": "host"}}, "iam:PassRole"),
        (
            "small",
            [may("ec2:RunInstances", StringEquals={"ec2:InstanceType": "t3.micro"})],
            {"InstanceType": "m5.large"},
            "ec2:RunInstances",
        ),
    ],
)
def test_launching_asks_for_every_permission(
    shared_cloud: Any, image: str, profile: str, name: str, statements: list[Any], params: dict[str, Any], missing: str
) -> None:
    ec2 = person(shared_cloud, name, *statements)("ec2")
    code, message = refused(ec2.run_instances, ImageId=image, MinCount=1, MaxCount=1, **params)
    assert code == "UnauthorizedOperation"
    assert message.startswith("You are not authorized to perform this operation. User: ")
    assert missing in message


def test_launching_with_just_enough(shared_cloud: Any, image: str, profile: str) -> None:
    kinds = ("instance", "network-interface", "security-group", "subnet", "volume")
    statements = [
        may("ec2:RunInstances", resource=["arn:aws:ec2:us-east-1::image/*", *(f"{HERE}:{kind}/*" for kind in kinds)]),
        may(
            "ec2:CreateTags",
            resource=f"{HERE}:instance/*",
            StringEquals={"ec2:CreateAction": "RunInstances", "aws:RequestTag/app": "shop"},
        ),
        may(
            "iam:PassRole",
            resource="arn:aws:iam::123456789012:role/host",
            StringEquals={"iam:PassedToService": "ec2.amazonaws.com"},
        ),
    ]
    ec2 = person(shared_cloud, "enough", *statements)("ec2")
    params = {"ImageId": image, "MinCount": 1, "MaxCount": 1, "IamInstanceProfile": {"Name": profile}}
    made = ec2.run_instances(**params, TagSpecifications=[{"ResourceType": "instance", "Tags": TAGS}])
    shared_cloud.settle("ec2")
    name = made["Instances"][0]["InstanceId"]
    assert code_of(ec2.create_tags, Resources=[name], Tags=TAGS) == "UnauthorizedOperation", "it exists already"
    other = [{"ResourceType": "instance", "Tags": [{"Key": "app", "Value": "bank"}]}]
    assert code_of(ec2.run_instances, **params, TagSpecifications=other) == "UnauthorizedOperation"


def test_policies_see_an_instances_tags(shared_cloud: Any, image: str, pair: list[str]) -> None:
    condition = {"StringEquals": {"ec2:ResourceTag/app": "shop"}}
    ec2 = person(shared_cloud, "own", may("ec2:StopInstances", "ec2:StartInstances", **condition))("ec2")
    ec2.stop_instances(InstanceIds=pair[:1])
    shared_cloud.settle("ec2")
    ec2.start_instances(InstanceIds=pair[:1])
    shared_cloud.settle("ec2")
    (other,) = launch(shared_cloud, image)
    assert code_of(ec2.stop_instances, InstanceIds=[pair[0], other["InstanceId"]]) == "UnauthorizedOperation"
    assert code_of(ec2.stop_instances, InstanceIds=["i-00000000"]) == "UnauthorizedOperation", "it is told nothing"
