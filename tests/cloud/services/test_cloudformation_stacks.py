"""Stacks made, changed and removed, with what services have of them at each step."""

from typing import Any

import pytest
from cloudformation_help import TOPIC, Stacks, bucket, listed, parameter, text, topic, topics
from services_help import refused


def test_creates_in_order_and_tells(shared_cloud: Any, stacks: Stacks) -> None:
    resources = {"Late": topic({"Fn::GetAtt": ["Early", "Arn"]}), "Early": bucket()}
    sections = {"Outputs": {"Arn": {"Value": {"Ref": "Late"}, "Description": "its ARN"}}}
    assert stacks.create("order", resources, sections, Tags=[{"Key": "team", "Value": "shop"}]) == "CREATE_COMPLETE"
    assert stacks.events("order") == [
        "order CREATE_IN_PROGRESS",
        "Early CREATE_IN_PROGRESS", "Early CREATE_IN_PROGRESS Initiated", "Early CREATE_COMPLETE",
        "Late CREATE_IN_PROGRESS", "Late CREATE_IN_PROGRESS Initiated", "Late CREATE_COMPLETE",
        "order CREATE_COMPLETE",
    ]  # fmt: skip
    arn, name = stacks.physical("order", "Late"), stacks.physical("order", "Early")
    assert stacks.look("order")["Outputs"] == [{"OutputKey": "Arn", "OutputValue": arn, "Description": "its ARN"}]
    assert topics(shared_cloud)[arn] == f"arn:aws:s3:::{name}"
    assert shared_cloud.client("sns").list_tags_for_resource(ResourceArn=arn)["Tags"] == [
        {"Key": "team", "Value": "shop"}
    ]
    assert shared_cloud.client("s3").get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "team", "Value": "shop"}]


def test_updates_in_place_replaces_and_removes(shared_cloud: Any, stacks: Stacks) -> None:
    before = {"A": topic("one"), "B": topic(TopicName="upd-b1"), "C": topic("gone")}
    stacks.create("upd", before)
    old = {name: one["PhysicalResourceId"] for name, one in stacks.resources("upd").items()}
    assert stacks.update("upd", {"A": topic("two"), "B": topic(TopicName="upd-b2")}) == "UPDATE_COMPLETE"
    there = topics(shared_cloud)
    assert stacks.physical("upd", "A") == old["A"]
    assert there[old["A"]] == "two"
    assert stacks.physical("upd", "B").endswith(":upd-b2")
    assert not {old["B"], old["C"]} & set(there)
    events = stacks.events("upd")
    cleaning = events.index("upd UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    assert events.index("B UPDATE_COMPLETE") < cleaning < events.index("B DELETE_COMPLETE")
    assert set(stacks.resources("upd")) == {"A", "B"}


def test_nothing_to_update(stacks: Stacks) -> None:
    stacks.create("same", {"A": topic("one")}, Tags=[{"Key": "a", "Value": "b"}])
    body = text({"A": topic("one")}, Description="told differently")
    message = ("ValidationError", "No updates are to be performed.")
    assert refused(stacks.client.update_stack, StackName="same", TemplateBody=body) == message
    assert refused(stacks.client.update_stack, StackName="same", UsePreviousTemplate=True) == message
    assert stacks.look("same")["StackStatus"] == "CREATE_COMPLETE"


def test_tags_of_a_stack_reach_what_it_has(shared_cloud: Any, stacks: Stacks) -> None:
    resources = {"A": topic("x", Tags=[{"Key": "own", "Value": "1"}]), "P": parameter("v")}
    stacks.create("tags", resources, Tags=[{"Key": "a", "Value": "1"}, {"Key": "own", "Value": "0"}])
    arn, name = stacks.physical("tags", "A"), stacks.physical("tags", "P")
    stacks.update("tags", resources, Tags=[{"Key": "b", "Value": "2"}])
    sns, ssm = shared_cloud.client("sns"), shared_cloud.client("ssm")
    found = {one["Key"]: one["Value"] for one in sns.list_tags_for_resource(ResourceArn=arn)["Tags"]}
    assert found == {"own": "1", "b": "2"}
    assert ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"] == [
        {"Key": "b", "Value": "2"}
    ]


BAD = parameter("x", Name="/aws/not-yours")  # Parameter Store keeps that prefix for AWS


