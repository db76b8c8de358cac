"""Deployments that fail and succeed as they do at AWS: by hooks, time, roles, health, and instances that go away."""

from typing import Any

import pytest
from deploying import BUCKET, HOST_ACTIONS, SILENT, World, appspec, bundle, policy, trust
from services_help import code_of, may, person, refused, trail

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import root

pytestmark = pytest.mark.usefixtures("emptied")
OK = "#!/bin/sh\necho fine\n"
FINE = {"appspec.yml": appspec({"AfterInstall": "ok.sh"}, {"v": "/srv"}), "ok.sh": OK, "v": "1"}


def test_a_deployment_that_succeeds(world: World) -> None:
    found = world.deploy(FINE)
    assert found["status"] == "Succeeded", world.agent_log()
    assert found["creator"] == "user"
    assert found["deploymentOverview"] == {
        "Pending": 0,
        "InProgress": 0,
        "Succeeded": 1,
        "Failed": 0,
        "Skipped": 0,
        "Ready": 0,
    }
    assert found["createTime"] <= found["startTime"] <= found["completeTime"]
    assert "errorInformation" not in found
    assert (world.root() / "srv/v").read_text() == "1"
    diagnostics = world.events(found["deploymentId"])["AfterInstall"]["diagnostics"]
    assert diagnostics["errorCode"] == "Success"
    assert diagnostics["logTail"] == "LifecycleEvent - AfterInstall\nScript - ok.sh\n[stdout]fine\n"
    group = world.deploy_api.get_deployment_group(applicationName="shop", deploymentGroupName="prod")
    info = group["deploymentGroupInfo"]
    assert info["lastSuccessfulDeployment"]["deploymentId"] == found["deploymentId"]
    assert info["targetRevision"] == found["revision"]
    revision = world.deploy_api.get_application_revision(applicationName="shop", revision=found["revision"])
    assert revision["revisionInfo"]["deploymentGroups"] == ["prod"]
    assert "firstUsedTime" in revision["revisionInfo"]


def test_a_deployment_without_a_revision_takes_the_last_good_one(world: World) -> None:
    first = world.deploy(FINE)
    names = {"applicationName": "shop", "deploymentGroupName": "prod"}
    again = world.finished(world.deploy_api.create_deployment(**names)["deploymentId"])
    assert (again["status"], again["revision"]) == ("Succeeded", first["revision"])


@pytest.mark.parametrize(
    ("files", "event", "code", "script", "message"),
    [
        (
            {"appspec.yml": appspec({"AfterInstall": "bad.sh"}), "bad.sh": "#!/bin/sh\necho why >&2\nexit 3\n"},
            "AfterInstall",
            "ScriptFailed",
            "bad.sh",
            "Script at specified location: bad.sh failed with exit code 3",
        ),
        (
            {"appspec.yml": appspec({"ApplicationStart": "slow.sh 1"}), "slow.sh": "#!/bin/sh\nsleep 60\n"},
            "ApplicationStart",
            "ScriptTimedOut",
            "slow.sh",
            "Script at specified location: slow.sh failed to complete in 1 seconds",
        ),
        (
            {"appspec.yml": appspec({"BeforeInstall": "gone.sh"})},
            "BeforeInstall",
            "ScriptMissing",
            "gone.sh",
            "Script does not exist at specified location: gone.sh",
        ),
        (
            {"appspec.yml": "version: 0.0\nos: linux\nhooks:\n  Dance:\n    - location: x\n"},
            "BeforeInstall",
            "UnknownError",
            "",
            'appspec.yml file contains unknown lifecycle events: ["Dance"]. (appspec.yml, line 4',
        ),
        ({"readme": "no appspec"}, "BeforeInstall", "UnknownError", "", "did not find an AppSpec file"),
        (
            {"appspec.yml": appspec({}, {"gone": "/srv"})},
            "Install",
            "UnknownError",
            "",
            "No such file or directory - /opt/codedeploy-agent/deployment-root/",
        ),
    ],
)
def test_an_event_that_fails(
    world: World, files: dict[str, str], event: str, code: str, script: str, message: str
) -> None:
    found = world.deploy(files)
    assert found["status"] == "Failed"
    assert found["errorInformation"]["code"] == "HEALTH_CONSTRAINTS"
    assert found["errorInformation"]["message"].startswith("The overall deployment failed because too many individual")
    events = world.events(found["deploymentId"])
    names = list(events)
    at = names.index(event)
    assert {events[name]["status"] for name in names[:at]} <= {"Succeeded"}
    assert events[event]["status"] == "Failed"
    assert {events[name]["status"] for name in names[at + 1 :]} <= {"Skipped"}
    diagnostics = events[event]["diagnostics"]
    assert (diagnostics["errorCode"], diagnostics["scriptName"]) == (code, script)
    assert message in diagnostics["message"]
    if event == "AfterInstall":
        assert diagnostics["logTail"].endswith("Script - bad.sh\n[stderr]why\n")
    assert world.target(found["deploymentId"])["status"] == "Failed"
    assert found["deploymentOverview"]["Failed"] == 1


