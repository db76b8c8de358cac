"""Instances and their processes when the cloud stops, is killed, starts again, or is reset."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from deploying import Served, eventually

from labsupport.cloud import server
from labsupport.cloud.runner import reap
from labsupport.cloud.services.ec2 import machine
from labsupport.cloud.services.ec2.base import Instance


def launch(cloud: Any, count: int = 1, **more: Any) -> list[str]:
    ec2 = cloud.client("ec2")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    made = ec2.run_instances(ImageId=image, MinCount=count, MaxCount=count, **more)["Instances"]
    cloud.settle("ec2")
    return [one["InstanceId"] for one in made]


def processes(*names: str) -> list[psutil.Process]:
    return reap.find(names)


def agent(cloud: Any, name: str) -> int:
    """The process number of an instance's agent, once it has taken its place."""
    path = cloud.home / "instances" / name / "root/opt/codedeploy-agent/state/.pid/codedeploy-agent.pid"
    return int(eventually(lambda: path.exists() and path.read_text().strip()))


def state(cloud: Any, name: str) -> str:
    answer = cloud.client("ec2").describe_instances(InstanceIds=[name])
    return str(answer["Reservations"][0]["Instances"][0]["State"]["Name"])


def serving(cloud: Any, name: str) -> int:
    """Leave a service running on the instance, as a hook would; its process number."""
    root = cloud.home / "instances" / name / "root"
    return int(eventually(lambda: (root / "srv/pid").exists() and (root / "srv/pid").read_text().strip()))


SERVICE = '#!/bin/sh\nsetsid sleep 600 </dev/null >/dev/null 2>&1 &\necho $! > "$INSTANCE_ROOT/srv/pid"\n'


def test_an_orderly_stop_ends_all_and_a_start_boots(start_cloud: Any, tmp_path: Path) -> None:
    cloud = start_cloud(home=tmp_path / "home")
    (name,) = launch(cloud, UserData=SERVICE)
    service, first = serving(cloud, name), agent(cloud, name)
    assert {service, first} <= {one.pid for one in processes(name)}
    cloud.stop()
    assert processes(name) == []
    again = start_cloud(home=tmp_path / "home")
    again.settle("ec2")
    assert state(again, name) == "running"
    assert eventually(lambda: agent(again, name) != first)
    assert agent(again, name) in [one.pid for one in processes(name)]
    assert len(processes(name)) == 1, "user data runs at the first boot only"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    found = Served(tmp_path / "home")
    yield found
    found.stop()


@pytest.mark.parametrize("same_port", [True, False])
def test_instances_outlive_a_cloud_that_is_killed(served: Served, same_port: bool) -> None:
    (name,) = launch(served, UserData=SERVICE)
    service, first = serving(served, name), agent(served, name)
    served.kill()
    served.start("" if same_port else free_port())
    eventually(lambda: same_port or agent(served, name) != first)
    served.settle("ec2")
    assert psutil.pid_exists(service)
    assert agent(served, name) in [one.pid for one in processes(name)]
    log = served.home / "instances" / name / "root/var/log/aws/codedeploy-agent/codedeploy-agent.log"
    served.client("ec2").terminate_instances(InstanceIds=[name])
    assert log.read_text().count("agent starts") == (1 if same_port else 2), "the old one knew an address that is gone"
    served.settle("ec2")
    assert processes(name) == []


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_an_agent_that_ends_is_started_again(cloud: Any) -> None:
    (name,) = launch(cloud)
    first = agent(cloud, name)
    psutil.Process(first).kill()
    assert eventually(lambda: agent(cloud, name) != first)
    cloud.settle("ec2")
    assert [one.pid for one in processes(name)] == [agent(cloud, name)]


def test_an_agent_that_has_only_just_begun_is_ended_too(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between fork and exec, and shortly after, a process does not show the environment that it is known by."""
    (name,) = launch(cloud)
    found = reap.find
    monkeypatch.setattr(reap, "find", lambda names, session=None: found([], session) if session else [])
    cloud.client("ec2").stop_instances(InstanceIds=[name])
    cloud.settle("ec2")
    monkeypatch.undo()
    assert state(cloud, name) == "stopped"
    assert processes(name) == []


def test_a_stopped_instance_stays_stopped(start_cloud: Any, tmp_path: Path) -> None:
    cloud = start_cloud(home=tmp_path / "home")
    (name,) = launch(cloud)
    cloud.client("ec2").stop_instances(InstanceIds=[name])
    cloud.settle("ec2")
    assert processes(name) == []
    cloud.stop()
    again = start_cloud(home=tmp_path / "home")
    again.settle("ec2")
    assert state(again, name) == "stopped"
    assert processes(name) == []


def test_a_change_of_state_that_a_kill_interrupted_is_finished(start_cloud: Any, tmp_path: Path) -> None:
    cloud = start_cloud(home=tmp_path / "home")
    (name,) = launch(cloud)

    def interrupted(running: Any) -> None:
        with running.store.transaction():
            one = running.store.get(Instance, "123456789012", "us-east-1", name)
            one.state = "shutting-down"
            running.store.put(one)

    cloud.on_loop(interrupted)
    cloud.stop()
    again = start_cloud(home=tmp_path / "home")
    again.settle("ec2")
    assert state(again, name) == "terminated"
    assert not (again.home / "instances" / name).exists()


def test_a_reset_leaves_nothing_behind(cloud: Any) -> None:
    names = launch(cloud, 2, UserData=SERVICE)
    services = [serving(cloud, name) for name in names]
    cloud.on_loop(server.reset)
    assert processes(*names) == []
    assert not any(psutil.pid_exists(one) and psutil.Process(one).status() != "zombie" for one in services)
    assert not (cloud.home / "instances").exists()
    assert cloud.client("ec2").describe_instances()["Reservations"] == []
    assert launch(cloud), "instances can be launched anew"


def test_terminated_instances_are_forgotten_after_an_hour(cloud: Any) -> None:
    ec2 = cloud.client("ec2")
    (name,) = launch(cloud)
    ec2.terminate_instances(InstanceIds=[name])
    cloud.settle("ec2")
    assert state(cloud, name) == "terminated"

    def age(running: Any) -> None:
        with running.store.transaction():
            one = running.store.get(Instance, "123456789012", "us-east-1", name)
            one.ended -= 3601
            running.store.put(one)

    cloud.on_loop(age)
    assert ec2.describe_instances()["Reservations"] == []
    (other,) = launch(cloud)
    ec2.terminate_instances(InstanceIds=[other])
    cloud.settle("ec2")
    kept = cloud.on_loop(lambda running: [one.id for one in running.store.list(Instance)])
    assert kept == [other]


def test_an_instance_that_cannot_boot_is_terminated_with_a_reason(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(machine, "make", fail)
    (name,) = launch(cloud)
    cloud.settle("ec2")
    answer = cloud.client("ec2").describe_instances(InstanceIds=[name])["Reservations"][0]["Instances"][0]
    assert answer["State"]["Name"] == "terminated"
    assert "No space left on device" in answer["StateReason"]["Message"]
