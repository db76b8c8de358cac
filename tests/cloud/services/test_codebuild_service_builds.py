"""Builds as records: overrides, repeats, listings, deletion, the events and the trail that they leave."""

import json
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from codebuild_help import Gate, Works, allow, new_role, reasons, spec

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import root
from labsupport.cloud.services.codebuild.buildspec import parse
from labsupport.cloud.services.codebuild.fields import BuildspecError


@pytest.fixture(scope="module")
def works(shared_cloud: Any) -> Works:
    found = Works(shared_cloud, "builds")
    found.project(timeoutInMinutes=30)
    return found


def refusal(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_overrides(works: Works) -> None:
    role = new_role(works.cloud, "other-role")
    build = works.start(
        spec("echo other"),
        imageOverride="aws/codebuild/standard:7.0",
        computeTypeOverride="BUILD_GENERAL1_LARGE",
        privilegedModeOverride=True,
        timeoutInMinutesOverride=8,
        queuedTimeoutInMinutesOverride=9,
        serviceRoleOverride=role,
        encryptionKeyOverride="alias/mine",
        sourceVersion="v1",
    )
    environment = build["environment"]
    assert environment["image"] == "aws/codebuild/standard:7.0"
    assert (environment["computeType"], environment["privilegedMode"]) == ("BUILD_GENERAL1_LARGE", True)
    assert (build["timeoutInMinutes"], build["queuedTimeoutInMinutes"]) == (8, 9)
    assert (build["serviceRole"], build["encryptionKey"], build["sourceVersion"]) == (role, "alias/mine", "v1")
    assert "echo other" in build["source"]["buildspec"]
    project = works.codebuild.batch_get_projects(names=["builds"])["projects"][0]
    assert project["timeoutInMinutes"] == 30  # the project stays as it is
    works.ended(build)


@pytest.mark.parametrize(
    "override",
    [
        {"debugSessionEnabled": True},
        {"autoRetryLimitOverride": 2},
        {"insecureSslOverride": True},
        {"reportBuildStatusOverride": True},
        {"certificateOverride": "b/c"},
        {"hostKernelOverride": "LINUX_KERNEL_6"},
        {"sourceTypeOverride": "GITHUB", "sourceLocationOverride": "https://github.com/a/b"},
        {"environmentTypeOverride": "ARM_CONTAINER"},
        {"cacheOverride": {"type": "LOCAL"}},
        {"gitSubmodulesConfigOverride": {"fetchSubmodules": True}},
    ],
)
def test_overrides_that_the_lab_has_not(works: Works, override: dict[str, Any]) -> None:
    assert refusal(works.codebuild.start_build, projectName="builds", **override)[0] == "NotSimulated"


def test_passing_another_role_is_asked_for(works: Works) -> None:
    role = new_role(works.cloud, "starter", allow("codebuild:*"), service="codedeploy")
    iam = works.cloud.client("iam")
    iam.update_assume_role_policy(RoleName="starter", PolicyDocument=json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}],
    }))  # fmt: skip
    session = works.cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    client = works.cloud.client("codebuild", credentials=session)
    assert client.start_build(projectName="builds")["build"]["initiator"] == "starter/me"
    code, message = refusal(client.start_build, projectName="builds", serviceRoleOverride=role)
    assert (code, "iam:PassRole" in message) == ("AccessDeniedException", True)
    works.cloud.settle("codebuild")


def test_a_start_that_is_asked_for_twice(works: Works) -> None:
    first = works.start(idempotencyToken="once")
    assert works.start(idempotencyToken="once")["id"] == first["id"]
    assert works.start(idempotencyToken="twice")["id"] != first["id"]
    code, message = refusal(
        works.codebuild.start_build, projectName="builds", idempotencyToken="once", imageOverride="another"
    )
    assert (code, message.startswith("Parameter mismatch")) == ("InvalidInputException", True)
    works.ended(first)
    assert works.start(idempotencyToken="once")["id"] == first["id"]