def test_the_old_revision_stops_and_may_fail_to(world: World) -> None:
    stop = {"appspec.yml": appspec({"ApplicationStop": "stop.sh"}, {"v": "/srv"}), "v": "1"}
    assert world.deploy({**stop, "stop.sh": "#!/bin/sh\necho the old one\nexit 1\n"})["status"] == "Succeeded"
    failed = world.deploy({**stop, "stop.sh": OK})
    events = world.events(failed["deploymentId"])
    assert events["ApplicationStop"]["diagnostics"]["logTail"].endswith("[stdout]the old one\n")
    assert (failed["status"], events["DownloadBundle"]["status"]) == ("Failed", "Skipped")
    ignored = world.deploy({**stop, "stop.sh": OK}, ignoreApplicationStopFailures=True)
    events = world.events(ignored["deploymentId"])
    assert (ignored["status"], events["ApplicationStop"]["status"]) == ("Succeeded", "Failed")
    assert ignored["ignoreApplicationStopFailures"] is True


@pytest.mark.parametrize(
    ("option", "in_file", "status", "content"),
    [
        ({}, "", "Failed", "somebody's"),
        ({"fileExistsBehavior": "OVERWRITE"}, "", "Succeeded", "1"),
        ({"fileExistsBehavior": "RETAIN"}, "", "Succeeded", "somebody's"),
        ({}, "file_exists_behavior: OVERWRITE\n", "Succeeded", "1"),
        ({"fileExistsBehavior": "DISALLOW"}, "file_exists_behavior: OVERWRITE\n", "Failed", "somebody's"),
    ],
)
def test_a_file_that_is_there_already(
    world: World, option: dict[str, str], in_file: str, status: str, content: str
) -> None:
    (world.root() / "srv/v").write_text("somebody's")
    found = world.deploy({"appspec.yml": appspec({}, {"v": "/srv"}, in_file), "v": "1"}, **option)
    assert found["status"] == status
    assert (world.root() / "srv/v").read_text() == content
    if status == "Failed":
        message = world.events(found["deploymentId"])["Install"]["diagnostics"]["message"]
        assert "a specified file already exists at this location: /srv/v" in message


def test_a_role_that_may_not_read_the_bundle(world: World) -> None:
    world.iam.delete_role_policy(RoleName="host", PolicyName="own")
    try:
        found = world.deploy(FINE)
    finally:
        world.iam.put_role_policy(RoleName="host", PolicyName="own", PolicyDocument=policy(HOST_ACTIONS))
    diagnostics = world.events(found["deploymentId"])["DownloadBundle"]["diagnostics"]
    assert diagnostics["errorCode"] == "UnknownError"
    name = world.instances[0]["InstanceId"]
    assert diagnostics["message"] == (
        f"User: arn:aws:sts::123456789012:assumed-role/host/{name} is not authorized to perform: s3:GetObject on "
        f'resource: "arn:aws:s3:::{BUCKET}/shop.zip" because no identity-based policy allows the s3:GetObject action'
    )


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({"key": "none.zip"}, "The specified key does not exist."),
        ({"bucket": "no-such-bucket-here"}, "The specified bucket does not exist"),
        ({"eTag": "abc"}, "Expected deployment artifact bundle etag abc but was actually"),
    ],
)
def test_a_bundle_that_is_not_there(world: World, place: dict[str, str], message: str) -> None:
    revision = world.upload(bundle(FINE))
    revision["s3Location"] |= place
    found = world.finished(world.start(revision))
    assert message in world.events(found["deploymentId"])["DownloadBundle"]["diagnostics"]["message"]


