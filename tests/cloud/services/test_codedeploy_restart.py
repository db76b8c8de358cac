"""Deployments when the cloud stops or is killed in their midst: gone on with, or ended with a reason."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from deploying import Served, World, appspec, bundle, eventually

WAIT = "#!/bin/sh\ntouch $INSTANCE_ROOT/srv/waits\nuntil [ -e $INSTANCE_ROOT/srv/go ]; do sleep 0.02; done\necho done\n"


def begun(world: World, event: str = "AfterInstall") -> str:
    """A deployment whose hook waits for a file `go`."""
    files = {"appspec.yml": appspec({event: "wait.sh"}, {"v": "/srv"}), "wait.sh": WAIT, "v": "1"}
    deployment = world.start(world.upload(bundle(files)))
    eventually((world.root() / "srv/waits").exists)
    return deployment


def test_a_stop_in_order_interrupts_and_the_start_tells(start_cloud: Callable[..., Any], tmp_path: Path) -> None:
    cloud = start_cloud(home=tmp_path / "home")
    world = World(cloud)
    port = cloud.settings.port
    deployment = begun(world)
    cloud.stop()
    world.cloud = start_cloud(home=tmp_path / "home", port=port)
    world.connect()
    found = world.finished(deployment)
    assert (found["status"], found["errorInformation"]["code"]) == ("Failed", "HEALTH_CONSTRAINTS")
    event = world.events(deployment)["AfterInstall"]
    assert event["status"] == "Failed"
    assert event["diagnostics"]["message"] == "Failed: Failing in-progress lifecycle event after an agent restart."
    assert world.deploy({"appspec.yml": appspec({}, {"w": "/srv"}), "w": "2"})["status"] == "Succeeded"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    found = Served(tmp_path / "home")
    yield found
    found.stop()


def test_a_kill_does_not_disturb_a_hook(served: Served) -> None:
    world = World(served)
    deployment = begun(world)
    served.kill()
    (world.root() / "srv/go").touch()
    eventually(lambda: "did not arrive" in world.agent_log())
    served.start()
    world.connect()
    found = world.finished(deployment)
    assert found["status"] == "Succeeded", world.agent_log()
    assert world.events(deployment)["AfterInstall"]["diagnostics"]["logTail"].endswith("[stdout]done\n")
    assert world.agent_log().count("agent starts") == 1


def test_a_kill_between_creating_and_beginning(served: Served) -> None:
    world = World(served)
    revision = world.upload(bundle({"appspec.yml": appspec({}, {"v": "/srv"}), "v": "1"}))
    deployment = world.start(revision)
    served.kill()
    served.start()
    world.connect()
    assert world.finished(deployment)["status"] == "Succeeded", world.agent_log()


def test_time_that_passed_while_the_cloud_was_away_counts(start_cloud: Callable[..., Any], tmp_path: Path) -> None:
    cloud = start_cloud(home=tmp_path / "home")
    world = World(cloud)
    world.ec2.create_tags(Resources=[world.instances[0]["InstanceId"]], Tags=[{"Key": "app", "Value": "none"}])
    silent = world.launch(1, IamInstanceProfile={})  # without a role its agent cannot speak
    world.instances = silent
    deployment = world.start(world.upload(bundle({"x": ""})))
    eventually(lambda: world.deploy_api.list_deployment_targets(deploymentId=deployment)["targetIds"])
    cloud.stop()
    later = start_cloud(home=tmp_path / "home")
    world.cloud = later
    world.connect()
    later.advance(301)
    assert world.finished(deployment)["status"] == "Failed"
    message = world.events(deployment)["ApplicationStop"]["diagnostics"]["message"]
    assert message.startswith("CodeDeploy agent was not able to receive the lifecycle event.")
