"""The protocol of CodeDeploy's agents: who may speak for an instance, long polls, and each call's answer."""

import base64
import json
import threading
import time
from typing import Any

import pytest
from deploying import World, appspec, bundle, eventually, trust

from labsupport.agent.calls import ServiceError, Services
from labsupport.agent.envelope import content
from labsupport.agent.metadata import Metadata
from labsupport.agent.signing import Credentials
from labsupport.cloud.services.ec2 import machine
from labsupport.cloud.services.ec2.base import Instance

HOST = "arn:aws:ec2:us-east-1:123456789012:instance/"
FILES = {"appspec.yml": appspec({}, {"v": "/srv"}), "v": "1"}


class Agents:
    """The test plays the agents: the instances' own have been taken away."""

    def __init__(self, cloud: Any, instances: int = 1, **group: Any) -> None:
        self.cloud = cloud
        self.world = World(cloud, instances, **group)
        self.names = [one["InstanceId"] for one in self.world.instances]
        cloud.on_loop(lambda running: machine.end_all(running, self.names))

    def services(self, at: int = 0) -> Services:
        """What an agent on the instance calls with."""

        def endpoint(cloud: Any) -> str:
            record = cloud.store.get(Instance, "123456789012", "us-east-1", self.names[at])
            return machine.environment(cloud, record)["AWS_EC2_METADATA_SERVICE_ENDPOINT"]

        return Services(self.cloud.url, "us-east-1", Metadata(self.cloud.on_loop(endpoint).rstrip("/")))

    def poll(self, at: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = self.services(at).command("PollHostCommand", HostIdentifier=HOST + self.names[at])
        return found.get("HostCommand", {})

    def complete(self, command: dict[str, Any], status: str = "Succeeded", **diagnostics: Any) -> None:
        name = command["HostCommandIdentifier"]
        given = {"Format": "JSON", "Payload": json.dumps(diagnostics)} if diagnostics else None
        more = {"Diagnostics": given} if given else {}
        self.services().command("PutHostCommandComplete", HostCommandIdentifier=name, CommandStatus=status, **more)

    def acknowledge(self, command: dict[str, Any]) -> str:
        name = command["HostCommandIdentifier"]
        answer = self.services().command("PutHostCommandAcknowledgement", HostCommandIdentifier=name)
        return str(answer["CommandStatus"])

    def start(self, **more: Any) -> str:
        return self.world.start(self.world.upload(bundle(FILES)), **more)

    def status(self, deployment: str) -> str:
        found = self.world.deploy_api.get_deployment(deploymentId=deployment)
        return str(found["deploymentInfo"]["status"])


@pytest.fixture
def agents(cloud: Any) -> Agents:
    return Agents(cloud)


def test_a_whole_deployment_by_hand(agents: Agents) -> None:
    deployment = agents.start()
    seen = []
    while command := agents.poll() if agents.status(deployment) == "InProgress" or not seen else None:
        assert command["HostIdentifier"] == HOST + agents.names[0]
        assert agents.acknowledge(command) == "InProgress"
        seen.append(command["CommandName"])
        agents.complete(command, error_code=0, script_name="", message="Succeeded", log=f"log of {seen[-1]}")
    assert seen == [
        "ApplicationStop",
        "DownloadBundle",
        "BeforeInstall",
        "Install",
        "AfterInstall",
        "ApplicationStart",
        "ValidateService",
    ]
    assert agents.world.finished(deployment)["status"] == "Succeeded"
    assert agents.world.events(deployment)["Install"]["diagnostics"]["logTail"] == "log of Install"


def test_the_specification_is_a_signed_message(agents: Agents) -> None:
    deployment = agents.start(fileExistsBehavior="RETAIN")
    command = agents.poll()
    params = {"DeploymentExecutionId": command["DeploymentExecutionId"], "HostIdentifier": HOST + agents.names[0]}
    answer = agents.services().command("GetDeploymentSpecification", **params)
    assert answer["DeploymentSystem"] == "CodeDeploy"
    envelope = answer["DeploymentSpecification"]["GenericEnvelope"]
    assert envelope["Format"] == "PKCS7/JSON"
    group = agents.world.deploy_api.get_deployment_group(applicationName="shop", deploymentGroupName="prod")
    assert json.loads(content(envelope["Payload"])) == {
        "DeploymentId": deployment,
        "DeploymentGroupId": group["deploymentGroupInfo"]["deploymentGroupId"],
        "DeploymentGroupName": "prod",
        "ApplicationName": "shop",
        "DeploymentCreator": "user",
        "DeploymentType": "IN_PLACE",
        "AgentActionOverrides": {"AgentOverrides": {"FileExistsBehavior": "RETAIN"}},
        "Revision": {
            "RevisionType": "S3",
            "S3Revision": {"Bucket": "revisions", "Key": "shop.zip", "BundleType": "zip"},
        },
    }
    again = agents.services().command("GetDeploymentSpecification", **params)
    assert again == answer, "an agent that asks seven times is given the same signature"


def test_a_poll_waits_for_a_command(agents: Agents) -> None:
    found: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: found.append(agents.poll()))
    waiting.start()
    until_waiting(agents)
    assert not found
    agents.start()
    waiting.join(10)
    assert found[0]["CommandName"] == "ApplicationStop"