@pytest.mark.parametrize(
    ("params", "status", "stays"),
    [
        ({}, "ROLLBACK_COMPLETE", False),
        ({"OnFailure": "ROLLBACK"}, "ROLLBACK_COMPLETE", False),
        ({"OnFailure": "DO_NOTHING"}, "CREATE_FAILED", True),
        ({"DisableRollback": True}, "CREATE_FAILED", True),
        ({"OnFailure": "DELETE"}, "gone", False),
    ],
)
def test_a_creation_that_fails(shared_cloud: Any, stacks: Stacks, params: Any, status: str, stays: bool) -> None:
    name = f"bad-{'-'.join(map(str, params.values())).replace('_', '-').lower()}"
    name = name.rstrip("-")
    resources = {"Good": topic(TopicName=f"{name}-good"), "Bad": {**BAD, "DependsOn": "Good"}}
    assert stacks.create(name, resources, **params) == status
    assert any(arn.endswith(f"{name}-good") for arn in topics(shared_cloud)) is stays
    if status != "gone":
        assert "Bad CREATE_FAILED" in stacks.events(name)
        assert "(Service: SSM, Error code: " in stacks.why(name, "Bad")
        assert refused(stacks.client.create_stack, StackName=name, TemplateBody=text(resources))[0] == (
            "AlreadyExistsException"
        )
    if status == "ROLLBACK_COMPLETE":
        message = refused(stacks.client.update_stack, StackName=name, TemplateBody=text({"A": TOPIC}))[1]
        assert message.endswith("is in ROLLBACK_COMPLETE state and can not be updated.")


def test_what_was_half_made_is_removed_too(shared_cloud: Any, stacks: Stacks) -> None:
    """The role itself was made; what failed is the policy that it should have had."""
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
                                                      "Action": "sts:AssumeRole"}]}  # fmt: skip
    role = {"AssumeRolePolicyDocument": trust, "ManagedPolicyArns": ["arn:aws:iam::aws:policy/NoSuchPolicy"]}
    resources = {"Role": {"Type": "AWS::IAM::Role", "Properties": {**role, "RoleName": "half-made"}}}
    assert stacks.create("half", resources, Capabilities=["CAPABILITY_NAMED_IAM"]) == "ROLLBACK_COMPLETE"
    assert refused(shared_cloud.client("iam").get_role, RoleName="half-made")[0] == "NoSuchEntity"


def test_what_somebody_else_has_is_neither_taken_nor_removed(shared_cloud: Any, stacks: Stacks) -> None:
    sns, s3 = shared_cloud.client("sns"), shared_cloud.client("s3")
    sns.create_topic(Name="theirs")
    s3.create_bucket(Bucket="their-bucket")
    for name, one in {"t": topic(TopicName="theirs"), "b": bucket(BucketName="their-bucket")}.items():
        assert stacks.create(f"taking-{name}", {"It": one}) == "ROLLBACK_COMPLETE"
        assert "already exists" in stacks.why(f"taking-{name}", "It")
    assert any(arn.endswith(":theirs") for arn in topics(shared_cloud))
    s3.head_bucket(Bucket="their-bucket")


def test_an_update_that_fails_goes_back(shared_cloud: Any, stacks: Stacks) -> None:
    before = {"A": topic("old"), "B": topic(TopicName="back-b"), "C": topic("c"), "P": parameter("v1")}
    sections = {"Outputs": {"Name": {"Value": {"Fn::GetAtt": ["B", "TopicName"]}}}}
    stacks.create("back", before, sections)
    old = {name: one["PhysicalResourceId"] for name, one in stacks.resources("back").items()}
    after = {"A": topic("new"), "B": topic(TopicName="back-b2"), "P": parameter("v2"), "New": topic("n"),
             "Bad": {**BAD, "DependsOn": ["A", "B", "P", "New"]}}  # fmt: skip
    assert stacks.update("back", after, sections) == "UPDATE_ROLLBACK_COMPLETE"
    assert {name: one["PhysicalResourceId"] for name, one in stacks.resources("back").items()} == old
    there = topics(shared_cloud)
    assert (there[old["A"]], there[old["C"]]) == ("old", "c")
    assert old["B"] in there
    assert not any(arn.endswith("back-b2") or "back-New" in arn for arn in there)
    assert shared_cloud.client("ssm").get_parameter(Name=old["P"])["Parameter"]["Value"] == "v1"
    assert stacks.outputs("back") == {"Name": "back-b"}
    events = stacks.events("back")
    assert events.index("back UPDATE_ROLLBACK_IN_PROGRESS") < events.index("New DELETE_COMPLETE")
    assert stacks.update("back", {**before, "A": topic("newer")}, sections) == "UPDATE_COMPLETE"


