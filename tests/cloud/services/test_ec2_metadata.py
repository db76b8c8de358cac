"""The instance metadata service: tokens, the tree, and the role's credentials, which boto3 finds by itself."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

import pytest
from deploying import policy, trust

from labsupport.cloud.services.ec2 import machine
from labsupport.cloud.services.ec2.base import Instance

TTL = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN = "X-aws-ec2-metadata-token"


class Imds:
    """What a process on an instance sees at its metadata endpoint."""

    def __init__(self, cloud: Any, **launch: Any) -> None:
        ec2 = cloud.client("ec2")
        image = ec2.describe_images()["Images"][0]["ImageId"]
        self.instance = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, **launch)["Instances"][0]
        cloud.settle("ec2")
        self.cloud = cloud
        self.id = self.instance["InstanceId"]
        self.endpoint = cloud.on_loop(self._endpoint)

    def _endpoint(self, cloud: Any) -> str:
        record = cloud.store.get(Instance, "123456789012", "us-east-1", self.id)
        return machine.environment(cloud, record)["AWS_EC2_METADATA_SERVICE_ENDPOINT"]

    def ask(self, method: str, path: str, **headers: str) -> tuple[int, str]:
        request = urllib.request.Request(self.endpoint + path, method=method)
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def token(self, seconds: str = "60") -> str:
        status, token = self.ask("PUT", "latest/api/token", **{TTL: seconds})
        assert status == 200, token
        return token

    def get(self, path: str) -> str:
        status, text = self.ask("GET", path, **{TOKEN: self.token()})
        assert status == 200, f"{path}: {status} {text}"
        return text


@pytest.fixture(scope="module")
def host(shared_cloud: Any) -> Imds:
    iam = shared_cloud.client("iam")
    iam.create_role(RoleName="host", AssumeRolePolicyDocument=trust("ec2"))
    iam.create_instance_profile(InstanceProfileName="web")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="host")
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "a web server"}]}]
    options = {"InstanceMetadataTags": "enabled"}
    return Imds(
        shared_cloud,
        IamInstanceProfile={"Name": "web"},
        TagSpecifications=tags,
        MetadataOptions=options,
        InstanceType="t3.micro",
        UserData="#!/bin/sh\ntrue\n",
    )


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("instance-id", "InstanceId"),
        ("ami-id", "ImageId"),
        ("instance-type", "InstanceType"),
        ("local-ipv4", "PrivateIpAddress"),
        ("local-hostname", "PrivateDnsName"),
    ],
)
def test_the_instance_about_itself(host: Imds, path: str, field: str) -> None:
    assert host.get(f"latest/meta-data/{path}") == host.instance[field]


def test_the_tree_can_be_walked(host: Imds) -> None:
    assert {"meta-data/", "dynamic/", "user-data"} <= set(host.get("latest/").split("\n"))
    assert {"ami-id", "iam/", "placement/", "tags/"} <= set(host.get("latest/meta-data/").split("\n"))
    assert host.get("latest/meta-data/placement/region") == "us-east-1"
    assert host.get("2021-07-15/meta-data/placement/availability-zone") == "us-east-1a"
    assert host.get("latest/meta-data/tags/instance/Name") == "a web server"
    assert host.get("latest/user-data") == "#!/bin/sh\ntrue\n"
    document = json.loads(host.get("latest/dynamic/instance-identity/document"))
    assert (document["accountId"], document["instanceId"]) == ("123456789012", host.id)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "latest/meta-data/ami-id", {}, 401),
        ("GET", "latest/meta-data/ami-id", {TOKEN: "bm90aGluZw=="}, 401),
        ("GET", "latest/meta-data/ami-id", {TOKEN: "!"}, 401),
        ("PUT", "latest/api/token", {}, 400),
        ("PUT", "latest/api/token", {TTL: "0"}, 400),
        ("PUT", "latest/api/token", {TTL: "21601"}, 400),
        ("PUT", "latest/api/token", {TTL: "x"}, 400),
        ("PUT", "latest/api/token", {TTL: "60", "X-Forwarded-For": "10.0.0.1"}, 403),
        ("GET", "latest/api/token", {}, 405),
        ("POST", "latest/meta-data/ami-id", {}, 405),
        ("GET", "other/", {}, 404),
        ("GET", "", {}, 404),
    ],
)
def test_what_is_refused(host: Imds, method: str, path: str, headers: dict[str, str], status: int) -> None:
    assert host.ask(method, path, **headers)[0] == status


def test_nothing_at_a_path_that_is_not_there(host: Imds) -> None:
    assert host.ask("GET", "latest/meta-data/nothing", **{TOKEN: host.token()})[0] == 404


def test_a_token_is_good_for_its_time_and_its_instance(start_cloud: Any) -> None:
    cloud = start_cloud()
    one, two = Imds(cloud), Imds(cloud)
    token = one.token("60")
    assert one.ask("GET", "latest/meta-data/ami-id", **{TOKEN: token})[0] == 200
    assert two.ask("GET", "latest/meta-data/ami-id", **{TOKEN: token})[0] == 401
    cloud.advance(61)
    assert one.ask("GET", "latest/meta-data/ami-id", **{TOKEN: token})[0] == 401


def test_without_a_profile_there_are_no_credentials(shared_cloud: Any) -> None:
    plain = Imds(shared_cloud)
    assert plain.ask("GET", "latest/meta-data/iam/", **{TOKEN: plain.token()})[0] == 404


def test_version_1_where_it_is_allowed_and_no_service_where_it_is_off(shared_cloud: Any) -> None:
    old = Imds(shared_cloud, MetadataOptions={"HttpTokens": "optional"})
    assert old.ask("GET", "latest/meta-data/instance-id") == (200, old.id)
    off = Imds(shared_cloud, MetadataOptions={"HttpEndpoint": "disabled"})
    assert off.ask("PUT", "latest/api/token", **{TTL: "60"})[0] == 403


def test_a_terminated_instance_has_no_metadata(shared_cloud: Any) -> None:
    gone = Imds(shared_cloud)
    shared_cloud.client("ec2").terminate_instances(InstanceIds=[gone.id])
    shared_cloud.settle("ec2")
    assert gone.ask("PUT", "latest/api/token", **{TTL: "60"})[0] == 404


def test_the_roles_session_is_kept_until_it_is_nearly_over(start_cloud: Any) -> None:
    cloud = start_cloud()
    iam = cloud.client("iam")
    iam.create_role(RoleName="host", AssumeRolePolicyDocument=trust("ec2"))
    iam.create_instance_profile(InstanceProfileName="web")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="host")
    host = Imds(cloud, IamInstanceProfile={"Name": "web"})
    path = "latest/meta-data/iam/security-credentials/"
    assert host.get(path) == "host"
    first = json.loads(host.get(path + "host"))
    assert (first["Code"], first["Type"]) == ("Success", "AWS-HMAC")
    assert json.loads(host.get(path + "host"))["AccessKeyId"] == first["AccessKeyId"]
    caller = cloud.client(
        "sts",
        credentials={**first, "SessionToken": first["Token"]},
    ).get_caller_identity()
    assert caller["Arn"] == f"arn:aws:sts::123456789012:assumed-role/host/{host.id}"
    cloud.advance(3400)
    assert json.loads(host.get(path + "host"))["AccessKeyId"] != first["AccessKeyId"]
    iam.update_assume_role_policy(RoleName="host", PolicyDocument=trust("lambda"))
    cloud.advance(3400)
    refused = json.loads(host.get(path + "host"))
    assert refused["Code"] == "AssumeRoleUnauthorizedAccess"
    assert refused["Message"].startswith("EC2 cannot assume the role host.")
    iam.remove_role_from_instance_profile(InstanceProfileName="web", RoleName="host")
    assert json.loads(host.get("latest/meta-data/iam/info"))["Code"] == "InstanceProfileNotFound"


def test_the_session_is_minted_as_the_trail_shows(host: Imds) -> None:
    host.get("latest/meta-data/iam/security-credentials/host")
    found = host.cloud.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "AssumeRole"}]
    )["Events"]
    events = [json.loads(one["CloudTrailEvent"]) for one in found]
    assert any(
        one["userIdentity"] == {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}
        and one["requestParameters"]["roleSessionName"] == host.id
        for one in events
    )


def test_boto3_finds_the_roles_credentials_by_itself(host: Imds) -> None:
    host.cloud.client("iam").put_role_policy(
        RoleName="host", PolicyName="own", PolicyDocument=policy(["ec2:DescribeRegions"])
    )
    program = (
        "import boto3\n"
        "print(boto3.client('sts').get_caller_identity()['Arn'])\n"
        "print(len(boto3.client('ec2').describe_regions()['Regions']) > 10)\n"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": host.endpoint,
        "AWS_ENDPOINT_URL": host.cloud.url,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == [f"arn:aws:sts::123456789012:assumed-role/host/{host.id}", "True"], done.stderr