def until_waiting(agents: Agents, others: int = 0) -> None:
    """Until the instance's poll waits at the service."""

    def waits(cloud: Any) -> bool:
        hosts = cloud.rooms.get("codedeploy.hosts")
        return hosts is not None and len(hosts.waiting) > others

    eventually(lambda: agents.cloud.on_loop(waits))


def test_a_poll_without_a_command_ends_after_twenty_seconds(agents: Agents) -> None:
    found: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: found.append(agents.poll()))
    waiting.start()
    until_waiting(agents)
    agents.cloud.advance(19)
    assert waiting.is_alive()
    agents.cloud.advance(2)
    waiting.join(10)
    assert found == [{}]


def test_the_newest_poll_of_an_instance_counts(agents: Agents) -> None:
    found: list[dict[str, Any]] = []
    first = threading.Thread(target=lambda: found.append(agents.poll()))
    first.start()
    until_waiting(agents)
    second = threading.Thread(target=lambda: found.append(agents.poll()))
    second.start()
    first.join(10)
    assert found == [{}], "the first one's agent is gone, or asks twice"
    until_waiting(agents)
    agents.start()
    second.join(10)
    assert found[1]["CommandName"] == "ApplicationStop"


def test_a_poll_whose_agent_is_gone_is_offered_nothing(agents: Agents) -> None:
    services = agents.services()
    services.metadata.credentials()
    with pytest.raises(TimeoutError):
        services.command("PollHostCommand", timeout=0.2, HostIdentifier=HOST + agents.names[0])
    eventually(lambda: agents.cloud.on_loop(lambda cloud: not cloud.rooms["codedeploy.hosts"].waiting))
    agents.start()
    assert agents.poll()["CommandName"] == "ApplicationStop"


def test_polls_do_not_hold_up_the_clouds_stop(agents: Agents) -> None:
    waiting = threading.Thread(target=lambda: agents.poll())
    waiting.start()
    until_waiting(agents)
    begun = time.monotonic()
    agents.cloud.stop()
    assert time.monotonic() - begun < 2.5
    waiting.join(10)


def test_a_command_that_nobody_acknowledges_is_offered_again(agents: Agents) -> None:
    agents.start()
    first = agents.poll()
    found: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: found.append(agents.poll()))
    waiting.start()
    until_waiting(agents)
    agents.cloud.advance(4)
    assert not found
    agents.cloud.advance(2)
    waiting.join(10)
    assert found == [first]


def test_an_acknowledged_command_is_not_offered_again(agents: Agents) -> None:
    agents.start()
    agents.acknowledge(agents.poll())
    found: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: found.append(agents.poll()))
    waiting.start()
    until_waiting(agents)
    agents.cloud.advance(21)
    waiting.join(10)
    assert found == [{}]


def test_a_completion_counts_once(agents: Agents) -> None:
    deployment = agents.start()
    command = agents.poll()
    agents.complete(command)
    agents.complete(command, "Failed", error_code=4, script_name="s", message="m", log="l")
    assert agents.world.events(deployment)["ApplicationStop"]["status"] == "Succeeded"
    assert agents.acknowledge(command) == "Succeeded"
    assert agents.poll()["CommandName"] == "DownloadBundle"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (1, "ScriptMissing"),
        (2, "ScriptNotExecutable"),
        (3, "ScriptTimedOut"),
        (4, "ScriptFailed"),
        (5, "UnknownError"),
        (7, "UnknownError"),
        ("x", "UnknownError"),
    ],
)
def test_what_an_agent_reports_is_shown(shared_agents: Agents, number: Any, code: str) -> None:
    deployment = shared_agents.start()
    command = shared_agents.poll()
    shared_agents.acknowledge(command)
    shared_agents.complete(command, "Failed", error_code=number, script_name="s.sh", message="it failed", log="log")
    found = shared_agents.world.events(deployment)["ApplicationStop"]["diagnostics"]
    assert found["errorCode"] == code
    if number != "x":
        assert (found["scriptName"], found["message"], found["logTail"]) == ("s.sh", "it failed", "log")


