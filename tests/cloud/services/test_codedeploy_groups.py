"""Applications, deployment groups, configurations and revisions: made, listed, changed, tagged, refused."""

from typing import Any

import pytest
from deploying import trust
from services_help import code_of, may, person, refused, service_role, trail

ROLE = "arn:aws:iam::123456789012:role/deployer"
HERE = "arn:aws:codedeploy:us-east-1:123456789012"
FILTERS = [{"Key": "app", "Value": "shop", "Type": "KEY_AND_VALUE"}]
S3 = {"revisionType": "S3", "s3Location": {"bucket": "b", "key": "shop/1.zip", "bundleType": "zip"}}


@pytest.fixture(scope="module")
def api(shared_cloud: Any) -> Any:
    service_role(shared_cloud, "deployer", "codedeploy", may("ec2:DescribeInstances"))
    shared_cloud.client("iam").create_role(RoleName="other", AssumeRolePolicyDocument=trust("lambda"))
    return shared_cloud.client("codedeploy")


def group(api: Any, application: str, name: str = "prod", **more: Any) -> str:
    names = {"applicationName": application, "deploymentGroupName": name}
    answer = api.create_deployment_group(**names, **{"serviceRoleArn": ROLE, "ec2TagFilters": FILTERS, **more})
    return str(answer["deploymentGroupId"])


def test_an_application_comes_and_goes(api: Any) -> None:
    made = api.create_application(applicationName="first", tags=[{"Key": "team", "Value": "a"}])
    found = api.get_application(applicationName="first")["application"]
    assert (found["applicationId"], found["computePlatform"]) == (made["applicationId"], "Server")
    assert code_of(api.create_application, applicationName="first") == "ApplicationAlreadyExistsException"
    group(api, "first")
    api.update_application(applicationName="first", newApplicationName="second")
    assert code_of(api.get_application, applicationName="first") == "ApplicationDoesNotExistException"
    assert api.list_deployment_groups(applicationName="second")["deploymentGroups"] == ["prod"]
    assert api.batch_get_applications(applicationNames=["second"])["applicationsInfo"][0]["applicationName"] == "second"
    api.delete_application(applicationName="second")
    api.delete_application(applicationName="second")
    code = code_of(api.get_deployment_group, applicationName="second", deploymentGroupName="prod")
    assert code == "ApplicationDoesNotExistException"


def test_applications_come_in_pages(shared_cloud: Any, api: Any) -> None:
    there = shared_cloud.client("codedeploy", region_name="eu-west-1")
    for number in range(101):
        there.create_application(applicationName=f"app-{number:03d}")
    first = there.list_applications()
    assert len(first["applications"]) == 100
    assert there.list_applications(nextToken=first["nextToken"])["applications"] == ["app-100"]
    assert code_of(there.list_applications, nextToken="garbage") == "InvalidNextTokenException"
    names = [f"app-{number:03d}" for number in range(101)]
    assert code_of(there.batch_get_applications, applicationNames=names) == "BatchLimitExceededException"


@pytest.mark.parametrize("platform", ["Lambda", "ECS"])
def test_other_platforms_are_not_simulated(api: Any, platform: str) -> None:
    code, message = refused(api.create_application, applicationName="fn", computePlatform=platform)
    assert (code, platform in message) == ("NotSimulated", True)


def test_tags(api: Any) -> None:
    api.create_application(applicationName="tagged")
    group(api, "tagged", tags=[{"Key": "a", "Value": "1"}])
    for arn, before in ((f"{HERE}:application:tagged", []), (f"{HERE}:deploymentgroup:tagged/prod", ["a"])):
        api.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
        found = api.list_tags_for_resource(ResourceArn=arn)["Tags"]
        assert [one["Key"] for one in found] == [*before, "b"]
        api.untag_resource(ResourceArn=arn, TagKeys=["b"])
        assert [one["Key"] for one in api.list_tags_for_resource(ResourceArn=arn)["Tags"]] == before
        many = [{"Key": str(number), "Value": ""} for number in range(51)]
        assert code_of(api.tag_resource, ResourceArn=arn, Tags=many) == "InvalidTagsToAddException"


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("nothing", "InvalidArnException"),
        (f"{HERE}:instance:x", "ArnNotSupportedException"),
        (f"{HERE}:application:none", "ApplicationDoesNotExistException"),
        (f"{HERE}:deploymentgroup:none/none", "DeploymentGroupDoesNotExistException"),
    ],
)
def test_tags_of_what_is_not_there(api: Any, arn: str, code: str) -> None:
    assert code_of(api.list_tags_for_resource, ResourceArn=arn) == code


