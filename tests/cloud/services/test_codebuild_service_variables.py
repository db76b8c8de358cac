"""The environment of a build: whose value counts, what CodeBuild adds, what comes out of Parameter Store."""

import json
from typing import Any

import pytest
from codebuild_help import ENVIRONMENT, LOGS, Works, allow, give, phases, reasons, spec


def pairs(**variables: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in variables.items()]


@pytest.fixture(scope="module")
def works(shared_cloud: Any) -> Works:
    found = Works(shared_cloud, "variables")
    variables = pairs(BOTH="project", PROJECT="project", EMPTY="", SPACED="a  b $HOME")
    role = found.role(allow("ssm:GetParameters", resource="arn:aws:ssm:*:*:parameter/build/*"))
    found.project(role, environment={**ENVIRONMENT, "environmentVariables": variables})
    return found


def test_whose_value_counts(works: Works) -> None:
    text = spec(
        'echo "$START $BOTH $PROJECT $SPEC [$EMPTY] $SPACED"',
        env={"variables": {"START": "spec", "BOTH": "spec", "PROJECT": "spec", "SPEC": "spec", "EMPTY": "spec"}},
    )
    build = works.run(text, environmentVariablesOverride=pairs(START="start", BOTH="start"))
    assert works.output(build) == ["start start project spec [] a  b $HOME"]
    shown = {one["name"]: one["value"] for one in build["environment"]["environmentVariables"]}
    assert shown == {"BOTH": "start", "PROJECT": "project", "EMPTY": "", "SPACED": "a  b $HOME", "START": "start"}
    assert {one["type"] for one in build["environment"]["environmentVariables"]} == {"PLAINTEXT"}


def test_codebuilds_own(works: Works) -> None:
    build = works.run(spec("env"), environmentVariablesOverride=pairs(CODEBUILD_BUILD_ID="mine", CODEBUILD_MORE="x"))
    found = dict(line.split("=", 1) for line in works.output(build) if "=" in line)
    uuid = build["id"].partition(":")[2]
    expected = {
        "CODEBUILD_BUILD_ARN": build["arn"],
        "CODEBUILD_BUILD_ID": build["id"],
        "CODEBUILD_BUILD_IMAGE": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
        "CODEBUILD_BUILD_NUMBER": str(build["buildNumber"]),
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_INITIATOR": "learner",
        "CODEBUILD_KMS_KEY_ID": "arn:aws:kms:us-east-1:123456789012:alias/aws/s3",
        "CODEBUILD_LOG_PATH": uuid,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": works.cloud.url,
        "LANG": "C.UTF-8",
    }
    assert {name: found.get(name) for name in expected} == expected
    assert abs(int(found["CODEBUILD_START_TIME"]) - build["startTime"].timestamp() * 1000) < 2
    assert found["PWD"] == found["CODEBUILD_SRC_DIR"]
    assert uuid in found["HOME"]
    assert "CODEBUILD_MORE" not in found
    told = "The variable CODEBUILD_MORE is not set: names that begin with CODEBUILD_ are CodeBuild's own"
    assert f"[Container] {told}" in works.log(build)


def test_credentials_are_not_in_the_log(works: Works) -> None:
    log = "\n".join(works.log(works.run(spec("env"))))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        assert f"{name}=***" in log
    assert "ASIA" not in log


def test_nothing_of_the_servers_own_environment(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_SERVER", "secret")
    build = works.run(spec("echo [$OF_THE_SERVER]"))
    assert works.output(build) == ["[]"]


def test_exported_variables(works: Works) -> None:
    text = spec("export A=changed; B='two words'", env={"variables": {"A": "first", "D": ""},
                "exported-variables": ["A", "B", "C", "D", "not-a-name"]})  # fmt: skip
    build = works.run(text)
    exported = {one["name"]: one["value"] for one in build["exportedEnvironmentVariables"]}
    assert exported == {"A": "changed", "B": "two words", "D": ""}


def put(works: Works, name: str, value: str, kind: str = "String") -> None:
    works.cloud.client("ssm").put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)


