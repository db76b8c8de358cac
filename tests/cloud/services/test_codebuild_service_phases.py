"""Builds that pass, and builds that fail in each of their phases."""

from typing import Any

import pytest
from codebuild_help import Works, phases, reasons, spec

WHOLE = [
    "SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD",
    "UPLOAD_ARTIFACTS", "FINALIZING", "COMPLETED",
]  # fmt: skip
STEPS = ("install", "pre_build", "build", "post_build")


@pytest.fixture(scope="module")
def works(shared_cloud: Any) -> Works:
    found = Works(shared_cloud, "phases")
    found.project()
    return found


def every(**sections: Any) -> str:
    """All four phases, each of which says its name; `sections` change some."""
    return spec(phases={name: {"commands": [f"echo {name}"], **sections.get(name, {})} for name in STEPS})


def test_a_build_passes(works: Works) -> None:
    begun = works.start(every())
    assert (begun["buildStatus"], begun["currentPhase"], begun["buildComplete"]) == ("IN_PROGRESS", "QUEUED", False)
    assert begun["id"].startswith("phases:")
    assert begun["arn"] == f"arn:aws:codebuild:us-east-1:123456789012:build/{begun['id']}"
    assert begun["initiator"] == "learner"
    build = works.ended(begun)
    assert (build["buildStatus"], build["currentPhase"], build["buildComplete"]) == ("SUCCEEDED", "COMPLETED", True)
    assert phases(build) == dict.fromkeys(WHOLE[:-1], "SUCCEEDED") | {"COMPLETED": None}
    assert works.output(build) == list(STEPS)
    assert build["endTime"] >= build["startTime"]
    assert all(phase["durationInSeconds"] >= 0 for phase in build["phases"][:-1])
    assert all(early["endTime"] <= late["startTime"] for early, late in zip(build["phases"], build["phases"][1:]))  # noqa: B905


@pytest.mark.parametrize(
    ("fails", "ran", "statuses"),
    [
        ("install", ["install"], {"INSTALL": "FAILED", "FINALIZING": "SUCCEEDED"}),
        ("pre_build", ["install", "pre_build"], {"PRE_BUILD": "FAILED", "FINALIZING": "SUCCEEDED"}),
        ("build", list(STEPS), {"BUILD": "FAILED", "POST_BUILD": "SUCCEEDED", "UPLOAD_ARTIFACTS": "SUCCEEDED"}),
        ("post_build", list(STEPS), {"POST_BUILD": "FAILED", "UPLOAD_ARTIFACTS": "SUCCEEDED"}),
    ],
)
def test_a_phase_fails(works: Works, fails: str, ran: list[str], statuses: dict[str, str]) -> None:
    build = works.run(every(**{fails: {"commands": [f"echo {fails}", "(exit 3)", "echo not reached"]}}))
    assert build["buildStatus"] == "FAILED"
    assert works.output(build) == ran
    found = phases(build)
    assert {name: found.get(name) for name in statuses} == statuses
    assert ("UPLOAD_ARTIFACTS" in found) is (len(ran) == len(STEPS))
    message = "Error while executing command: (exit 3). Reason: exit status 3"
    assert reasons(build) == {fails.upper(): ("COMMAND_EXECUTION_ERROR", message)}


@pytest.mark.parametrize(
    ("fails", "action", "ran", "uploads"),
    [
        ("install", "CONTINUE", list(STEPS), True),
        ("pre_build", "CONTINUE", list(STEPS), True),
        ("build", "ABORT", ["install", "pre_build", "build"], False),
        ("build", "CONTINUE", list(STEPS), True),
        ("install", "ABORT", ["install"], False),
    ],
)
def test_on_failure(works: Works, fails: str, action: str, ran: list[str], uploads: bool) -> None:
    build = works.run(every(**{fails: {"commands": [f"echo {fails}", "false"], "on-failure": action}}))
    assert build["buildStatus"] == "FAILED"
    assert works.output(build) == ran
    assert ("UPLOAD_ARTIFACTS" in phases(build)) is uploads


@pytest.mark.parametrize(
    ("action", "tries", "status"),
    [
        ("RETRY", 3, "SUCCEEDED"),
        ("RETRY-1", 2, "FAILED"),
        ("RETRY-5-.*time(d )?out.*", 3, "SUCCEEDED"),
        ("RETRY-5-no such words", 1, "FAILED"),
        ("RETRY-0", 1, "FAILED"),
    ],
)
def test_a_phase_is_tried_again(works: Works, action: str, tries: int, status: str) -> None:
    commands = ["echo try", "echo x >> tries; test $(wc -l < tries) = 3 || { echo 'it timed out'; false; }"]
    build = works.run(spec(phases={"build": {"commands": commands, "on-failure": action}}))
    assert build["buildStatus"] == status
    assert works.output(build).count("try") == tries
    assert works.log(build).count("[Container] Retrying phase BUILD: attempt 1 of 3") == (action == "RETRY")


@pytest.mark.parametrize("command", ["true", "false"])
def test_finally_in_any_case(works: Works, command: str) -> None:
    build = works.run(every(build={"commands": [command], "finally": ["echo tidied"]}))
    assert works.output(build) == ["install", "pre_build", "tidied", "post_build"]
    assert build["buildStatus"] == ("SUCCEEDED" if command == "true" else "FAILED")