def test_a_deployment_group_shows_what_it_was_given(api: Any) -> None:
    api.create_application(applicationName="shown")
    rollback = {"enabled": True, "events": ["DEPLOYMENT_FAILURE"]}
    trigger = {
        "triggerName": "t",
        "triggerTargetArn": "arn:aws:sns:us-east-1:123456789012:t",
        "triggerEvents": ["DeploymentFailure"],
    }
    made = group(
        api,
        "shown",
        autoRollbackConfiguration=rollback,
        triggerConfigurations=[trigger],
        deploymentStyle={"deploymentType": "IN_PLACE"},
        alarmConfiguration={"enabled": False, "alarms": []},
    )
    found = api.get_deployment_group(applicationName="shown", deploymentGroupName="prod")["deploymentGroupInfo"]
    assert found["deploymentGroupId"] == made
    assert found["deploymentConfigName"] == "CodeDeployDefault.OneAtATime"
    assert found["ec2TagFilters"] == FILTERS
    assert found["autoRollbackConfiguration"] == rollback
    assert found["triggerConfigurations"] == [trigger]
    assert found["deploymentStyle"] == {
        "deploymentType": "IN_PLACE",
        "deploymentOption": "WITHOUT_TRAFFIC_CONTROL",
    }
    assert "lastSuccessfulDeployment" not in found
    names = {"applicationName": "shown", "currentDeploymentGroupName": "prod"}
    tag_set = {"ec2TagSetList": [[{"Key": "a", "Type": "KEY_ONLY"}], [{"Value": "b", "Type": "VALUE_ONLY"}]]}
    api.update_deployment_group(
        **names, newDeploymentGroupName="live", ec2TagSet=tag_set, deploymentConfigName="CodeDeployDefault.AllAtOnce"
    )
    (again,) = api.batch_get_deployment_groups(applicationName="shown", deploymentGroupNames=["live"])[
        "deploymentGroupsInfo"
    ]
    assert (again["deploymentGroupId"], again["ec2TagSet"], again["ec2TagFilters"]) == (made, tag_set, [])
    assert again["autoRollbackConfiguration"] == rollback
    missing = api.batch_get_deployment_groups(applicationName="shown", deploymentGroupNames=["live", "none"])
    assert missing["errorMessage"] == "No Deployment Group found for name: none"
    api.delete_deployment_group(applicationName="shown", deploymentGroupName="live")
    assert api.list_deployment_groups(applicationName="shown")["deploymentGroups"] == []


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"applicationName": "none"}, "ApplicationDoesNotExistException", "No application found for name: none"),
        ({"deploymentGroupName": "taken"}, "DeploymentGroupAlreadyExistsException", "taken"),
        ({"deploymentConfigName": "none"}, "DeploymentConfigDoesNotExistException", "none"),
        ({"serviceRoleArn": "deployer"}, "InvalidRoleException", "not in the correct format"),
        ({"serviceRoleArn": ROLE + "-none"}, "InvalidRoleException", "permissions required to assume the role"),
        (
            {"serviceRoleArn": "arn:aws:iam::123456789012:role/other"},
            "InvalidRoleException",
            "AWS CodeDeploy does not have the permissions required to assume the role",
        ),
        ({"ec2TagFilters": [{"Key": "a", "Type": "KEY_AND_VALUE"}]}, "InvalidEC2TagException", "lacks"),
        ({"ec2TagSet": {"ec2TagSetList": [FILTERS]}}, "InvalidEC2TagCombinationException", "only one of them"),
        (
            {"ec2TagFilters": [], "ec2TagSet": {"ec2TagSetList": [FILTERS] * 4}},
            "TagSetListLimitExceededException",
            "limit of 3",
        ),
        ({"autoRollbackConfiguration": {"enabled": True}}, "InvalidAutoRollbackConfigException", "no event"),
        (
            {"triggerConfigurations": [{"triggerName": "t", "triggerEvents": ["DeploymentStart"]}]},
            "InvalidTriggerConfigException",
            "not the ARN of an Amazon SNS topic",
        ),
        ({"autoScalingGroups": ["a"]}, "NotSimulated", "Auto Scaling"),
        ({"loadBalancerInfo": {"elbInfoList": [{"name": "l"}]}}, "NotSimulated", "load balancer"),
        ({"deploymentStyle": {"deploymentType": "BLUE_GREEN"}}, "NotSimulated", "Blue/green"),
        ({"alarmConfiguration": {"enabled": True, "alarms": [{"name": "a"}]}}, "NotSimulated", "alarms"),
        ({"onPremisesInstanceTagFilters": FILTERS}, "NotSimulated", "On-premises"),
    ],
)
def test_groups_that_cannot_be(api: Any, change: dict[str, Any], code: str, message: str) -> None:
    if "refusing" not in api.list_applications()["applications"]:
        api.create_application(applicationName="refusing")
        group(api, "refusing", "taken")
    params = {
        "applicationName": "refusing",
        "deploymentGroupName": "new",
        "serviceRoleArn": ROLE,
        "ec2TagFilters": FILTERS,
    }
    found = refused(api.create_deployment_group, **{**params, **change})
    assert found[0] == code
    assert message in found[1]
    assert api.list_deployment_groups(applicationName="refusing")["deploymentGroups"] == ["taken"]