def test_a_token_is_forgotten_after_a_while(cloud: Any) -> None:
    works = Works(cloud, "tokens")
    works.project()
    first = works.run(idempotencyToken="once")
    works.cloud.advance(290)
    assert works.start(idempotencyToken="once")["id"] == first["id"]
    works.cloud.advance(9)
    assert works.start(idempotencyToken="once")["id"] == first["id"]
    works.cloud.on_loop(lambda found: found.clock.advance(2))
    again = works.cloud.on_loop(_start_inside)
    works.cloud.advance(-301)
    assert again != first["id"]
    works.cloud.settle("codebuild")


def _start_inside(cloud: Any) -> str:
    """As a client would whose clock goes with the lab's."""
    caller = root("123456789012")
    call = Call(cloud, cloud.service("codebuild"), "", caller, "123456789012", "us-east-1")
    params = {"projectName": "tokens", "idempotencyToken": "once"}
    found: str = cloud.way_in.perform(call, "start_build", params)["build"]["id"]
    return found


def test_retried(works: Works) -> None:
    first = works.run(spec("echo again"), environmentVariablesOverride=[{"name": "A", "value": "b"}])
    again = works.codebuild.retry_build(id=first["id"])["build"]
    assert again["buildNumber"] == first["buildNumber"] + 1
    assert again["environment"] == first["environment"]
    again = works.ended(again)
    assert works.output(again) == ["again"]
    assert refusal(works.codebuild.retry_build, id="builds:" + "0" * 8 + "-0000-4000-8000-" + "0" * 12)[0] == (
        "ResourceNotFoundException"
    )


def test_only_ended_builds_are_retried_or_deleted(works: Works, tmp_path: Any) -> None:
    gate = Gate(tmp_path)
    build = works.start(spec(gate.command))
    gate.wait()
    assert refusal(works.codebuild.retry_build, id=build["id"])[0] == "InvalidInputException"
    answer = works.codebuild.batch_delete_builds(ids=[build["id"]])
    assert answer["buildsNotDeleted"] == [{"id": build["id"], "statusCode": "BUILD_IN_PROGRESS"}]
    gate.open()
    works.ended(build)
    answer = works.codebuild.batch_delete_builds(ids=[build["arn"], "builds:none"])
    assert answer["buildsDeleted"] == [build["arn"]]
    assert [one["statusCode"] for one in answer["buildsNotDeleted"]] == ["BUILD_NOT_FOUND"]
    assert works.codebuild.batch_get_builds(ids=[build["id"]])["buildsNotFound"] == [build["id"]]
    assert build["id"] not in works.codebuild.list_builds()["ids"]
    assert build["id"] not in works.codebuild.list_builds_for_project(projectName="builds")["ids"]


@pytest.mark.parametrize("operation", ["stop_build", "retry_build"])
@pytest.mark.parametrize("given", ["nonsense", "builds:123"])
def test_ids_that_are_none(works: Works, operation: str, given: str) -> None:
    assert refusal(getattr(works.codebuild, operation), id=given) == (
        "InvalidInputException",
        "Invalid build ID provided",
    )


def test_a_limit_of_builds_at_once(works: Works, tmp_path: Any) -> None:
    limited = Works(works.cloud, "limited")
    limited.project(works.role(name="limited-role"), concurrentBuildLimit=1)
    gate = Gate(tmp_path)
    limited.start(spec(gate.command))
    gate.wait()
    assert refusal(limited.codebuild.start_build, projectName="limited")[0] == "AccountLimitExceededException"
    gate.open()
    works.cloud.settle("codebuild")
    assert limited.run()["buildStatus"] == "SUCCEEDED"


