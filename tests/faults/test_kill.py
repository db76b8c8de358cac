"""kill -9 at ten moments of the chain: what was acknowledged is there, what ran goes on or ends with a reason."""

import json
import random
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from labsupport import mailbox, samples
from labsupport.commands.background import started, stopped
from labsupport.demo import repository, setting, watching
from labsupport.session import client_of

# Where the cloud is killed, and how long after that has begun, at most: about as long as it takes, in seconds.
PLACES = {"Push": 0.5, "Source": 0.1, "Build": 3.0, "Provision": 0.3, "Deploy": 2.0}
PATIENCE = 60.0
SEED = 20


class Chain:
    """A home folder with the demo's chain, and the cloud that runs on it, dies and comes back."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clone = folder / "home", folder / "clone"
        self.acknowledged: list[str] = []  # commits whose push git has reported as done
        self.objects: dict[tuple[str, str], str] = {}  # (key, version) -> ETag
        self.executions: set[str] = set()
        self.start()
        self.port = self.endpoint.url
        self.setting = setting.prepare(client_of(self.folder, self.endpoint.url))
        mailbox.confirm_subscriptions(self.folder)
        repository.clone(self.setting.client, self.setting["Repository"], self.clone)
        samples.copy_shop(self.clone, "1.0.0")

    def start(self) -> None:
        self.endpoint, process = started(self.folder)
        assert process is not None, "the cloud runs already"
        self.process: subprocess.Popen[bytes] = process

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.ended()

    def ended(self) -> None:
        self.process.wait(PATIENCE)
        if self.process.stderr:
            self.process.stderr.close()

    def push(self, version: str) -> None:
        """Push a release, beside whatever happens meanwhile."""
        samples.set_version(self.clone, version)

        def work() -> None:
            try:
                self.acknowledged.append(repository.push(self.clone, f"Release {version}"))
            except repository.GitFailed:
                pass  # the cloud died before it said yes

        self.pushing = threading.Thread(target=work)
        self.pushing.start()

    def drive(self, until: float, place: str = "") -> None:
        """Approve what waits and note what is there until the time comes, `place` is reached, or all has ended."""
        before = len(self.acknowledged)
        while (left := until - time.monotonic()) > 0:
            approved = self.note()
            if self.at_rest() or place == "Push" or (approved and place == "Provision"):
                return
            if (place == "Source" and len(self.acknowledged) > before) or self.is_at(place):
                return
            time.sleep(min(0.03, left))

    def is_at(self, place: str) -> bool:
        """Whether that action is in progress."""
        looks = [watching.look(self.setting, run["pipelineExecutionId"]) for run in self.running()]
        return any((run.action(place) or {}).get("status") == "InProgress" for run in looks)

    def at_rest(self) -> bool:
        """Whether the last push is through (or failed) and what it started has ended."""
        if self.pushing.is_alive() or self.running():
            return False
        return not self.acknowledged or self.fetched(self.acknowledged[-1])

    def note(self) -> bool:
        """Remember what is there; whether an approval was given, after which Provision begins."""
        approved = False
        for run in self.runs():
            self.executions.add(run["pipelineExecutionId"])
            if run["status"] == "InProgress":
                waiting = watching.waits_for_approval(
                    self.setting, watching.look(self.setting, run["pipelineExecutionId"])
                )
                if waiting:
                    watching.approve(self.setting, waiting)
                    approved = True
        self.objects |= {} if approved else self.stored()
        return approved

    def stored(self) -> dict[tuple[str, str], str]:
        listed = self.setting.client("s3").list_object_versions(Bucket=self.setting["Bucket"]).get("Versions", [])
        return {(one["Key"], one["VersionId"]): one["ETag"] for one in listed}

    def runs(self) -> list[dict[str, Any]]:
        answer = self.setting.client("codepipeline").list_pipeline_executions(pipelineName=self.setting["Pipeline"])
        found: list[dict[str, Any]] = answer["pipelineExecutionSummaries"]
        return found

    def running(self) -> list[dict[str, Any]]:
        return [run for run in self.runs() if run["status"] not in watching.ENDED]

    def fetched(self, commit: str) -> bool:
        return any(one.get("revisionId") == commit for run in self.runs() for one in run["sourceRevisions"])


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    found = Chain(tmp_path_factory.mktemp("killed"))
    yield found
    stopped(found.folder)
    found.ended()


def test_a_killed_cloud_loses_nothing_and_ends_what_it_began(chain: Chain) -> None:
    chance = random.Random(SEED)
    moments = [(place, chance.random() * longest) for place, longest in PLACES.items() for _ in range(2)]
    chance.shuffle(moments)
    for number, (place, delay) in enumerate(moments):
        if number == 0 or place in ("Push", "Source") or chain.at_rest():
            chain.push(f"1.{number}.0")
        chain.drive(time.monotonic() + PATIENCE, place)
        time.sleep(delay)
        chain.kill()
        chain.pushing.join(PATIENCE)
        chain.start()
        assert chain.endpoint.url == chain.port, "the cloud came back at another address"
        check_nothing_is_lost(chain)
    chain.drive(time.monotonic() + PATIENCE)
    assert chain.at_rest(), f"still in progress: {chain.running()}"
    check_all_has_ended(chain)
    check_a_new_release_works(chain)


def check_nothing_is_lost(chain: Chain) -> None:
    client, names = chain.setting.client, chain.setting
    codecommit = client("codecommit")
    for commit in chain.acknowledged:
        codecommit.get_commit(repositoryName=names["Repository"], commitId=commit)
    if chain.acknowledged:
        head = codecommit.get_branch(repositoryName=names["Repository"], branchName="main")["branch"]["commitId"]
        assert head in (chain.acknowledged[-1], repository.git(chain.clone, "rev-parse", "HEAD"))
    for role in ("PipelineRole", "CodeBuildRole", "CloudFormationRole", "CodeDeployRole", "EventsRole"):
        name = names[f"{role}Arn"].rsplit("/", 1)[-1]
        assert client("iam").list_role_policies(RoleName=name)["PolicyNames"] == [name]
    assert client("kms").describe_key(KeyId="alias/shop")["KeyMetadata"]["Arn"] == names["KeyArn"]
    assert client("sns").list_subscriptions_by_topic(TopicArn=names["TopicArn"])["Subscriptions"]
    assert client("codebuild").batch_get_projects(names=[names["Project"]])["projects"]
    assert client("codedeploy").get_deployment_group(
        applicationName=names["Application"], deploymentGroupName=names["DeploymentGroup"]
    )
    assert client("events").list_targets_by_rule(Rule="shop-push")["Targets"]
    assert chain.executions <= {run["pipelineExecutionId"] for run in chain.runs()}
    check_objects(chain)


def check_objects(chain: Chain) -> None:
    """Every object that was listed is there, whole, and can be decrypted."""
    there, s3 = chain.stored(), chain.setting.client("s3")
    assert chain.objects.items() <= there.items()
    for (key, version), _ in list(there.items())[-4:]:
        answer = s3.get_object(Bucket=chain.setting["Bucket"], Key=key, VersionId=version)
        assert len(answer["Body"].read()) == answer["ContentLength"]


def check_all_has_ended(chain: Chain) -> None:
    """No execution, build, deployment or stack is in progress for ever; what failed says why."""
    client = chain.setting.client
    assert chain.runs()
    for run in chain.runs():
        assert run["status"] in watching.ENDED
        if run["status"] == "Failed":
            failed = [
                one
                for one in watching.look(chain.setting, run["pipelineExecutionId"]).actions
                if one["status"] == "Failed"
            ]
            assert failed, f"execution {run['pipelineExecutionId']} failed at no action"
            assert all(one["output"]["executionResult"].get("errorDetails", {}).get("message") for one in failed)
    builds = client("codebuild").list_builds()["ids"]
    for build in client("codebuild").batch_get_builds(ids=builds[:100])["builds"]:
        assert build["buildComplete"]
        assert build["buildStatus"] != "IN_PROGRESS"
        if build["buildStatus"] == "FAILED":
            assert any(one.get("contexts") for one in build["phases"]), build["id"]
    check_deployments(client("codedeploy"))
    for stack in client("cloudformation").describe_stacks()["Stacks"]:
        assert not stack["StackStatus"].endswith("_IN_PROGRESS")


def check_deployments(codedeploy: Any) -> None:
    for identifier in codedeploy.list_deployments()["deployments"]:
        found = codedeploy.get_deployment(deploymentId=identifier)["deploymentInfo"]
        assert found["status"] in ("Succeeded", "Failed", "Stopped")
        if found["status"] == "Failed":
            assert found["errorInformation"]["message"]


def check_a_new_release_works(chain: Chain) -> None:
    chain.push("2.0.0")
    chain.pushing.join(PATIENCE)
    begun = watching.started_by(chain.setting, chain.acknowledged[-1])
    chain.drive(time.monotonic() + PATIENCE)
    assert watching.look(chain.setting, begun.id).status == "Succeeded"
    assert served(chain) == "2.0.0"
    chain.kill()
    chain.start()
    until(lambda: served(chain) == "2.0.0", "the application to answer after a last kill")


def served(chain: Chain) -> str:
    """The version that the application answers with."""
    try:
        with urllib.request.urlopen(f"{watching.address(chain.setting)}/version", timeout=5) as answer:
            return str(json.loads(answer.read())["version"])
    except OSError:
        return ""


def test_nothing_of_it_is_left_running(chain: Chain) -> None:
    """After an orderly stop: neither builds nor instances of any of the lives that the cloud has had."""
    stopped(chain.folder)
    until(lambda: not of_home(chain.folder), "its processes to end")


def of_home(folder: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and (
                str(folder) in " ".join(process.cmdline()) or process.cwd().startswith(str(folder))
            ):
                found.append(f"{process.pid} {process.cmdline()}")
        except (psutil.Error, OSError):
            continue
    return found


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"waited {PATIENCE:.0f} seconds for {what}"
        time.sleep(0.05)
