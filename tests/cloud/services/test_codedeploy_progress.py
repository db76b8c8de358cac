"""Deployments while they run, rolled back, and on several instances that come and go."""

import json
from typing import Any

import pytest
from deploying import SILENT, World, appspec, bundle, eventually, policy, trust
from services_help import code_of, mails, news, refused, subscribed

pytestmark = pytest.mark.usefixtures("emptied")
WAITING = "#!/bin/sh\ntouch $INSTANCE_ROOT/srv/waits\nuntil [ -e $INSTANCE_ROOT/srv/go ]; do sleep 0.02; done\n"


def waiting(world: World, event: str = "AfterInstall", at: int = 0, **more: Any) -> str:
    """A deployment in progress: its hook waits for a file `go`."""
    files = {"appspec.yml": appspec({event: "wait.sh"}, {"v": "/srv"}), "wait.sh": WAITING, "v": "1"}
    deployment = world.start(world.upload(bundle(files)), **more)
    eventually((world.root(at) / "srv/waits").exists)
    return deployment


def go(world: World, at: int = 0) -> None:
    (world.root(at) / "srv/go").touch()


def test_a_deployment_in_progress(world: World) -> None:
    deployment = waiting(world)
    found = world.deploy_api.get_deployment(deploymentId=deployment)["deploymentInfo"]
    assert (found["status"], found["deploymentOverview"]["InProgress"]) == ("InProgress", 1)
    events = world.events(deployment)
    assert [events[name]["status"] for name in ("Install", "AfterInstall", "ApplicationStart")] == [
        "Succeeded",
        "InProgress",
        "Pending",
    ]
    assert "endTime" not in events["AfterInstall"]
    code, message = refused(world.start, revision=found["revision"])
    assert code == "DeploymentLimitExceededException"
    assert message == f"The Deployment Group 'prod' already has an active Deployment '{deployment}'"
    go(world)
    assert world.finished(deployment)["status"] == "Succeeded"


def test_a_stopped_deployment_finishes_what_it_has_begun(world: World) -> None:
    deployment = waiting(world)
    answer = world.deploy_api.stop_deployment(deploymentId=deployment)
    assert answer["status"] == "Pending"
    assert world.deploy_api.get_deployment(deploymentId=deployment)["deploymentInfo"]["status"] == "InProgress"
    go(world)
    found = world.finished(deployment)
    assert (found["status"], found["errorInformation"]["code"]) == ("Stopped", "MANUAL_STOP")
    events = world.events(deployment)
    assert (events["AfterInstall"]["status"], events["ApplicationStart"]["status"]) == ("Succeeded", "Skipped")
    assert world.target(deployment)["status"] == "Skipped"
    code = code_of(world.deploy_api.stop_deployment, deploymentId=deployment)
    assert code == "DeploymentAlreadyCompletedException"


def test_a_failed_deployment_rolls_back(world: World) -> None:
    good = world.deploy({**SILENT, "v": "good"}, "good.zip")
    bad = {
        "appspec.yml": appspec({"AfterInstall": "bad.sh"}, {"v": "/srv"}),
        "bad.sh": "#!/bin/sh\nexit 1\n",
        "v": "bad",
    }
    rollback = {"enabled": True, "events": ["DEPLOYMENT_FAILURE"]}
    failed = world.deploy(bad, "bad.zip", autoRollbackConfiguration=rollback)
    assert failed["status"] == "Failed"
    again = world.finished(failed["rollbackInfo"]["rollbackDeploymentId"])
    assert (again["status"], again["creator"]) == ("Succeeded", "codeDeployRollback")
    assert again["revision"] == good["revision"]
    assert again["rollbackInfo"]["rollbackTriggeringDeploymentId"] == failed["deploymentId"]
    assert (world.root() / "srv/v").read_text() == "good"