def test_an_encrypted_bundle_and_its_version(world: World) -> None:
    key = world.cloud.client("kms").create_key()["KeyMetadata"]
    statement = [*HOST_ACTIONS, "kms:Decrypt"]
    world.iam.put_role_policy(RoleName="host", PolicyName="own", PolicyDocument=policy(statement))
    world.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    sealed = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["Arn"]}
    wanted = world.s3.put_object(Bucket=BUCKET, Key="sealed.zip", Body=bundle(SILENT), **sealed)
    world.s3.put_object(Bucket=BUCKET, Key="sealed.zip", Body=b"a later version", **sealed)
    place = {"bucket": BUCKET, "key": "sealed.zip", "bundleType": "zip", "version": wanted["VersionId"]}
    place["eTag"] = wanted["ETag"].strip('"')
    found = world.finished(world.start({"revisionType": "S3", "s3Location": place}))
    assert found["status"] == "Succeeded", world.agent_log()
    decrypted = trail(world.cloud, "Decrypt")[-1]
    assert decrypted["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] == "host"


@pytest.mark.parametrize("name", ["empty", "G"])  # a session of a role needs two letters, a group only one
def test_a_tag_that_no_instance_has(world: World, name: str) -> None:
    world.group(name, ec2TagFilters=[{"Key": "app", "Value": "other", "Type": "KEY_AND_VALUE"}])
    found = world.deploy(FINE, group=name)
    assert (found["status"], found["errorInformation"]["code"]) == ("Failed", "NO_INSTANCES")
    assert found["errorInformation"]["message"].startswith("The deployment failed because no instances were found")
    answer = world.deploy_api.list_deployment_targets(deploymentId=found["deploymentId"])
    assert answer["targetIds"] == []


@pytest.mark.parametrize(
    ("filters", "status"),
    [
        ({"ec2TagFilters": [{"Key": "app", "Type": "KEY_ONLY"}]}, "Succeeded"),
        ({"ec2TagFilters": [{"Value": "shop", "Type": "VALUE_ONLY"}]}, "Succeeded"),
        ({"ec2TagFilters": [{"Key": "no", "Type": "KEY_ONLY"}, {"Key": "app", "Type": "KEY_ONLY"}]}, "Succeeded"),
        ({"ec2TagFilters": []}, "Failed"),
        (
            {
                "ec2TagSet": {
                    "ec2TagSetList": [[{"Key": "app", "Type": "KEY_ONLY"}], [{"Key": "no", "Type": "KEY_ONLY"}]]
                }
            },
            "Failed",
        ),
    ],
)
def test_how_instances_are_found(world: World, filters: dict[str, Any], status: str) -> None:
    world.deploy_api.delete_deployment_group(applicationName="shop", deploymentGroupName="found")
    world.group("found", **({"ec2TagFilters": []} | filters))
    assert world.deploy(SILENT, group="found", fileExistsBehavior="OVERWRITE")["status"] == status


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ("permission", "IAM_ROLE_PERMISSIONS", "in the following AWS service: AmazonEC2"),
        ("trust", "IAM_ROLE_PERMISSIONS", "permissions required to assume the role"),
        ("role", "IAM_ROLE_MISSING", "does not exist"),
    ],
)
def test_a_service_role_that_became_useless(world: World, change: str, code: str, message: str) -> None:
    role = f"useless-{change}"
    world.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust("codedeploy"))
    world.group(role, serviceRoleArn=f"arn:aws:iam::123456789012:role/{role}")
    if change == "trust":
        world.iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust("lambda"))
    if change == "role":
        world.iam.delete_role(RoleName=role)
    found = world.deploy(FINE, group=role)
    assert (found["status"], found["errorInformation"]["code"]) == ("Failed", code)
    assert message in found["errorInformation"]["message"]


