"""The condition keys of each operation, against AWS's Service Authorization Reference.

For each of them a policy that asks for the value that the call has allows it, and one that asks for another does not.
The calls are those of `access_rows`, taken as far as the decision."""

import base64
import json
import re
from typing import Any

import pytest
from access_rows import REFERENCE, ROWS
from lambda_help import function, role_for_functions
from pipeline_help import approval, declared, prepare, source
from services_help import ACCOUNT, may, person, policy, service_role

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Caller, User
from labsupport.cloud.gateway.authorise import authorise_call

SERVICES = ("codecommit", "sns", "sqs", "ssm", "logs", "events", "codebuild", "codedeploy", "codepipeline",
            "cloudformation", "ec2", "lambda")  # fmt: skip
HERE = f"us-east-1:{ACCOUNT}"
# Keys that no call here has, by how service, action and key read, and why.
LEFT_OUT = {
    "events:[A-Za-z]+ events:ManagedBy": "no service makes rules here",
    "events:(PutEvents|DescribeEventBus) aws:ResourceTag.*": "the default bus has no tags here",
    "codebuild:StartBuild codebuild:(source|environment)": "StartBuild overrides parts of it, never the whole",
    "ssm:[A-Za-z]+ ssm:(Document.*|resourceTag/(tag-key|aws:ssm.*))":
        "of documents and sessions, which are not simulated",
    "ec2:CreateTags ec2:.*": "of resources that have no tags here: all but instances",
    "ec2:[A-Za-z]+ ec2:(AvailabilityZoneId|ProductCode|CpuOptionsAmdSevSnp|InstanceBandwidthWeighting)":
        "EC2's hardware, which is not simulated",
    "ec2:[A-Za-z]+ ec2:(InstanceAutoRecovery|InstanceMarketType|ManagedResourceOperator|PlacementGroup.*)":
        "EC2's hardware and market, which are not simulated",
    "ec2:[A-Za-z]+ ec2:(Volume.*|Encrypted|ParentSnapshot|ParentVolume|Snapshot.*)": "volumes are not simulated",
    "ec2:RunInstances ec2:(AssociatePublicIpAddress|AuthorizedService|ElasticGpuType|NetworkInterfaceID)":
        "options of RunInstances that are not simulated",
    "ec2:RunInstances ec2:(IsLaunchTemplateResource|LaunchTemplate|KeyPair.*)":
        "options of RunInstances that are not simulated",
    "ec2:RunInstances (aws|ec2):ResourceTag.*": "what it makes has no tags yet, and the rest has none here",
    "ec2:RunInstances ec2:InstanceID": "before it is made an instance has no id",
    "lambda:[A-Za-z]+ lambda:(Layer|SecurityGroupIds|SubnetIds|VpcIds|CodeSigningConfigArn)":
        "layers, networks and signatures of functions are not simulated",
    "lambda:[A-Za-z]+ lambda:(FunctionUrlAuthType|InvokedViaFunctionUrl|EventSourceToken)":
        "function URLs and event sources of others are not simulated",
    "ec2:ModifyInstanceAttribute ec2:(SecurityGroupID|Vpc)": "other security groups are not simulated",
}  # fmt: skip
# Where the tags of the resource are not to be seen: it is made by the call, or has to be there for the decision.
UNTAGGED = {
    "codebuild:(CreateProject|RetryBuild)": "made by the call; a build has to be there",
    "code[a-z]+:Create(Repository|Application|Pipeline)": "made by the call",
    "(sns:CreateTopic|sqs:CreateQueue)": "made by the call",
    "lambda:CreateFunction": "made by the call",
    "codedeploy:(Get|BatchGet|List|Stop)Deployment[A-Za-z]*": "found by a deployment, which has to be there",
    "cloudformation:(CreateStack|ValidateTemplate)": "made by the call",
}


TAGGING = {
    "sns:TagResource",
    "lambda:TagResource",
    "sqs:TagQueue",
    "ssm:AddTagsToResource",
    "logs:TagResource",
    "events:TagResource",
    "ec2:CreateTags",
}


class Keyed:
    """Somebody whose one policy says under which condition, and whether a call is allowed by it."""

    def __init__(self, cloud: Any) -> None:
        self.cloud = cloud
        person(cloud, "keyed")
        user = cloud.on_loop(lambda running: running.store.get(User, ACCOUNT, "keyed"))
        self.caller = Caller("user", user.account, user.arn, user.id, user.name)

    def may(self, action: str, params: dict[str, Any], condition: dict[str, Any], resource: str = "*") -> bool:
        """With the condition on the resource's kind, and none on what else the call is about."""
        statements = [may(action, resource=resource, **condition), may("iam:PassRole", *sorted(TAGGING - {action}))]
        if resource != "*":
            statements.append({"Effect": "Allow", "Action": action, "NotResource": resource})
        document = policy(*statements)
        self.cloud.client("iam").put_user_policy(UserName="keyed", PolicyName="own", PolicyDocument=document)
        return bool(self.cloud.on_loop(lambda cloud: self._decided(cloud, action, params)))

    def _decided(self, cloud: Cloud, action: str, params: dict[str, Any]) -> bool:
        prefix = action.partition(":")[0]
        service = cloud.service(prefix)
        assert service is not None
        operation = next(one for one in service.operations.values() if action in (one.action, f"{prefix}:{one.name}"))
        call = Call(cloud, service, operation.name, self.caller, ACCOUNT, "us-east-1")
        try:
            authorise_call(call, operation, params)
        except AwsError as error:
            if "not authorized" in error.message or error.code == "UnauthorizedOperation":
                return False
            raise
        return True


