"""What deployments need before the first one: roles, a bucket, instances, an application and its group."""

import io
import json
import signal
import subprocess
import time
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labsupport.cloud.runner import reap
from labsupport.commands.background import started, stopped
from labsupport.session import client_of

BUCKET = "revisions"
HOST_ACTIONS = ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"]  # the last one lets S3 say what is missing


def trust(service: str) -> str:
    principal = {"Service": f"{service}.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def policy(actions: list[str], resource: str = "*") -> str:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def bundle(files: dict[str, str], modes: dict[str, int] | None = None) -> bytes:
    """A zip of files by name; scripts (`*.sh`) are executable unless `modes` says otherwise."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
            info.create_system = 3
            mode = (modes or {}).get(name, 0o755 if name.endswith(".sh") else 0o644)
            info.external_attr = (0o100000 | mode) << 16
            archive.writestr(info, text)
    return target.getvalue()


def folder_bundle(folder: Path) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, str(path.relative_to(folder)))
    return target.getvalue()


def appspec(hooks: dict[str, str], files: dict[str, str] | None = None, more: str = "") -> str:
    """An AppSpec of hooks (event -> script, or `script timeout`) and files (source -> destination)."""
    lines = ["version: 0.0", "os: linux"]
    if files:
        lines.append("files:")
        for source, destination in files.items():
            lines += [f"  - source: {source}", f"    destination: {destination}"]
    if hooks:
        lines.append("hooks:")
        for event, script in hooks.items():
            location, _, timeout = script.partition(" ")
            lines += [f"  {event}:", f"    - location: {location}"]
            lines += [f"      timeout: {timeout}"] if timeout else []
    return "\n".join(lines) + "\n" + more


class World:
    """An account in which things can be deployed. `cloud` is a RunningCloud."""

    def __init__(self, cloud: Any, instances: int = 1, **group: Any) -> None:
        self.cloud = cloud
        self.connect()
        self.roles()
        self.s3.create_bucket(Bucket=BUCKET)
        self.instances = self.launch(instances) if instances else []
        self.deploy_api.create_application(applicationName="shop")
        self.group("prod", **group)

    def connect(self) -> None:
        """Clients for where the cloud is now."""
        self.iam, self.ec2 = self.cloud.client("iam"), self.cloud.client("ec2")
        self.s3, self.deploy_api = self.cloud.client("s3"), self.cloud.client("codedeploy")

    def roles(self) -> None:
        for name, service, actions in (
            ("host", "ec2", HOST_ACTIONS),
            ("deployer", "codedeploy", ["ec2:DescribeInstances", "sns:Publish"]),
        ):
            self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service))
            self.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(actions))
        self.iam.create_instance_profile(InstanceProfileName="host")
        self.iam.add_role_to_instance_profile(InstanceProfileName="host", RoleName="host")

    def launch(self, count: int = 1, **more: Any) -> list[dict[str, Any]]:
        image = self.ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "app", "Value": "shop"}]}]
        wanted = {"InstanceType": "t3.micro", "IamInstanceProfile": {"Name": "host"}, "TagSpecifications": tags}
        made = self.ec2.run_instances(ImageId=image, MinCount=count, MaxCount=count, **{**wanted, **more})
        self.cloud.settle("ec2")
        found: list[dict[str, Any]] = made["Instances"]
        return found

    def group(self, name: str, **more: Any) -> None:
        wanted = {
            "serviceRoleArn": "arn:aws:iam::123456789012:role/deployer",
            "deploymentConfigName": "CodeDeployDefault.AllAtOnce",
            "ec2TagFilters": [{"Key": "app", "Value": "shop", "Type": "KEY_AND_VALUE"}],
        }
        names = {"applicationName": "shop", "deploymentGroupName": name}
        self.deploy_api.create_deployment_group(**names, **{**wanted, **more})

    def upload(self, content: bytes, key: str = "shop.zip") -> dict[str, Any]:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        return {"revisionType": "S3", "s3Location": {"bucket": BUCKET, "key": key, "bundleType": "zip"}}

    def start(self, revision: dict[str, Any], group: str = "prod", **more: Any) -> str:
        names = {"applicationName": "shop", "deploymentGroupName": group}
        answer = self.deploy_api.create_deployment(**names, revision=revision, **more)
        return str(answer["deploymentId"])

    def deploy(self, files: dict[str, str] | bytes, key: str = "shop.zip", **more: Any) -> dict[str, Any]:
        """Upload, deploy, wait for the end."""
        content = files if isinstance(files, bytes) else bundle(files)
        return self.finished(self.start(self.upload(content, key), **more))

    def finished(self, deployment: str) -> dict[str, Any]:
        self.cloud.settle("codedeploy")
        found: dict[str, Any] = self.deploy_api.get_deployment(deploymentId=deployment)["deploymentInfo"]
        return found

    def events(self, deployment: str, at: int = 0) -> dict[str, dict[str, Any]]:
        """The lifecycle events on an instance, by name."""
        target = self.target(deployment, at)
        return {one["lifecycleEventName"]: one for one in target["lifecycleEvents"]}

    def target(self, deployment: str, at: int = 0) -> dict[str, Any]:
        name = self.instances[at]["InstanceId"]
        answer = self.deploy_api.get_deployment_target(deploymentId=deployment, targetId=name)
        found: dict[str, Any] = answer["deploymentTarget"]["instanceTarget"]
        return found

    def root(self, at: int = 0) -> Path:
        found: Path = self.cloud.home / "instances" / self.instances[at]["InstanceId"] / "root"
        return found

    def agent_log(self, at: int = 0) -> str:
        return (self.root(at) / "var/log/aws/codedeploy-agent/codedeploy-agent.log").read_text()


def get_json(url: str) -> dict[str, Any]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def eventually(look: Callable[[], Any]) -> Any:
    """What `look` finds once it finds something: for what another process does in its own time."""
    until = time.monotonic() + 30
    while not (found := look()):
        assert time.monotonic() < until, "it has not come to pass"
        time.sleep(0.01)
    return found


class Served:
    """The cloud as a process of its own, which can be killed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.start()

    def start(self, port: str = "") -> None:
        """At the port it had before, or another."""
        if port:
            (self.home / "port").write_text(port)
        endpoint, process = started(self.home)
        assert process is not None, "a cloud runs there already"
        self.url, self.process = endpoint.url, process
        self.client = client_of(self.home, self.url)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self._ended()

    def stop(self) -> None:
        """In order; what a cloud that was killed has left running is ended too."""
        stopped(self.home)
        self._ended()
        reap.reap([one.name for one in (self.home / "instances").glob("*")])

    def _ended(self) -> None:
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            if self.process.stderr:
                self.process.stderr.close()

    def settle(self, service: str) -> None:
        eventually({"ec2": self._instances_rest, "codedeploy": self._deployments_rest}[service])

    def _instances_rest(self) -> bool:
        answer = self.client("ec2").describe_instances()["Reservations"]
        states = {one["State"]["Name"] for reservation in answer for one in reservation["Instances"]}
        return states <= {"running", "stopped", "terminated"}

    def _deployments_rest(self) -> bool:
        active = ["Created", "Queued", "InProgress"]
        return not self.client("codedeploy").list_deployments(includeOnlyStatuses=active)["deployments"]


SILENT = {"appspec.yml": appspec({}, {"v": "/srv"}), "v": "1"}