def test_too_few_instances_for_the_configuration(world: World) -> None:
    world.deploy_api.create_deployment_config(
        deploymentConfigName="two", minimumHealthyHosts={"type": "HOST_COUNT", "value": 2}
    )
    found = world.deploy(FINE, deploymentConfigName="two")
    assert found["errorInformation"]["code"] == "HEALTH_CONSTRAINTS_INVALID"


def test_a_deployment_of_what_is_deleted_meanwhile(world: World) -> None:
    world.group("doomed")

    def both(cloud: Any) -> str:
        """Within one transaction, so that the deployment cannot begin before the group is gone."""
        api = Call(cloud, cloud.service("codedeploy"), "", root("123456789012"), "123456789012", "us-east-1")
        client = api.aws("codedeploy")
        names = {"applicationName": "shop", "deploymentGroupName": "doomed"}
        with cloud.store.transaction():
            place = {"bucket": BUCKET, "key": "k", "bundleType": "zip"}
            made = client.create_deployment(**names, revision={"revisionType": "S3", "s3Location": place})
            client.delete_deployment_group(**names)
        return str(made["deploymentId"])

    found = world.finished(world.cloud.on_loop(both))
    assert found["errorInformation"]["code"] == "DEPLOYMENT_GROUP_MISSING"


@pytest.mark.parametrize("again", [False, True])
def test_a_group_that_is_renamed_while_it_is_deployed_to(world: World, again: bool) -> None:
    """The deployment goes on and counts for its own group, not for another one that has taken the old name."""
    old, new = f"old-{again}", f"new-{again}"
    world.group(old)
    revision = world.upload(bundle(SILENT))

    def both(cloud: Any) -> str:
        api = Call(cloud, cloud.service("codedeploy"), "", root("123456789012"), "123456789012", "us-east-1")
        client = api.aws("codedeploy")
        with cloud.store.transaction():
            made = client.create_deployment(applicationName="shop", deploymentGroupName=old, revision=revision)
            client.update_deployment_group(
                applicationName="shop", currentDeploymentGroupName=old, newDeploymentGroupName=new
            )
            if again:
                role = "arn:aws:iam::123456789012:role/deployer"
                client.create_deployment_group(applicationName="shop", deploymentGroupName=old, serviceRoleArn=role)
        return str(made["deploymentId"])

    found = world.finished(world.cloud.on_loop(both))
    assert found["status"] == "Succeeded", found
    names = [old, new] if again else [new]
    groups = world.deploy_api.batch_get_deployment_groups(applicationName="shop", deploymentGroupNames=names)
    latest = [one.get("lastSuccessfulDeployment", {}).get("deploymentId") for one in groups["deploymentGroupsInfo"]]
    assert latest == [None, found["deploymentId"]][-len(names) :]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"applicationName": "none", "deploymentGroupName": "prod"}, "ApplicationDoesNotExistException"),
        ({"applicationName": "shop"}, "DeploymentGroupNameRequiredException"),
        ({"deploymentGroupName": "none"}, "DeploymentGroupDoesNotExistException"),
        ({"revision": {"revisionType": "S3"}}, "InvalidRevisionException"),
        ({"deploymentConfigName": "none"}, "DeploymentConfigDoesNotExistException"),
        ({"targetInstances": {"tagFilters": [{"Key": "a"}]}}, "InvalidTargetInstancesException"),
        ({"autoRollbackConfiguration": {"enabled": True}}, "InvalidAutoRollbackConfigException"),
        ({"updateOutdatedInstancesOnly": True}, "NotSimulated"),
    ],
)
def test_deployments_that_cannot_be_created(world: World, params: dict[str, Any], code: str) -> None:
    place = {"bucket": BUCKET, "key": "k", "bundleType": "zip"}
    usual = {"applicationName": "shop", "revision": {"revisionType": "S3", "s3Location": place}}
    if "deploymentGroupName" not in params and code != "DeploymentGroupNameRequiredException":
        usual["deploymentGroupName"] = "prod"
    assert code_of(world.deploy_api.create_deployment, **{**usual, **params}) == code