@pytest.fixture(scope="module")
def keyed(shared_cloud: Any) -> Keyed:
    return Keyed(shared_cloud)


@pytest.fixture(scope="module", autouse=True)
def shared_function(shared_cloud: Any) -> None:
    """One with a permission, which RemovePermission looks at."""
    role_for_functions(shared_cloud, "shared-function")
    function(shared_cloud, "shared", role=f"arn:aws:iam::{ACCOUNT}:role/shared-function")
    shared_cloud.client("lambda").add_permission(
        FunctionName="shared", StatementId="own", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
    )


@pytest.fixture(scope="module")
def ids(shared_cloud: Any) -> dict[str, str]:
    """What the rows name, as this cloud has it: an instance, and its surroundings."""
    ec2, iam = shared_cloud.client("ec2"), shared_cloud.client("iam")
    service_role(shared_cloud, "machine", "ec2")
    profile = iam.create_instance_profile(InstanceProfileName="machine")["InstanceProfile"]["Arn"]
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    (made,) = ec2.run_instances(
        ImageId=image, MinCount=1, MaxCount=1, IamInstanceProfile={"Name": "machine"},
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "blue"}]}],
    )["Instances"]  # fmt: skip
    shared_cloud.settle("ec2")
    return {
        "image": image,
        "instance": made["InstanceId"],
        "zone": made["Placement"]["AvailabilityZone"],
        "profile": profile,
        "subnet": made["SubnetId"],
        "group": made["SecurityGroups"][0]["GroupId"],
        "vpc": made["VpcId"],
    }


def filled(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, str):
        return re.sub(r"\{([a-z]+)\}", lambda found: ids.get(found[1], found[0]), value)
    if isinstance(value, list):
        return [filled(one, ids) for one in value]
    return {name: filled(one, ids) for name, one in value.items()} if isinstance(value, dict) else value


def named(prefix: str, instance: str) -> dict[str, Any]:
    """How the operations of a service call the thing that is tagged."""
    arn = f"arn:aws:{prefix}:{HERE}:"
    return {
        "codecommit": {"repositoryName": "tagged", "repositoryNames": ["tagged"], "oldName": "tagged",
                       "resourceArn": arn + "tagged"},
        "sns": {"TopicArn": arn + "tagged", "Protocol": "email", "ResourceArn": arn + "tagged"},
        "lambda": {"FunctionName": "tagged", "Resource": arn + "function:tagged", "Principal": ACCOUNT,
                   "StatementId": "own", "Name": "live"},
        "sqs": {"QueueUrl": f"http://127.0.0.1/{ACCOUNT}/tagged", "QueueName": "tagged", "SourceArn": arn + "tagged",
                "TaskHandle": base64.b64encode(json.dumps({"sourceArn": arn + "tagged", "taskId": "x"}).encode())},
        "ssm": {"Name": "/tagged", "Names": ["/tagged"], "Path": "/tagged", "ResourceType": "Parameter",
                "ResourceId": "/tagged"},
        "logs": {"logGroupName": "tagged", "resourceArn": arn + "log-group:tagged", "logStreamName": "*"},
        "events": {"Name": "tagged", "Rule": "tagged", "Targets": [], "ResourceARN": arn + "rule/tagged"},
        "codebuild": {"name": "tagged", "names": ["tagged"], "projectName": "tagged",
                      "id": "tagged:11111111-1111-1111-1111-111111111111",
                      "ids": ["tagged:11111111-1111-1111-1111-111111111111"]},
        "codedeploy": {"applicationName": "tagged", "applicationNames": ["tagged"], "deploymentGroupName": "tagged",
                       "currentDeploymentGroupName": "tagged", "deploymentGroupNames": ["tagged"],
                       "ResourceArn": arn + "application:tagged"},
        "codepipeline": {"name": "tagged", "pipelineName": "tagged", "pipeline": {"name": "tagged"}, "stageName": "S0",
                         "actionName": "Approve", "resourceArn": arn + "tagged"},
        "cloudformation": {"StackName": "tagged"},
        "ec2": {"InstanceId": instance, "InstanceIds": [instance], "Resources": [instance]},
    }[prefix]  # fmt: skip