def test_an_update_that_stays_failed_can_be_mended_or_taken_back(stacks: Stacks) -> None:
    stacks.create("stays", {"A": topic("old")})
    assert stacks.update("stays", {"A": topic("new"), "Bad": BAD}, DisableRollback=True) == "UPDATE_FAILED"
    assert stacks.update("stays", {"A": topic("newer")}) == "UPDATE_COMPLETE"
    assert stacks.update("stays", {"A": topic("x"), "Bad": BAD}, DisableRollback=True) == "UPDATE_FAILED"
    stacks.client.rollback_stack(StackName="stays")
    assert stacks.end("stays") == "UPDATE_ROLLBACK_COMPLETE"
    assert topics(stacks.cloud)[stacks.physical("stays", "A")] == "newer"


def test_a_creation_that_stays_failed_can_be_mended(stacks: Stacks) -> None:
    assert stacks.create("mend", {"A": topic("a"), "Bad": BAD}, OnFailure="DO_NOTHING") == "CREATE_FAILED"
    assert stacks.update("mend", {"A": topic("a"), "Bad": parameter("x")}) == "UPDATE_COMPLETE"
    assert stacks.resources("mend")["Bad"]["ResourceStatus"] == "CREATE_COMPLETE"


def test_a_way_back_that_fails_can_be_tried_again(shared_cloud: Any, stacks: Stacks) -> None:
    """The parameter was deleted behind the stack's back, so it cannot be brought back to its value."""
    sns = shared_cloud.client("sns")
    stacks.create("stuck", {"A": topic("old")})
    arn = stacks.physical("stuck", "A")
    sns.delete_topic(TopicArn=arn)
    assert stacks.update("stuck", {"A": topic("new")}) == "UPDATE_ROLLBACK_FAILED"
    assert refused(stacks.client.update_stack, StackName="stuck", TemplateBody=text({"A": TOPIC}))[0] == (
        "ValidationError"
    )
    stacks.client.continue_update_rollback(StackName="stuck", ResourcesToSkip=["A"])
    assert stacks.end("stuck") == "UPDATE_ROLLBACK_COMPLETE"


def test_what_the_template_names_is_not_replaced_under_that_name(stacks: Stacks) -> None:
    kinds = {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "alias/fixed", "TargetKeyId": {"Ref": "K"}}}
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }
    fixed = {"RoleName": "fixed-name", "AssumeRolePolicyDocument": {"Version": "2012-10-17", **trust}}
    body = {"R": {"Type": "AWS::IAM::Role", "Properties": fixed}, "K": {"Type": "AWS::KMS::Key"}, "Alias": kinds}
    can = ["CAPABILITY_NAMED_IAM"]
    assert stacks.create("named", body, Capabilities=can) == "CREATE_COMPLETE"
    body["R"] = {"Type": "AWS::IAM::Role", "Properties": {**fixed, "Path": "/other/"}}
    assert stacks.update("named", body, Capabilities=can) == "UPDATE_ROLLBACK_COMPLETE"
    events = [one for one in stacks.events("named") if one.startswith("R ")]
    assert events[-1] == "R UPDATE_COMPLETE"
    assert "R UPDATE_FAILED" in events


def test_a_resource_cannot_change_its_type(stacks: Stacks) -> None:
    stacks.create("type", {"A": TOPIC})
    message = refused(stacks.client.update_stack, StackName="type", TemplateBody=text({"A": bucket()}))[1]
    assert message.startswith("Update of resource type is not permitted.")
    assert message.endswith("[A]")


# Exports, parameters, requests