@pytest.fixture(scope="module")
def shared_agents(shared_cloud: Any) -> Agents:
    """Two instances, the second of which is not deployed to."""
    found = Agents(shared_cloud)
    other = found.world.launch(1, TagSpecifications=[])[0]["InstanceId"]
    found.names.append(other)
    shared_cloud.on_loop(lambda running: machine.end_all(running, [other]))
    return found


def test_a_command_of_a_stopped_deployment_is_not_wanted(agents: Agents) -> None:
    deployment = agents.start()
    command = agents.poll()
    agents.world.deploy_api.stop_deployment(deploymentId=deployment)
    assert agents.world.finished(deployment)["status"] == "Stopped"
    assert agents.acknowledge(command) == "Failed"
    update = agents.services().command("PostHostCommandUpdate", HostCommandIdentifier=command["HostCommandIdentifier"])
    assert update["CommandStatus"] == "Failed"


def test_a_command_that_is_never_reported_ends_after_an_hour(agents: Agents) -> None:
    deployment = agents.start()
    command = agents.poll()
    agents.acknowledge(command)
    agents.cloud.advance(3600)
    assert agents.status(deployment) == "InProgress"
    agents.cloud.advance(61)
    assert agents.world.finished(deployment)["status"] == "Failed"
    message = agents.world.events(deployment)["ApplicationStop"]["diagnostics"]["message"]
    assert "has not told for an hour" in message


def identifier(*parts: str) -> str:
    return base64.urlsafe_b64encode("/".join(parts).encode()).decode()


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("PollHostCommand", {"HostIdentifier": "me"}, "ClientException"),
        ("PollHostCommand", {"HostIdentifier": "arn:aws:iam::123456789012:user/x"}, "ClientException"),
        ("PollHostCommand", {"HostIdentifier": HOST + "i-0"}, "AccessDeniedException"),
        ("PollHostCommand", {"HostIdentifier": "OTHER"}, "AccessDeniedException"),
        ("PollHostCommand", {}, "ValidationException"),
        ("PutHostCommandAcknowledgement", {"HostCommandIdentifier": "!!"}, "ClientException"),
        ("PutHostCommandAcknowledgement", {"HostCommandIdentifier": identifier("a", "b")}, "ClientException"),
        (
            "PutHostCommandAcknowledgement",
            {"HostCommandIdentifier": identifier("123456789012", "us-east-1", "i-0", "d-1", "Install")},
            "AccessDeniedException",
        ),
        ("PutHostCommandAcknowledgement", {"HostCommandIdentifier": "OWN"}, "ClientException"),
        ("GetDeploymentSpecification", {"DeploymentExecutionId": "x", "HostIdentifier": "OWN"}, "ValidationException"),
        (
            "GetDeploymentSpecification",
            {"DeploymentExecutionId": "a/b/c/d-0", "HostIdentifier": "OWN"},
            "ClientException",
        ),
    ],
)
def test_what_is_refused(shared_agents: Agents, operation: str, params: dict[str, str], code: str) -> None:
    own, other = (HOST + name for name in shared_agents.names)
    command = identifier("123456789012", "us-east-1", shared_agents.names[0], "d-000000000", "Install")
    meant = {"HostIdentifier": {"OWN": own, "OTHER": other}, "HostCommandIdentifier": {"OWN": command}}
    given = {name: meant.get(name, {}).get(value, value) for name, value in params.items()}
    with pytest.raises(ServiceError) as caught:
        shared_agents.services().command(operation, **given)
    assert caught.value.code == code


@pytest.mark.parametrize("who", ["learner", "the role, assumed by somebody"])
def test_nobody_else_speaks_for_an_instance(shared_agents: Agents, who: str) -> None:
    services, cloud = shared_agents.services(), shared_agents.cloud
    if who == "learner":
        answer = cloud.client("sts").get_session_token()
        mine, token = answer["Credentials"], answer["Credentials"]["SessionToken"]
    else:
        iam = cloud.client("iam")
        document = json.loads(trust("ec2"))
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": "sts:AssumeRole",
        }
        document["Statement"].append(statement)
        iam.update_assume_role_policy(RoleName="host", PolicyDocument=json.dumps(document))
        arn = "arn:aws:iam::123456789012:role/host"
        session = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName=shared_agents.names[0])
        mine, token = session["Credentials"], session["Credentials"]["SessionToken"]
    services.metadata.kept = Credentials(mine["AccessKeyId"], mine["SecretAccessKey"], token, time.time() + 3600)
    with pytest.raises(ServiceError) as caught:
        services.command("PollHostCommand", HostIdentifier=HOST + shared_agents.names[0])
    assert caught.value.code == "AccessDeniedException"
    assert "is not authorized to speak for" in str(caught.value)