@pytest.mark.parametrize(
    ("action", "params", "key", "value", "resource"),
    [
        pytest.param(action, params, key, value, resource, id=f"{action} {key} {resource.rpartition(':')[2]}")
        for action, params, keys, resource in ROWS
        for key, value in keys.items()
    ],
)
def test_a_call_is_decided_by_the_key(
    keyed: Keyed, ids: dict[str, str], action: str, params: dict[str, Any], key: str, value: str, resource: str
) -> None:
    prefix = action.partition(":")[0]
    given = filled({**named(prefix, ids["instance"]), **params}, ids)
    right, wrong = ({"ForAnyValue:StringEquals": {key: one}} for one in (filled(value, ids), "something-else"))
    assert keyed.may(action, given, right, resource)
    assert not keyed.may(action, given, wrong, resource)


# Tags of the resource


@pytest.fixture(scope="module")
def tagged(shared_cloud: Any, ids: dict[str, str]) -> None:
    """One thing of each service, with a tag."""
    pairs, lower = [{"Key": "team", "Value": "blue"}], [{"key": "team", "value": "blue"}]
    client, tags = shared_cloud.client, {"team": "blue"}
    client("codecommit").create_repository(repositoryName="tagged", tags=tags)
    client("sns").create_topic(Name="tagged", Tags=pairs)
    client("sqs").create_queue(QueueName="tagged", tags=tags)
    client("ssm").put_parameter(Name="/tagged", Value="x", Type="String", Tags=pairs)
    role_for_functions(shared_cloud)
    function(shared_cloud, "tagged", Tags=tags)
    client("logs").create_log_group(logGroupName="tagged", tags=tags)
    client("events").put_rule(Name="tagged", EventPattern='{"source": ["x"]}', Tags=pairs)
    client("codebuild").create_project(
        name="tagged", source={"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {}"}, tags=lower,
        artifacts={"type": "NO_ARTIFACTS"}, serviceRole=service_role(shared_cloud, "builder", "codebuild"),
        environment={"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
                     "computeType": "BUILD_GENERAL1_SMALL"},
    )  # fmt: skip
    deploy = client("codedeploy")
    deploy.create_application(applicationName="tagged", tags=pairs)
    deploy.create_deployment_group(
        applicationName="tagged", deploymentGroupName="tagged", tags=pairs,
        serviceRoleArn=service_role(shared_cloud, "deployer", "codedeploy"),
    )  # fmt: skip
    pipeline = declared("tagged", prepare(shared_cloud), [source()], [approval()])
    client("codepipeline").create_pipeline(pipeline=pipeline, tags=lower)
    template = '{"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}'
    client("cloudformation").create_stack(StackName="tagged", TemplateBody=template, Tags=pairs)
    shared_cloud.settle()


def with_tags() -> list[str]:
    """The actions on things that have tags, as the reference has them."""
    found = [
        f"{prefix}:{name}"
        for prefix in SERVICES
        for name, one in REFERENCE[prefix].items()
        if "aws:ResourceTag/${TagKey}" in one.get("keys", "")
    ]
    return [one for one in found if not _left_out(f"{one} aws:ResourceTag/${{TagKey}}")]


def _left_out(pair: str) -> bool:
    action = pair.partition(" ")[0]
    return any(re.fullmatch(one, pair) for one in LEFT_OUT) or (
        "ResourceTag/${TagKey}" in pair and any(re.fullmatch(one, action) for one in UNTAGGED)
    )


@pytest.mark.parametrize("action", with_tags())
def test_a_call_is_decided_by_the_tags_of_the_resource(
    keyed: Keyed, ids: dict[str, str], tagged: None, action: str
) -> None:
    given = filled(named(action.partition(":")[0], ids["instance"]), ids)
    assert keyed.may(action, given, {"StringEquals": {"aws:ResourceTag/team": "blue"}})
    assert not keyed.may(action, given, {"StringEquals": {"aws:ResourceTag/team": "green"}})


# All of them


def test_every_key_of_the_reference_is_looked_at() -> None:
    rows = {(action, _general(key)) for action, _, keys, _ in ROWS for key in keys}
    missing = [
        f"{prefix}:{name} {key}"
        for prefix in SERVICES
        for name, one in REFERENCE[prefix].items()
        for key in one.get("keys", "").split()
        if (f"{prefix}:{name}", _general(key)) not in rows and not _left_out(f"{prefix}:{name} {key}")
    ]
    assert [one for one in missing if "ResourceTag/${TagKey}" not in one and "resourceTag/${TagKey}" not in one] == []


def _general(key: str) -> str:
    """A key with a name in it as the reference writes it, whatever the name."""
    key = re.sub(r"/(team|\$\{TagKey\})$", "/*", key)
    return re.sub(r"/(\$\{\w+\}|STAGE|files|more|lib|DisableApiTermination)(?=\.|$)", "/*", key)


def test_what_is_left_out_has_a_reason_and_is_in_the_reference() -> None:
    pairs = [f"{p}:{n} {k}" for p in SERVICES for n, one in REFERENCE[p].items() for k in one.get("keys", "").split()]
    assert all(len(reason) > 12 for table in (LEFT_OUT, UNTAGGED) for reason in table.values())
    assert [one for one in LEFT_OUT if not any(re.fullmatch(one, pair) for pair in pairs)] == []