def test_handing_over_the_role_needs_permission(shared_cloud: Any, api: Any) -> None:
    api.create_application(applicationName="passing")
    ours = person(shared_cloud, "maker", may("codedeploy:*"))("codedeploy")
    names = {"applicationName": "passing", "deploymentGroupName": "prod", "serviceRoleArn": ROLE}
    code, message = refused(ours.create_deployment_group, **names)
    assert code == "AccessDeniedException"
    assert f"is not authorized to perform: iam:PassRole on resource: {ROLE}" in message
    condition = {"StringEquals": {"iam:PassedToService": "codedeploy.amazonaws.com"}}
    theirs = person(shared_cloud, "passer", may("codedeploy:*"), may("iam:PassRole", resource=ROLE, **condition))
    assert theirs("codedeploy").create_deployment_group(**names)["deploymentGroupId"]


def test_policies_name_groups_and_see_tags(shared_cloud: Any, api: Any) -> None:
    api.create_application(applicationName="guarded", tags=[{"Key": "team", "Value": "a"}])
    group(api, "guarded", "mine")
    group(api, "guarded", "theirs")
    statements = [
        may("codedeploy:GetDeploymentGroup", resource=f"{HERE}:deploymentgroup:guarded/mine"),
        may("codedeploy:GetApplication", StringEquals={"aws:ResourceTag/team": "a"}),
    ]
    ours = person(shared_cloud, "reader", *statements)("codedeploy")
    assert ours.get_deployment_group(applicationName="guarded", deploymentGroupName="mine")
    code = code_of(ours.get_deployment_group, applicationName="guarded", deploymentGroupName="theirs")
    assert code == "AccessDeniedException"
    assert ours.get_application(applicationName="guarded")
    assert code_of(ours.get_application, applicationName="first") == "AccessDeniedException"
    assert code_of(ours.get_application, applicationName="no-such") == "AccessDeniedException", "it is told nothing"
    events = trail(shared_cloud, "GetDeploymentGroup")
    assert [one.get("errorCode") for one in events if one["userIdentity"].get("userName") == "reader"] == [
        None,
        "AccessDenied",
    ]