def test_a_failing_finally_fails_the_phase(works: Works) -> None:
    build = works.run(every(build={"commands": ["true"], "finally": ["false"]}))
    assert phases(build)["BUILD"] == "FAILED"
    assert reasons(build)["BUILD"][1] == "Error while executing command: false. Reason: exit status 1"


def test_the_build_knows_whether_it_succeeds(works: Works) -> None:
    tell = "echo $CODEBUILD_BUILD_SUCCEEDING"
    build = works.run(spec(phases={"pre_build": {"commands": [tell]}, "build": {"commands": ["false"]},
                                   "post_build": {"commands": [tell]}}))  # fmt: skip
    assert works.output(build) == ["1", "0"]


def test_one_shell_for_all_commands(works: Works) -> None:
    build = works.run(spec("mkdir deep; cd deep; export A=1; f() { echo f; }", 'echo "$A ${PWD##*/}"; f'))
    assert works.output(build) == ["1 deep", "f"]


def test_a_shell_for_each_command_in_version_0_1(works: Works) -> None:
    text = '{"version": 0.1, "phases": {"build": {"commands": ["cd /; export A=1", "echo [$A] ${PWD##*/}"]}}}'
    assert works.output(works.run(text)) == ["[] src"]


@pytest.mark.parametrize("command", ["exit 7", "exec sh -c 'exit 7'", "bash -c 'exit 7'"])
def test_a_command_that_ends_the_shell(works: Works, command: str) -> None:
    build = works.run(spec("A=kept", command, phases={"post_build": {"commands": ["echo $A"]}}))
    assert reasons(build)["BUILD"][1].endswith("Reason: exit status 7")
    assert works.output(build) == ["kept"]


def test_phases_without_commands(works: Works) -> None:
    build = works.run("version: 0.2\nphases:\n  build:\n")
    assert build["buildStatus"] == "SUCCEEDED"
    assert "[Container] No commands found for phase name: build" in works.log(build)


def test_a_batch_buildspec_runs_plain(works: Works) -> None:
    build = works.run(spec("echo one", batch={"build-list": [{"identifier": "a"}, {"identifier": "b"}]}))
    assert works.output(build) == ["one"]


def test_what_runs_otherwise_is_told(works: Works) -> None:
    text = spec(
        "true", phases={"install": {"runtime-versions": {"python": "3.12"}, "run-as": "builder"}},
        reports={"unit": {"files": ["**/*"]}}, cache={"paths": ["x"]},
    )  # fmt: skip
    log = "\n".join(works.log(works.run(text)))
    assert "Selecting 'python' runtime version '3.12' based on manual selections..." in log
    assert "The lab installs no runtimes" in log
    assert "run-as: builder of phase install has no effect" in log
    assert "The lab keeps no test reports: nothing is uploaded for unit" in log
    assert "The commands run with this machine's tools, in place of the image aws/codebuild/" in log


@pytest.mark.parametrize(
    ("buildspec", "message"),
    [
        ("version: 0.3\nphases: {}", "Unsupported buildspec version: 0.3. Expecting: 0.1,0.2 at line 1"),
        ("version: 0.2\nphase: {}", "No phases found. Expecting: build,install,post_build,pre_build"),
        ("version: 0.2\nphases:\n  biuld:\n    commands: [x]", "Invalid buildspec phase name: biuld. Expecting: "),
        ("version: 0.2\nphases:\n  build:\n    commands:\n      - a: b", "Expected Commands[0] to be of string type"),
        ("version: 0.2\nphases: [", ""),
        (spec("true", phases={"install": {"runtime-versions": {"python": "2.7"}}}), "Unknown runtime version named"),
        (spec("true", phases={"install": {"runtime-versions": {"cobol": "1"}}}), "Unknown runtime named 'cobol'."),
        ("missing.yml", "Invalid project source: "),
    ],
)
def test_a_buildspec_that_cannot_be_used(works: Works, buildspec: str, message: str) -> None:
    if message.startswith("Invalid project source"):
        with pytest.raises(works.codebuild.exceptions.InvalidInputException, match=message):
            works.start(buildspec)
        return
    build = works.run(buildspec)
    assert build["buildStatus"] == "FAILED"
    code, found = reasons(build)["DOWNLOAD_SOURCE"]
    assert code == "YAML_FILE_ERROR"
    assert message in found
    assert list(phases(build))[-3:] == ["DOWNLOAD_SOURCE", "FINALIZING", "COMPLETED"]
    assert f"[Container] Phase context status code: YAML_FILE_ERROR Message: {found}" in works.log(build)


def test_an_unknown_shell(works: Works) -> None:
    build = works.run(spec("true", env={"shell": "powershell.exe"}))
    assert "powershell.exe exists at AWS and is not simulated" in reasons(build)["DOWNLOAD_SOURCE"][1]


def test_an_image_that_is_not_there(works: Works) -> None:
    build = works.run(imageOverride="aws/codebuild/standard:99.0")
    code, message = reasons(build)["PROVISIONING"]
    assert code == "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE"
    assert "aws/codebuild/standard:99.0" in message
    assert build["buildStatus"] == "FAILED"


def test_any_other_image_is_said_not_to_be_used(works: Works) -> None:
    build = works.run(imageOverride="python:3.12")
    assert build["buildStatus"] == "SUCCEEDED"
    line = "[Container] The commands run with this machine's tools, in place of the image python:3.12"
    assert line in works.log(build)