def test_out_of_parameter_store(works: Works) -> None:
    put(works, "/build/plain", "visible")
    put(works, "/build/secret", "s3cr3t-w0rd", "SecureString")
    text = spec(
        'echo "length ${#SECRET} ${#PLAIN} $OVER"',
        "echo secret=$SECRET",
        "echo '{\"s3cr3t-w0rd\"}'; echo plain=$PLAIN",
        env={"parameter-store": {"PLAIN": "/build/plain", "SECRET": "/build/secret", "OVER": "/not/allowed"}},
    )  # fmt: skip
    build = works.run(text, environmentVariablesOverride=pairs(OVER="given"))
    assert works.output(build) == ["length 11 7 given", "secret=***", '{"***"}', "plain=***"]
    assert "[Container] Decrypting parameter store environment variables" in works.log(build)
    assert "s3cr3t" not in json.dumps(works.log(build))


def test_a_parameter_of_the_project(works: Works) -> None:
    put(works, "/build/port", "8080")
    variable = {"name": "PORT", "value": "/build/port", "type": "PARAMETER_STORE"}
    build = works.run(spec("test $PORT = 8080 && echo same"), environmentVariablesOverride=[variable])
    assert works.output(build) == ["same"]
    assert build["environment"]["environmentVariables"][-1] == variable


def test_more_parameters_than_one_call_takes(works: Works) -> None:
    for number in range(12):
        put(works, f"/build/many/{number}", f"value{number}")
    wanted = {f"V{number}": f"/build/many/{number}" for number in range(12)}
    build = works.run(spec("test $V0$V11 = value0value11 && echo same", env={"parameter-store": wanted}))
    assert works.output(build) == ["same"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/build/missing", "parameter does not exist: /build/missing"),
        (
            "/other/secret",
            "is not authorized to perform: ssm:GetParameters on resource: "
            "arn:aws:ssm:us-east-1:123456789012:parameter/other/secret because no identity-based policy allows the "
            "ssm:GetParameters action status code: 400",
        ),
    ],
)
def test_a_parameter_that_the_role_cannot_read(works: Works, name: str, message: str) -> None:
    put(works, "/other/secret", "x")
    build = works.run(spec("echo ran", env={"parameter-store": {"WANTED": name}}))
    assert build["buildStatus"] == "FAILED"
    code, found = reasons(build)["DOWNLOAD_SOURCE"]
    assert code == "Decrypted Variables Error"
    assert message in found
    assert works.output(build) == []


def test_secrets_manager_is_not_there(works: Works) -> None:
    build = works.run(spec("true", env={"secrets-manager": {"LOGIN": "db:user"}}))
    assert "Secrets Manager exists at AWS and is not simulated" in reasons(build)["DOWNLOAD_SOURCE"][1]


def test_tools_of_this_machine(works: Works) -> None:
    """`aws` is the lab's own, and asks under the role."""
    build = works.run(spec("aws sts get-caller-identity --query Arn --output text", "python3 -c 'import boto3'"))
    session = f"AWSCodeBuild-{build['id'].partition(':')[2]}"
    assert works.output(build) == [f"arn:aws:sts::123456789012:assumed-role/variables-role/{session}"]
    assert build["buildStatus"] == "SUCCEEDED"


def test_the_role_decides_what_a_command_may(works: Works, shared_cloud: Any) -> None:
    shared_cloud.client("s3").create_bucket(Bucket="of-commands")
    shared_cloud.client("s3").put_object(Bucket="of-commands", Key="thing", Body=b"x")
    role = works.role(allow("s3:ListBucket"), name="listing-role")
    listing = spec("aws s3 ls s3://of-commands")
    build = works.run(listing, serviceRoleOverride=role)
    assert works.output(build)[0].endswith(" thing")
    give(shared_cloud, role, LOGS)
    build = works.run(listing, serviceRoleOverride=role)
    assert build["buildStatus"] == "FAILED"
    refusal = (
        'is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::of-commands" because no '
        "identity-based policy allows the s3:ListBucket action"
    )
    assert refusal in "\n".join(works.output(build))
    assert phases(build)["BUILD"] == "FAILED"