def test_configurations(api: Any) -> None:
    listed = api.list_deployment_configs()["deploymentConfigsList"]
    assert {f"CodeDeployDefault.{one}" for one in ("AllAtOnce", "HalfAtATime", "OneAtATime")} <= set(listed)
    made = api.create_deployment_config(
        deploymentConfigName="careful", minimumHealthyHosts={"type": "FLEET_PERCENT", "value": 75}
    )
    found = api.get_deployment_config(deploymentConfigName="careful")["deploymentConfigInfo"]
    assert found["deploymentConfigId"] == made["deploymentConfigId"]
    assert found["minimumHealthyHosts"] == {"type": "FLEET_PERCENT", "value": 75}
    api.create_application(applicationName="configured")
    group(api, "configured", deploymentConfigName="careful")
    assert code_of(api.delete_deployment_config, deploymentConfigName="careful") == "DeploymentConfigInUseException"
    api.delete_application(applicationName="configured")
    api.delete_deployment_config(deploymentConfigName="careful")
    assert code_of(api.get_deployment_config, deploymentConfigName="careful") == "DeploymentConfigDoesNotExistException"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("CodeDeployDefault.LambdaCanary10Percent5Minutes", "NotSimulated"),
        ("CodeDeployDefault.ECSAllAtOnce", "NotSimulated"),
        ("CodeDeployDefault.LambdaCanary", "DeploymentConfigDoesNotExistException"),
    ],
)
def test_configurations_of_other_platforms(api: Any, name: str, code: str) -> None:
    """They exist at AWS, so they are neither called unknown nor deleted."""
    assert code_of(api.get_deployment_config, deploymentConfigName=name) == code
    if code == "NotSimulated":
        assert code_of(api.delete_deployment_config, deploymentConfigName=name) == "InvalidOperationException"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"deploymentConfigName": "c"}, "InvalidMinimumHealthyHostValueException"),
        (
            {"deploymentConfigName": "c", "minimumHealthyHosts": {"type": "FLEET_PERCENT", "value": 100}},
            "InvalidMinimumHealthyHostValueException",
        ),
        (
            {"deploymentConfigName": "c", "minimumHealthyHosts": {"type": "HOST_COUNT", "value": -1}},
            "InvalidMinimumHealthyHostValueException",
        ),
        (
            {
                "deploymentConfigName": "CodeDeployDefault.Mine",
                "minimumHealthyHosts": {"type": "HOST_COUNT", "value": 1},
            },
            "InvalidDeploymentConfigNameException",
        ),
        ({"deploymentConfigName": "c", "computePlatform": "ECS"}, "NotSimulated"),
        (
            {"deploymentConfigName": "c", "trafficRoutingConfig": {"type": "AllAtOnce"}},
            "InvalidTrafficRoutingConfigurationException",
        ),
    ],
)
def test_configurations_that_cannot_be(api: Any, params: dict[str, Any], code: str) -> None:
    assert code_of(api.create_deployment_config, **params) == code
    assert code_of(api.delete_deployment_config, deploymentConfigName="CodeDeployDefault.AllAtOnce") == (
        "InvalidOperationException"
    )


def test_revisions(api: Any) -> None:
    api.create_application(applicationName="revised")
    api.register_application_revision(applicationName="revised", revision=S3, description="the first")
    other = {"revisionType": "S3", "s3Location": {"bucket": "c", "key": "x", "bundleType": "tgz", "eTag": "e"}}
    api.register_application_revision(applicationName="revised", revision=other)
    found = api.get_application_revision(applicationName="revised", revision=S3)
    assert found["revisionInfo"]["description"] == "the first"
    assert found["revisionInfo"]["deploymentGroups"] == []
    assert api.list_application_revisions(applicationName="revised")["revisions"] == [S3, other]
    listed = api.list_application_revisions(applicationName="revised", s3Bucket="b", s3KeyPrefix="shop/")
    assert listed["revisions"] == [S3]
    assert api.list_application_revisions(applicationName="revised", deployed="include")["revisions"] == []
    newest = api.list_application_revisions(applicationName="revised", sortBy="registerTime", sortOrder="descending")
    assert newest["revisions"] == [other, S3]
    batch = api.batch_get_application_revisions(applicationName="revised", revisions=[S3])["revisions"]
    assert batch[0]["genericRevisionInfo"]["description"] == "the first"


@pytest.mark.parametrize(
    ("revision", "code"),
    [
        (
            {"revisionType": "S3", "s3Location": {"bucket": "b", "key": "none", "bundleType": "zip"}},
            "RevisionDoesNotExistException",
        ),
        ({"revisionType": "S3", "s3Location": {"bucket": "b", "key": "k"}}, "InvalidRevisionException"),
        (
            {"revisionType": "S3", "s3Location": {"bucket": "b", "key": "k", "bundleType": "YAML"}},
            "InvalidRevisionException",
        ),
        ({"revisionType": "S3"}, "InvalidRevisionException"),
        ({}, "InvalidRevisionException"),
        ({"revisionType": "String", "string": {"content": "x"}}, "InvalidRevisionException"),
        ({"revisionType": "GitHub", "gitHubLocation": {"repository": "a/b", "commitId": "c"}}, "NotSimulated"),
    ],
)
def test_revisions_that_are_none(api: Any, revision: dict[str, Any], code: str) -> None:
    if "revising" not in api.list_applications()["applications"]:
        api.create_application(applicationName="revising")
    assert code_of(api.get_application_revision, applicationName="revising", revision=revision) == code
    code = code_of(api.list_application_revisions, applicationName="revising", s3KeyPrefix="x")
    assert code == "BucketNameFilterRequiredException"
