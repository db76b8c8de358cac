"""Change sets, and `aws cloudformation deploy`, which is made of them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cloudformation_help import TOPIC, Stacks, bucket, listed, parameter, text, topic
from services_help import code_of, refused

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."


def asked(stacks: Stacks, name: str, resources: Any, kind: str = "UPDATE", sections: Any = None, **params: Any) -> Any:
    """A change set as it is described."""
    body = text(resources, **(sections or {}))
    stacks.client.create_change_set(
        StackName=name, ChangeSetName="try", ChangeSetType=kind, TemplateBody=body, **params
    )
    return stacks.client.describe_change_set(StackName=name, ChangeSetName="try")


def summary(found: Any) -> list[tuple[str, str, str]]:
    changes = [one["ResourceChange"] for one in found["Changes"]]
    return [(one["Action"], one["LogicalResourceId"], one.get("Replacement", "")) for one in changes]


def test_a_stack_made_by_change_set(stacks: Stacks) -> None:
    found = asked(stacks, "cs-new", {"A": TOPIC, "B": topic({"Ref": "A"})}, "CREATE")
    assert (found["Status"], found["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert summary(found) == [("Add", "A", ""), ("Add", "B", "")]
    assert stacks.look("cs-new")["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert code_of(stacks.client.create_stack, StackName="cs-new", TemplateBody=text({"A": TOPIC})) == (
        "AlreadyExistsException"
    )
    assert code_of(asked, stacks=stacks, name="cs-new", resources={"A": TOPIC}, kind="CREATE") == (
        "AlreadyExistsException"
    )
    stacks.client.execute_change_set(StackName="cs-new", ChangeSetName="try")
    assert stacks.end("cs-new") == "CREATE_COMPLETE"
    assert set(stacks.resources("cs-new")) == {"A", "B"}
    assert code_of(stacks.client.describe_change_set, StackName="cs-new", ChangeSetName="try") == "ChangeSetNotFound"


def test_says_what_an_update_would_do(stacks: Stacks) -> None:
    sections = {"Parameters": {"Word": {"Type": "String"}}}
    before = {
        "Same": topic("x"), "Text": topic("a"), "Param": topic({"Ref": "Word"}), "New": topic(TopicName="cs-1"),
        "Uses": topic({"Ref": "New"}), "Gone": TOPIC, "Kept": {**TOPIC, "DeletionPolicy": "Retain"},
    }  # fmt: skip
    stacks.create("cs", before, sections, Parameters=listed(Word="one"))
    after = {**before, "Text": topic("b"), "New": topic(TopicName="cs-2"), "More": bucket()}
    del after["Gone"], after["Kept"]
    found = asked(stacks, "cs", after, sections=sections, Parameters=listed(Word="two"))
    assert sorted(summary(found)) == [
        ("Add", "More", ""), ("Modify", "New", "True"), ("Modify", "Param", "False"), ("Modify", "Text", "False"),
        ("Modify", "Uses", "False"), ("Remove", "Gone", ""), ("Remove", "Kept", ""),
    ]  # fmt: skip
    by_name = {one["ResourceChange"]["LogicalResourceId"]: one["ResourceChange"] for one in found["Changes"]}
    assert by_name["Kept"]["PolicyAction"] == "Retain"
    (detail,) = by_name["Param"]["Details"]
    assert (detail["ChangeSource"], detail["CausingEntity"]) == ("ParameterReference", "Word")
    (detail,) = by_name["Uses"]["Details"]
    assert (detail["Evaluation"], detail["CausingEntity"]) == ("Dynamic", "New")
    assert by_name["New"]["Details"][0]["Target"] == {
        "Attribute": "Properties", "Name": "TopicName", "RequiresRecreation": "Always",
    }  # fmt: skip
    assert stacks.look("cs")["StackStatus"] == "CREATE_COMPLETE"
    assert [one["ChangeSetName"] for one in stacks.client.list_change_sets(StackName="cs")["Summaries"]] == ["try"]
    stacks.client.execute_change_set(ChangeSetName=found["ChangeSetId"])
    assert stacks.end("cs") == "UPDATE_COMPLETE"
    assert set(stacks.resources("cs")) == set(after)


def test_no_changes(stacks: Stacks) -> None:
    stacks.create("cs-none", {"A": TOPIC})
    found = asked(stacks, "cs-none", {"A": TOPIC})
    assert (found["Status"], found["StatusReason"], found["Changes"]) == ("FAILED", NO_CHANGES, [])
    execute = {"StackName": "cs-none", "ChangeSetName": "try"}
    code, message = refused(stacks.client.execute_change_set, **execute)
    assert code == "InvalidChangeSetStatus"
    assert message.endswith("cannot be executed in its current status of [FAILED]")
    stacks.client.delete_change_set(**execute)
    assert code_of(stacks.client.describe_change_set, **execute) == "ChangeSetNotFound"


def test_secrets_stay_hidden(stacks: Stacks) -> None:
    sections = {"Parameters": {"Word": {"Type": "String", "NoEcho": True}}}
    found = asked(stacks, "cs-secret", {"A": parameter({"Ref": "Word"})}, "CREATE", sections,
                  Parameters=listed(Word="open"))  # fmt: skip
    assert found["Parameters"] == [{"ParameterKey": "Word", "ParameterValue": "****"}]
    assert "open" not in json.dumps(found, default=str)


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("nowhere", {}, "Stack with id nowhere does not exist"),
        ("nowhere", {"kind": "IMPORT"}, "A change set that imports resources"),
        ("nowhere", {"kind": "CREATE", "resources": {"A": {"Type": "AWS::Batch::JobQueue"}}}, "AWS::Batch::JobQueue"),
        ("nowhere", {"kind": "CREATE", "IncludeNestedStacks": True}, "The parameter IncludeNestedStacks"),
    ],
)  # fmt: skip
def test_change_sets_that_cannot_be(stacks: Stacks, name: str, params: Any, message: str) -> None:
    found = refused(asked, stacks=stacks, name=name, **{"resources": {"A": TOPIC}, **params})
    assert message in found[1]
    assert not stacks.there(name)


def deploy(cloud: Any, path: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "aws"), "cloudformation", "deploy", "--stack-name", "by-cli"]
    # The CLI's waiters look every 30 seconds at what is over in a moment here.
    code = "import sys, time; time.sleep = lambda seconds: None; from awscli.clidriver import main; sys.exit(main())"
    arguments = [sys.executable, "-c", code, *command[1:], "--template-file", str(path), *more]
    environment = {**cloud.environment(), "HOME": str(path.parent), "PATH": "/usr/bin:/bin"}
    return subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_deploy_twice(shared_cloud: Any, stacks: Stacks, tmp_path: Path) -> None:
    path = tmp_path / "template.yml"
    path.write_text(
        "Parameters:\n  Name: {Type: String}\nResources:\n  A:\n    Type: AWS::SNS::Topic\n"
        "    Properties:\n      DisplayName: !Sub 'for ${Name}'\nOutputs:\n  Arn: {Value: !Ref A}\n"
    )
    first = deploy(shared_cloud, path, "--parameter-overrides", "Name=one")
    assert first.returncode == 0, first.stderr
    assert "Successfully created/updated stack - by-cli" in first.stdout
    second = deploy(shared_cloud, path, "--no-fail-on-empty-changeset")
    assert (second.returncode, "No changes to deploy" in second.stdout) == (0, True), second.stderr
    for one in stacks.client.list_change_sets(StackName="by-cli")["Summaries"]:  # the CLI names them by the second
        stacks.client.delete_change_set(ChangeSetName=one["ChangeSetId"])
    third = deploy(shared_cloud, path, "--parameter-overrides", "Name=two", "--tags", "a=b")
    assert third.returncode == 0, third.stderr
    assert stacks.look("by-cli")["Tags"] == [{"Key": "a", "Value": "b"}]
    arn = stacks.outputs("by-cli")["Arn"]
    attributes = shared_cloud.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    assert attributes["DisplayName"] == "for two"