def test_listings(cloud: Any) -> None:
    """Pages in both directions, which hold while builds are added."""
    one, two = Works(cloud, "one"), Works(cloud, "two")
    role = one.role()
    one.project(role)
    two.project(role)
    ids = [(one if number % 2 else two).start()["id"] for number in range(104)]
    codebuild = one.codebuild
    newest = codebuild.list_builds()
    assert newest["ids"] == ids[:3:-1]
    latest = one.start()["id"]
    assert codebuild.list_builds(nextToken=newest["nextToken"])["ids"] == ids[3::-1]
    oldest = codebuild.list_builds(sortOrder="ASCENDING")
    assert oldest["ids"] == ids[:100]
    rest = codebuild.list_builds(sortOrder="ASCENDING", nextToken=oldest["nextToken"])
    assert rest["ids"] == [*ids[100:], latest]
    of_one = codebuild.list_builds_for_project(projectName="one", sortOrder="ASCENDING")["ids"]
    assert of_one == [*ids[1::2], latest]
    for listing in (codebuild.list_builds, lambda **more: codebuild.list_builds_for_project(projectName="one", **more)):
        assert refusal(listing, nextToken="garbage")[0] == "InvalidInputException"
    assert refusal(codebuild.list_builds_for_project, projectName="none")[0] == "ResourceNotFoundException"
    cloud.settle("codebuild")


# Events


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any], list[str]]]:
    """What is published from now on: detail types, details, resources."""
    found: list[tuple[str, dict[str, Any], list[str]]] = []
    emit = Call.emit

    def listening(call: Call, detail_type: str, detail: dict[str, Any], resources: Any = ()) -> None:
        if detail_type.startswith("CodeBuild "):
            found.append((detail_type, json.loads(json.dumps(detail)), list(resources)))
        emit(call, detail_type, detail, resources)

    monkeypatch.setattr(Call, "emit", listening)
    return found


def test_events(works: Works, heard: list[tuple[str, dict[str, Any], list[str]]]) -> None:
    build = works.run(spec("false"), environmentVariablesOverride=[{"name": "A", "value": "b"}])
    states = [detail for kind, detail, _ in heard if kind == "CodeBuild Build State Change"]
    assert [one["build-status"] for one in states] == ["IN_PROGRESS", "FAILED"]
    assert [one["current-phase"] for one in states] == ["SUBMITTED", "COMPLETED"]
    assert all(resources == [build["arn"]] for _, _, resources in heard)
    last = states[-1]
    assert (last["build-id"], last["project-name"], last["version"]) == (build["arn"], "builds", "1")
    more = last["additional-information"]
    assert more["build-complete"] is True
    assert more["initiator"] == "learner"
    assert more["build-number"] == build["buildNumber"]
    assert more["source"] == {"type": "NO_SOURCE", "location": ""}
    assert more["environment"]["environment-variables"] == [{"name": "A", "value": "b", "type": "PLAINTEXT"}]
    assert more["logs"]["group-name"] == "/aws/codebuild/builds"
    assert more["logs"]["stream-name"] == build["id"].partition(":")[2]
    failed = next(one for one in more["phases"] if one["phase-type"] == "BUILD")
    context = "COMMAND_EXECUTION_ERROR: Error while executing command: false. Reason: exit status 1"
    assert (failed["phase-status"], failed["phase-context"]) == ("FAILED", [context])
    assert more["phases"][-1].keys() == {"phase-type", "start-time"}


def test_events_of_phases(works: Works, heard: list[tuple[str, dict[str, Any], list[str]]]) -> None:
    build = works.run(spec("false"))
    details = [detail for kind, detail, _ in heard if kind == "CodeBuild Build Phase Change"]
    assert [one["completed-phase"] for one in details] == [one["phaseType"] for one in build["phases"]]
    ended = next(one for one in details if one["completed-phase"] == "BUILD")
    context = "COMMAND_EXECUTION_ERROR: Error while executing command: false. Reason: exit status 1"
    assert ended["completed-phase-status"] == "FAILED"
    assert ended["completed-phase-context"] == f"[{context}]"
    assert ended["completed-phase-duration-seconds"] == 0
    hour = build["startTime"].astimezone(UTC)
    assert details[0]["completed-phase-start"] == f"{hour:%b} {hour.day}, {hour.year} {hour:%I:%M:%S %p}".replace(
        " 0", " "
    )
    assert details[-1]["completed-phase-status"] == "FAILED"