def test_there_may_be_nothing_to_roll_back_to(world: World) -> None:
    world.group("fresh", autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_FAILURE"]})
    failed = world.deploy({"x": ""}, group="fresh")
    assert failed["status"] == "Failed"
    assert "rollbackDeploymentId" not in failed["rollbackInfo"]


def test_a_stopped_deployment_rolls_back_if_asked_to(world: World) -> None:
    world.deploy({**SILENT, "v": "good"}, "good.zip")
    deployment = waiting(world)
    world.deploy_api.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
    go(world)
    found = world.finished(deployment)
    assert world.finished(found["rollbackInfo"]["rollbackDeploymentId"])["status"] == "Succeeded"
    assert (world.root() / "srv/v").read_text() == "good"


def test_triggers_send_mail_and_events_are_published(world: World) -> None:
    cloud = world.cloud
    topic = cloud.client("sns").create_topic(Name="deployments")["TopicArn"]
    subscribed(cloud, topic, "team@example.com")
    kinds = ["DeploymentStart", "DeploymentFailure", "DeploymentSuccess", "InstanceFailure", "InstanceStart"]
    world.group("loud", triggerConfigurations=[{"triggerName": "t", "triggerTargetArn": topic, "triggerEvents": kinds}])
    logs, events = cloud.client("logs"), cloud.client("events")
    logs.create_log_group(logGroupName="/aws/events/deploy")
    document = json.loads(policy(["logs:CreateLogStream", "logs:PutLogEvents"]))
    names = ["events.amazonaws.com", "delivery.logs.amazonaws.com"]
    document["Statement"][0]["Principal"] = {"Service": names}
    logs.put_resource_policy(policyName="events", policyDocument=json.dumps(document))
    events.put_rule(Name="deploy", EventPattern=json.dumps({"source": ["aws.codedeploy"]}))
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/events/deploy"
    events.put_targets(Rule="deploy", Targets=[{"Id": "log", "Arn": arn}])

    found = world.deploy({"x": ""}, group="loud")
    cloud.settle("codedeploy")
    cloud.settle("events")
    events.remove_targets(Rule="deploy", Ids=["log"])
    sent = {
        one["subject"].partition(":")[0]: json.loads(one["body"].partition("\n\n--\n")[0])
        for one in news(cloud, "team@example.com")
    }
    assert set(sent) == {"DeploymentStart", "DeploymentFailure", "InstanceFailure", "InstanceStart"}
    failure = sent["DeploymentFailure"]
    assert (failure["deploymentId"], failure["status"]) == (found["deploymentId"], "FAILED")
    assert json.loads(failure["errorInformation"])["ErrorCode"] == "HEALTH_CONSTRAINTS"
    assert json.loads(failure["deploymentOverview"])["Failed"] == 1
    assert sent["InstanceFailure"]["lifecycleEvents"][-1]["LifecycleEventStatus"] == "Failed"
    logged = [json.loads(one["message"]) for one in logs.filter_log_events(logGroupName="/aws/events/deploy")["events"]]
    mine = [one for one in logged if one["detail"]["deploymentId"] == found["deploymentId"]]
    states = sorted((one["detail-type"].split()[1], one["detail"]["state"]) for one in mine)
    assert states == [
        ("Deployment", "FAILURE"),
        ("Deployment", "START"),
        ("Instance", "FAILURE"),
        ("Instance", "START"),
    ]
    one = next(one for one in mine if one["detail-type"] == "CodeDeploy Deployment State-change Notification")
    place = "arn:aws:codedeploy:us-east-1:123456789012"
    assert one["resources"] == [f"{place}:application:shop", f"{place}:deploymentgroup:shop/loud"]
    assert one["detail"]["deploymentGroup"] == "loud"
    assert mails(cloud, "team@example.com")


# Several instances, and instances that come and go


def test_one_at_a_time_stops_at_the_first_failure(cloud: Any) -> None:
    world = World(cloud, 2, deploymentConfigName="CodeDeployDefault.OneAtATime")
    found = world.deploy({"appspec.yml": appspec({"AfterInstall": "bad.sh"}), "bad.sh": "#!/bin/sh\nexit 1\n"})
    assert (found["status"], found["errorInformation"]["code"]) == ("Failed", "HEALTH_CONSTRAINTS")
    statuses = sorted(world.target(found["deploymentId"], at)["status"] for at in (0, 1))
    assert statuses == ["Failed", "Skipped"]
    assert found["deploymentOverview"]["Skipped"] == 1
    skipped = next(at for at in (0, 1) if world.target(found["deploymentId"], at)["status"] == "Skipped")
    assert {one["status"] for one in world.events(found["deploymentId"], skipped).values()} == {"Skipped"}
    assert not (world.root(skipped) / "opt/codedeploy-agent/deployment-root").exists(), "nothing was done there"


def test_one_at_a_time_goes_from_instance_to_instance(cloud: Any) -> None:
    world = World(cloud, 2, deploymentConfigName="CodeDeployDefault.OneAtATime")
    found = world.deploy(SILENT)
    assert found["status"] == "Succeeded"
    spans = [world.events(found["deploymentId"], at) for at in (0, 1)]
    first, second = sorted(spans, key=lambda one: one["ApplicationStop"]["startTime"])
    assert first["ValidateService"]["endTime"] <= second["ApplicationStop"]["startTime"]


def test_an_instance_that_is_terminated_meanwhile(cloud: Any) -> None:
    world = World(cloud, 2)
    deployment = waiting(world)
    eventually((world.root(1) / "srv/waits").exists)
    name = world.instances[0]["InstanceId"]
    world.ec2.terminate_instances(InstanceIds=[name])
    cloud.settle("ec2")
    assert world.target(deployment)["status"] == "Failed"
    message = world.events(deployment)["AfterInstall"]["diagnostics"]["message"]
    assert message.startswith(f"The instance {name} is ")
    go(world, 1)
    found = world.finished(deployment)
    assert (found["status"], found["deploymentOverview"]["Failed"]) == ("Succeeded", 1), "all at once: one is enough"


def test_a_stopped_instance_counts_as_one_that_failed(cloud: Any) -> None:
    world = World(cloud, 1)
    world.ec2.stop_instances(InstanceIds=[world.instances[0]["InstanceId"]])
    cloud.settle("ec2")
    found = world.deploy(SILENT)
    assert found["status"] == "Failed"
    message = world.events(found["deploymentId"])["ApplicationStop"]["diagnostics"]["message"]
    assert message.startswith("CodeDeploy agent was not able to receive the lifecycle event.")


def test_an_agent_that_never_comes_is_not_waited_for_for_ever(cloud: Any) -> None:
    world = World(cloud, 1)
    name = world.instances[0]["InstanceId"]
    world.iam.update_assume_role_policy(
        RoleName="host", PolicyDocument=trust("lambda")
    )  # its agent gets no credentials
    (made,) = world.launch(1)
    world.ec2.terminate_instances(InstanceIds=[name])
    cloud.settle("ec2")
    world.instances = [made]
    deployment = world.start(world.upload(bundle(SILENT)))
    eventually(lambda: world.deploy_api.list_deployment_targets(deploymentId=deployment)["targetIds"])
    cloud.advance(299)
    assert world.deploy_api.get_deployment(deploymentId=deployment)["deploymentInfo"]["status"] == "InProgress"
    cloud.advance(2)
    found = world.finished(deployment)
    assert found["status"] == "Failed"
    message = world.events(deployment)["ApplicationStop"]["diagnostics"]["message"]
    assert message.startswith("CodeDeploy agent was not able to receive the lifecycle event.")


def test_an_instance_that_reboots_meanwhile(cloud: Any) -> None:
    world = World(cloud, 1)
    deployment = waiting(world)
    world.ec2.reboot_instances(InstanceIds=[world.instances[0]["InstanceId"]])
    found = world.finished(deployment)
    assert found["status"] == "Failed"
    diagnostics = world.events(deployment)["AfterInstall"]["diagnostics"]
    assert diagnostics["errorCode"] == "UnknownError"
    assert diagnostics["message"] == "Failed: Failing in-progress lifecycle event after an agent restart."


def test_two_groups_on_one_instance_are_deployed_to_at_once(cloud: Any) -> None:
    world = World(cloud, 1)
    world.group("second")
    first = waiting(world)
    other = {"appspec.yml": appspec({}, {"w": "/srv"}), "w": "2"}
    second = world.start(world.upload(bundle(other), "other.zip"), group="second")
    eventually((world.root() / "srv/w").exists)
    assert world.deploy_api.get_deployment(deploymentId=first)["deploymentInfo"]["status"] == "InProgress"
    go(world)
    assert world.finished(first)["status"] == world.finished(second)["status"] == "Succeeded"