def test_the_first_deployment_of_a_group_needs_a_revision(world: World) -> None:
    world.group("new")
    names = {"applicationName": "shop", "deploymentGroupName": "new"}
    assert code_of(world.deploy_api.create_deployment, **names) == "RevisionRequiredException"


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("get_deployment", {"deploymentId": "x"}, "InvalidDeploymentIdException"),
        ("get_deployment", {"deploymentId": "d-000000000"}, "DeploymentDoesNotExistException"),
        ("stop_deployment", {"deploymentId": "d-000000000"}, "DeploymentDoesNotExistException"),
        ("list_deployment_targets", {"deploymentId": "d-000000000"}, "DeploymentDoesNotExistException"),
        ("list_deployments", {"deploymentGroupName": "prod"}, "ApplicationNameRequiredException"),
        ("list_deployments", {"applicationName": "shop"}, "DeploymentGroupNameRequiredException"),
        ("batch_get_deployments", {"deploymentIds": ["d-000000000"] * 26}, "BatchLimitExceededException"),
    ],
)
def test_deployments_that_are_not_there(world: World, operation: str, params: dict[str, Any], code: str) -> None:
    assert code_of(getattr(world.deploy_api, operation), **params) == code


def test_targets_and_lists(world: World) -> None:
    found = world.deploy(SILENT)
    name, api = world.instances[0]["InstanceId"], world.deploy_api
    which = {"deploymentId": found["deploymentId"]}
    assert api.list_deployment_targets(**which)["targetIds"] == [name]
    assert api.list_deployment_targets(**which, targetFilters={"TargetStatus": ["Failed"]})["targetIds"] == []
    (target,) = api.batch_get_deployment_targets(**which, targetIds=[name])["deploymentTargets"]
    assert target["deploymentTargetType"] == "InstanceTarget"
    assert target["instanceTarget"]["targetArn"] == f"arn:aws:ec2:us-east-1:123456789012:instance/{name}"
    assert api.get_deployment_instance(**which, instanceId=name)["instanceSummary"]["status"] == "Succeeded"
    assert api.list_deployment_instances(**which, instanceStatusFilter=["Succeeded"])["instancesList"] == [name]
    assert code_of(api.get_deployment_target, **which, targetId="i-0") == "DeploymentTargetDoesNotExistException"
    assert code_of(api.get_deployment_instance, **which, instanceId="i-0") == "InstanceDoesNotExistException"
    listed = api.list_deployments(applicationName="shop", deploymentGroupName="prod")["deployments"]
    assert listed[0] == found["deploymentId"], "the newest comes first"
    assert api.list_deployments(includeOnlyStatuses=["InProgress"])["deployments"] == []
    span = {"start": found["createTime"], "end": found["createTime"]}
    assert api.list_deployments(createTimeRange=span)["deployments"] == [found["deploymentId"]]
    assert api.batch_get_deployments(deploymentIds=listed[:2])["deploymentsInfo"][0]["status"] == "Succeeded"


def test_deploying_is_a_permission_on_the_group(world: World) -> None:
    group = "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:shop/prod"
    statements = [may("codedeploy:CreateDeployment", "codedeploy:GetDeployment", resource=group)]
    ours = person(world.cloud, "deploying", *statements)("codedeploy")
    revision = world.upload(bundle(SILENT))
    made = ours.create_deployment(applicationName="shop", deploymentGroupName="prod", revision=revision)
    world.cloud.settle("codedeploy")
    assert ours.get_deployment(deploymentId=made["deploymentId"])["deploymentInfo"]["status"] == "Succeeded"
    code, message = refused(ours.stop_deployment, deploymentId=made["deploymentId"])
    assert code == "AccessDeniedException"
    assert f"codedeploy:StopDeployment on resource: {group}" in message
    assert code_of(ours.get_deployment, deploymentId="d-000000000") == "AccessDeniedException", "it is told nothing"
    created = [
        one for one in trail(world.cloud, "CreateDeployment") if one["userIdentity"].get("userName") == "deploying"
    ]
    assert created[-1]["responseElements"]["deploymentId"] == made["deploymentId"]


def test_the_agents_own_calls_are_no_management_events(world: World) -> None:
    world.deploy(SILENT)
    assert trail(world.cloud, "PollHostCommand") == trail(world.cloud, "PutHostCommandComplete") == []