def test_a_rule_hears_of_a_failed_build(works: Works) -> None:
    """All the way: a rule's pattern on the event, and a topic's mailbox or log group at its end."""
    events, logs = works.cloud.client("events"), works.cloud.client("logs")
    logs.create_log_group(logGroupName="/aws/events/failed")
    group = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/events/failed"
    permission = {**allow("logs:*", resource=f"{group}:*"), "Principal": {"Service": "events.amazonaws.com"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [permission]})
    logs.put_resource_policy(policyName="events", policyDocument=document)
    pattern = {"source": ["aws.codebuild"], "detail": {"build-status": ["FAILED"], "project-name": ["builds"]}}
    events.put_rule(Name="failed", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="failed", Targets=[{"Id": "log", "Arn": group}])
    works.run(spec("true"))
    build = works.run(spec("false"))
    works.cloud.settle()
    found = [json.loads(one["message"]) for one in logs.filter_log_events(logGroupName="/aws/events/failed")["events"]]
    assert [one["detail"]["build-id"] for one in found] == [build["arn"]]
    assert found[0]["resources"] == [build["arn"]]


def test_a_rule_starts_a_build(works: Works) -> None:
    role = new_role(works.cloud, "starts-builds", allow("codebuild:StartBuild"), service="events")
    arn = works.codebuild.batch_get_projects(names=["builds"])["projects"][0]["arn"]
    events = works.cloud.client("events")
    events.put_rule(Name="tick", EventPattern=json.dumps({"source": ["my.own"]}))
    events.put_targets(Rule="tick", Targets=[{"Id": "build", "Arn": arn, "RoleArn": role}])
    before = works.codebuild.list_builds_for_project(projectName="builds")["ids"][0]
    events.put_events(Entries=[{"Source": "my.own", "DetailType": "x", "Detail": "{}"}])
    works.cloud.settle()
    newest = works.codebuild.list_builds_for_project(projectName="builds")["ids"][0]
    assert newest != before
    assert works.look({"id": newest})["initiator"].startswith("rule/")


def test_the_trail(works: Works) -> None:
    """StartBuild by the learner; what the build did, by its role's session."""
    build = works.run(spec("true"))
    trail = works.cloud.client("cloudtrail")

    def entries(name: str) -> list[dict[str, Any]]:
        lookup = [{"AttributeKey": "EventName", "AttributeValue": name}]
        events = trail.lookup_events(LookupAttributes=lookup)["Events"]
        return [json.loads(event["CloudTrailEvent"]) for event in events]

    started = entries("StartBuild")[0]
    assert started["userIdentity"]["userName"] == "learner"
    assert started["responseElements"]["build"]["id"] == build["id"]
    session = f"AWSCodeBuild-{build['id'].partition(':')[2]}"
    assumed = next(one for one in entries("AssumeRole") if one["requestParameters"]["roleSessionName"] == session)
    assert assumed["userIdentity"] == {"type": "AWSService", "invokedBy": "codebuild.amazonaws.com"}
    assert entries("CreateLogStream")[0]["userIdentity"]["arn"].endswith(f"/{session}")


# Other people's buildspecs


def test_refused_buildspecs_of_others_reach_the_phase(works: Works, corpus: Path) -> None:
    """Each that the parser refuses fails in DOWNLOAD_SOURCE with its message; nobody else's commands are run."""
    refused = {path: _refusal(path) for path in sorted((corpus / "buildspec").iterdir())}
    refused = {path: message for path, message in refused.items() if message}
    assert refused
    for path, message in refused.items():
        build = works.run(path.read_text("utf-8"))
        assert reasons(build) == {"DOWNLOAD_SOURCE": ("YAML_FILE_ERROR", message)}, path.name
        assert works.output(build) == []


def _refusal(path: Path) -> str:
    try:
        parse(path.read_bytes(), "buildspec.yml")
    except BuildspecError as error:
        return error.message
    return ""