def test_exports_and_imports(stacks: Stacks) -> None:
    def exporting(value: str) -> Any:
        return {"Outputs": {"Out": {"Value": value, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-x"}}}}}

    stacks.create("exp", {"A": TOPIC}, exporting("one"))
    importing = {"B": parameter({"Fn::ImportValue": "exp-x"})}
    assert stacks.create("imp", importing) == "CREATE_COMPLETE"
    assert stacks.client.list_imports(ExportName="exp-x")["Imports"] == ["imp"]
    assert {"Name": "exp-x", "Value": "one", "ExportingStackId": stacks.look("exp")["StackId"]} in (
        stacks.client.list_exports()["Exports"]
    )
    assert "cannot be deleted as it is in use by imp" in refused(stacks.client.delete_stack, StackName="exp")[1]
    assert stacks.update("exp", {"A": TOPIC}, exporting("two")) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Export exp-x cannot be updated as it is in use by imp" in str(stacks.events) + stacks.why("exp", "exp")
    other = {"Outputs": {"Out": {"Value": "z", "Export": {"Name": "exp-x"}}}}
    assert stacks.create("exp2", {"A": TOPIC}, other) == "ROLLBACK_COMPLETE"
    assert stacks.create("imp2", {"B": parameter({"Fn::ImportValue": "none"})}) == "ROLLBACK_COMPLETE"
    assert stacks.why("imp2", "B") == "No export named none found."
    stacks.delete("imp")
    assert stacks.delete("exp") == "DELETE_COMPLETE"
    assert "exp-x" not in [one["Name"] for one in stacks.client.list_exports()["Exports"]]


def test_parameters_secrets_and_stored_values(shared_cloud: Any, stacks: Stacks) -> None:
    ssm = shared_cloud.client("ssm")
    ssm.put_parameter(Name="/stored", Type="StringList", Value="a,b")
    ssm.put_parameter(Name="/secret", Type="SecureString", Value="hush")
    sections = {
        "Parameters": {
            "Word": {"Type": "String", "NoEcho": True},
            "Stored": {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": "/stored"},
        },
        "Outputs": {"Second": {"Value": {"Fn::Select": [1, {"Ref": "Stored"}]}}},
    }
    resources = {
        "A": parameter({"Ref": "Word"}),
        "B": topic("{{resolve:ssm:/stored:1}}"),
        "C": topic("{{resolve:ssm-secure:/secret}}"),
    }
    assert stacks.create("par", resources, sections, Parameters=listed(Word="open")) == "CREATE_COMPLETE"
    assert stacks.outputs("par") == {"Second": "b"}
    shown = {one["ParameterKey"]: one for one in stacks.look("par")["Parameters"]}
    assert shown["Word"]["ParameterValue"] == "****"
    assert shown["Stored"]["ResolvedValue"] == "a,b"
    assert topics(shared_cloud)[stacks.physical("par", "B")] == "a,b"
    assert topics(shared_cloud)[stacks.physical("par", "C")] == "hush"
    ssm.put_parameter(Name="/stored", Type="StringList", Value="a,c", Overwrite=True)
    previous = [{"ParameterKey": "Word", "UsePreviousValue": True}]
    stacks.client.update_stack(StackName="par", UsePreviousTemplate=True, Parameters=previous)
    assert (stacks.end("par"), stacks.outputs("par")) == ("UPDATE_COMPLETE", {"Second": "c"})
    bad = listed(Word="w", Stored="/none")
    assert "Unable to fetch parameters [/none]" in refused(
        stacks.client.create_stack, StackName="par2", TemplateBody=text(resources, **sections), Parameters=bad
    )[1]  # fmt: skip


def test_the_same_request_twice_is_one_stack(stacks: Stacks) -> None:
    params = {"StackName": "token", "TemplateBody": text({"A": TOPIC}), "ClientRequestToken": "abc"}
    first = stacks.client.create_stack(**params)["StackId"]
    assert stacks.client.create_stack(**params)["StackId"] == first
    stacks.end("token")
    events = stacks.client.describe_stack_events(StackName="token")["StackEvents"]
    assert {one["ClientRequestToken"] for one in events} == {"abc"}
    assert refused(stacks.client.create_stack, **{**params, "ClientRequestToken": "d"})[0] == "AlreadyExistsException"


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({}, "ValidationError", "Either Template URL or Template Body must be specified."),
        ({"TemplateBody": "{}", "TemplateURL": "https://x"}, "ValidationError", "Either Template URL or"),
        ({"TemplateBody": " " * 51_201}, "ValidationError", "Member must have length less than or equal to 51200"),
        ({"TemplateURL": "ftp://x/y"}, "ValidationError", "TemplateURL must be a supported URL"),
        ({"TemplateURL": "https://none.s3.amazonaws.com/k"}, "ValidationError", "S3 error: "),
        ({"NotificationARNs": ["arn:aws:sqs:us-east-1:1:t"]}, "ValidationError", "Invalid SNS topic ARN: arn:aws:sqs"),
        ({"RollbackConfiguration": {"MonitoringTimeInMinutes": 1}}, "NotSimulated", "The parameter RollbackConfig"),
        ({"Tags": [{"Key": "aws:x", "Value": "y"}]}, "ValidationError", "aws: prefixed tag key names"),
        ({"DisableRollback": True, "OnFailure": "DELETE"}, "ValidationError", "both DisableRollback and OnFailure"),
        ({"R": {"Type": "AWS::IAM::Group"}}, "InsufficientCapabilities", "Requires capabilities : [CAPABILITY_IAM]"),
        ({"R": {"Type": "AWS::IAM::Group", "Properties": {"GroupName": "g"}}, "Capabilities": ["CAPABILITY_IAM"]},
         "InsufficientCapabilities", "Requires capabilities : [CAPABILITY_NAMED_IAM]"),
        ({"R": {"Type": "AWS::CloudFormation::Stack"}}, "ValidationError", "NotSimulated: The resource type"),
        ({"R": {"Type": "Custom::Thing"}}, "ValidationError", "NotSimulated: The resource type Custom::Thing"),
        ({"R": {**TOPIC, "CreationPolicy": {"ResourceSignal": {}}}}, "ValidationError", "The CreationPolicy of R"),
        ({"Transform": "AWS::Serverless-2016-10-31"}, "ValidationError", "NotSimulated: The transform AWS::Serverless"),
        ({"R": topic({"Fn::GetAtt": ["R2", "Size"]}), "R2": TOPIC}, "ValidationError", "support attribute type"),
        ({"Rules": {"No": {"Assertions": [{"Assert": {"Fn::Equals": [1, 2]}, "AssertDescription": "two"}]}}},
         "ValidationError", "Rule No failed: two"),
        ({"Mappings": {"M": {"eu": {"Ami": "a"}}}, "R": topic({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "Ami"]})},
         "ValidationError", "Template error: Unable to get mapping for M::us-east-1::Ami"),
        ({"Mappings": {"M": {"eu": {"Ami": "a"}}}, "Outputs": {"O": {"Value": {"Fn::FindInMap": ["M", "eu", "x"]}}}},
         "ValidationError", "Template error: Unable to get mapping for M::eu::x"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_is_made(
    stacks: Stacks, params: Any, code: str, message: str
) -> None:
    params = dict(params)
    resources = {"R": params.pop("R", TOPIC), **({"R2": params.pop("R2")} if "R2" in params else {})}
    sections = {key: params.pop(key) for key in ("Transform", "Rules", "Mappings", "Outputs") if key in params}
    if sections or resources["R"] != TOPIC or (params and not {"TemplateBody", "TemplateURL"} & set(params)):
        params["TemplateBody"] = text(resources, **sections)
    found = refused(stacks.client.create_stack, StackName="never", **params)
    assert found[0].startswith(code)
    assert message in found[1]
    assert not stacks.there("never")


def test_a_mapping_is_not_asked_for_what_is_left_out_or_not_known_yet(stacks: Stacks) -> None:
    none = {"Fn::FindInMap": ["M", "no", "x"]}
    late = {"Fn::FindInMap": ["M", {"Ref": "A"}, "x"]}
    sections = {
        "Mappings": {"M": {"eu": {"x": "a"}}},
        "Conditions": {"No": {"Fn::Equals": ["a", "b"]}},
        "Outputs": {"O": {"Condition": "No", "Value": none}},
    }
    resources = {"A": topic({"Fn::If": ["No", none, "b"]}), "B": {**topic(none), "Condition": "No"}}
    assert stacks.create("unasked", resources, sections) == "CREATE_COMPLETE"
    assert stacks.create("late", {"A": TOPIC, "B": topic(late)}, sections) == "ROLLBACK_COMPLETE"


@pytest.mark.parametrize("name", ["a_b", "1a", "a/b", "a b", "a" * 129, "ä"])
def test_names_that_no_stack_can_have(stacks: Stacks, name: str) -> None:
    for operation, more in (
        (stacks.client.create_stack, {}),
        (stacks.client.create_change_set, {"ChangeSetName": "c", "ChangeSetType": "CREATE"}),
    ):
        code, message = refused(operation, StackName=name, TemplateBody=text({"A": TOPIC}), **more)
        assert (code, "stackName" in message) == ("ValidationError", True), message


def test_an_output_of_what_a_type_does_not_have(stacks: Stacks) -> None:
    sections = {"Outputs": {"O": {"Value": {"Fn::GetAtt": ["A", "Size"]}}}}
    body = text({"A": TOPIC}, **sections)
    message = "Template error: resource A does not support attribute type Size in Fn::GetAtt"
    assert refused(stacks.client.create_stack, StackName="size", TemplateBody=body) == ("ValidationError", message)


def test_a_template_in_s3(shared_cloud: Any, stacks: Stacks) -> None:
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket="templates")
    s3.put_object(Bucket="templates", Key="a b.json", Body=text({"A": TOPIC}).encode())
    for number, url in enumerate(
        (f"{shared_cloud.url}/templates/a%20b.json", "https://templates.s3.amazonaws.com/a%20b.json",
         "https://s3.us-east-1.amazonaws.com/templates/a%20b.json")
    ):  # fmt: skip
        stacks.client.create_stack(StackName=f"url{number}", TemplateURL=url)
        assert stacks.end(f"url{number}") == "CREATE_COMPLETE"
    assert stacks.client.get_template(StackName="url0")["TemplateBody"] == {"Resources": {"A": TOPIC}}
