"""What a template may look like, and AWS's words for what it may not."""

import json
from typing import Any

import pytest

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.cloudformation import graph, schemas
from labsupport.cloud.services.cloudformation.template import parse, transforms

TOPIC = {"Type": "AWS::SNS::Topic"}
BUCKET = {"Type": "AWS::S3::Bucket"}


def template(**sections: Any) -> str:
    return json.dumps({"Resources": {"Topic": TOPIC}, **sections})


def topic(**more: Any) -> str:
    return template(Resources={"Topic": {**TOPIC, **more}})


def shown(value: Any) -> str:
    return template(Outputs={"Out": {"Value": value}})


def refusal(text: str) -> str:
    with pytest.raises(AwsError) as caught:
        parse(text)
    assert caught.value.code == "ValidationError"
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Template format error: unsupported structure."),
        ("- a\n- b", "Template format error: unsupported structure."),
        ("Resources:\n  A: [", "Template format error: YAML not well-formed. (line 3, column 1)"),
        ('{"Resources": {"A" 1}}', "Template format error: JSON not well-formed. (line 1"),
        ("Resources:\n  A:\n    Type: !Foo x\n", "could not determine a constructor for the tag '!Foo'"),
        ("Resources:\n  A:\n", "[/Resources/A] 'null' values are not allowed in templates"),
        ("{}", "At least one Resources member must be defined."),
        ('{"Resources": {}}', "At least one Resources member must be defined."),
        ('{"Resources": []}', "[/Resources] object is of the wrong type. Expected a map."),
        (template(Extra=1), "Invalid template property or properties [Extra]"),
        (template(AWSTemplateFormatVersion="2011-01-01"), "2011-01-01 is not a supported value for AWSTemplate"),
        (template(Description=["a"]), "Description is of the wrong type. Expected a string."),
        (template(Description="x" * 1025), "'Description' length is greater than 1024."),
        (template(Resources={"A-b": TOPIC}), "Resource name A-b is non alphanumeric."),
        (template(Outputs={"A_b": {"Value": "x"}}), "Output name A_b is non alphanumeric."),
        (template(Resources={"A": "x"}), "[/Resources/A] object is of the wrong type. Expected a map."),
        (template(Resources={"A": {}}), "Every Resources object must contain a Type member."),
        (template(Resources={"A": {"Type": "AWS::S3::Nope"}}), "Unrecognized resource types: [AWS::S3::Nope]"),
        (topic(Colour=1), "Invalid template resource property 'Colour'"),
        (topic(Properties=[]), "[/Resources/Topic/Properties] object is of the wrong type. Expected a map."),
        (topic(DeletionPolicy="Keep"), "Unrecognized DeletionPolicy Keep for resource Topic"),
        (topic(DeletionPolicy={"Ref": "X"}), "Unrecognized DeletionPolicy"),
        (topic(UpdateReplacePolicy="RetainExceptOnCreate"), "Unrecognized UpdateReplacePolicy"),
        (topic(DeletionPolicy="Snapshot"), "AWS::SNS::Topic does not support deletion policy Snapshot"),
        (topic(DependsOn="Other"), "Unresolved resource dependencies [Other] in the Resources block"),
        (topic(DependsOn=[{"Ref": "Other"}]), "DependsOn of /Resources/Topic must be a string or a list of strings."),
        (topic(Condition="No"), "Condition 'No' for resource 'Topic' is not defined."),
        (topic(Condition=["No"]), "Every Condition member must be a string: /Resources/Topic"),
        (topic(Properties={"DisplayName": {"Ref": "X"}}), "Unresolved resource dependencies [X] in the Resources"),
        (template(Outputs={"A": {}}), "Every Outputs object must contain a Value object: A"),
        (template(Outputs={"A": {"Value": 1, "X": 2}}), "Invalid template output property 'X'"),
        (template(Outputs={"A": {"Value": 1, "Export": {}}}), "The Name field of every Export member must be"),
        (template(Outputs={"A": {"Value": 1, "Condition": []}}), "Every Condition member must be a string: /Outputs/A"),
        (template(Outputs={"A": {"Value": 1, "Condition": "N"}}), "Condition 'N' for output 'A' is not defined."),
        (shown({"Ref": "X"}), "Unresolved resource dependencies [X] in the Outputs block of the template"),
        (shown({"Fn::Sub": "${X}"}), "Unresolved resource dependencies [X] in the Outputs block of the template"),
        (shown({"Fn::Sub": "${X.Arn}"}), "instance of Fn::GetAtt references undefined resource X"),
        (shown({"Fn::GetAtt": ["X", "Arn"]}), "instance of Fn::GetAtt references undefined resource X"),
        (shown({"Fn::If": ["C", "a", "b"]}), "unresolved condition dependency C in the Outputs block"),
        (shown({"Fn::FindInMap": ["M", "a", "b"]}), "Mapping named 'M' is not present in the 'Mappings' section"),
        (template(Mappings={"M": {"a": "b"}}), "Every Mappings attribute must be a map of maps: M"),
        (template(Mappings={"M": {"a": {"b": {"c": 1}}}}), "Every Mappings attribute must be a String or a List: b"),
        (template(Conditions={"C": {"Fn::Equals": [{"Ref": "Topic"}, 1]}}), "Unresolved dependencies [Topic]. Cannot"),
        (template(Conditions={"C": {"Fn::Equals": [{"Ref": "X"}, 1]}}), "Unresolved dependencies [X]. Cannot"),
        (template(Conditions={"C": {"Condition": "D"}}), "Unresolved condition dependency D in condition C"),
        (template(Conditions={"C": "yes"}), "Conditions can only be boolean operations"),
        (template(Conditions={"C": {"Fn::Equals": [{"Fn::GetAZs": ""}, 1]}}), "Fn::GetAZs cannot be used in the Cond"),
        (template(Rules={"R": {}}), "Rule R must contain a list of Assertions."),
        (template(Rules={"R": {"Assertions": [1]}}), "Every assertion of rule R must contain an Assert member."),
        (template(Rules={"R": {"Assertions": [{"Assert": 1}], "X": 1}}), "Invalid rule property 'X' in rule R"),
        (template(Resources={f"A{n}": TOPIC for n in range(501)}), "Number of resources, 501, is greater than maximum"),
        ("x" * 1_000_001, "Template may not exceed 1000000 bytes in size."),
        ("[" * 200 + "]" * 200, "Template format error"),
        ("a: &a [x]\nb: &b [" + "*a," * 400 + "]\nc: &c [" + "*b," * 400 + "]\nd: [*c,*c]", "Template format error"),
    ],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_refuses_in_aws_words(text: str, message: str) -> None:
    assert message in refusal(text)


FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "Ref": ([], {}, 1, ""),
    "Fn::GetAtt": ("Topic", [], ["Topic"], ["Topic", ""], ["Topic", "a", "b"], 5, {"a": 1}, ["Topic", []]),
    "Fn::Sub": ([], 1, ["a"], ["a", 1], [1, {}], {"a": 1}, ["a", {}, 1]),
    "Fn::Join": ("x", [], [","], [",", "x"], [1, []], [[], []], {"Ref": "Topic"}),
    "Fn::Split": ("x", [","], ["", "x"], [",", []], [",", {"a": 1}]),
    "Fn::Select": ("x", [0], [0, "x"], [[], []], [{}, ["a"]]),
    "Fn::FindInMap": ("x", ["a"], ["a", "b"], ["a", "b", "c", "d"], ["a", [], "c"]),
    "Fn::If": ("x", ["a"], [{}, 1, 2], [1, 2, 3]),
    "Fn::ImportValue": ([], {}, {"a": 1}),
    "Fn::Base64": ([], {"a": 1}),
    "Fn::GetAZs": ([], {"a": "b"}),
    "Fn::Cidr": ("x", ["10.0.0.0/8"], ["10.0.0.0/8", []], {"a": 1}),
    "Fn::Nope": (1,),
    "Fn::Length": ([],),
}


@pytest.mark.parametrize(("name", "argument"), [(name, one) for name, all_ in FUNCTIONS.items() for one in all_])
def test_refuses_functions_that_are_not_written_as_such(name: str, argument: Any) -> None:
    message = refusal(topic(Properties={"DisplayName": {name: argument}}))
    assert name in message


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({}, "Every Parameters object must contain a Type member: P"),
        ({"Type": "Text"}, "Unrecognized parameter type: Text"),
        ({"Type": ["String"]}, "Unrecognized parameter type"),
        ({"Type": "List<AWS::EC2::Image::Id"}, "Unrecognized parameter type"),
        ({"Type": "AWS::SSM::Parameter::Value<Number>"}, "Unrecognized parameter type"),
        ({"Type": "String", "Colour": 1}, "Invalid template parameter property 'Colour'"),
        ({"Type": "String", "AllowedValues": "a"}, "[/Parameters/P/AllowedValues] is of the wrong type"),
        ({"Type": "String", "AllowedValues": [[1]]}, "[/Parameters/P/AllowedValues] is of the wrong type"),
        ({"Type": "String", "Default": ["a"]}, "Every Default member must be a string: /Parameters/P"),
        ({"Type": "String", "MinLength": "many"}, "Every MinLength member must be a number: /Parameters/P"),
        ({"Type": "Number", "MaxValue": True}, "Every MaxValue member must be a number: /Parameters/P"),
    ],
)
def test_refuses_parameters_that_are_declared_wrongly(rule: Any, message: str) -> None:
    assert message in refusal(template(Parameters={"P": rule}))


@pytest.mark.parametrize(
    "kind",
    [
        "String", "Number", "List<Number>", "CommaDelimitedList", "AWS::EC2::Image::Id", "List<AWS::EC2::Subnet::Id>",
        "AWS::SSM::Parameter::Name", "AWS::SSM::Parameter::Value<String>", "AWS::SSM::Parameter::Value<List<String>>",
        "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", "AWS::SSM::Parameter::Value<List<AWS::EC2::Image::Id>>",
    ],
)  # fmt: skip
def test_takes_every_parameter_type(kind: str) -> None:
    assert parse(template(Parameters={"P": {"Type": kind}}))["Parameters"]["P"]["Type"] == kind


def test_short_forms_are_the_long_ones() -> None:
    text = """
Resources:
  B: {Type: AWS::S3::Bucket}
  T:
    Type: AWS::SNS::Topic
    Properties:
      DisplayName: !Join ["-", [!Ref B, !GetAtt B.Arn, !Select [0, !Split [",", "a,b"]], !Sub "${AWS::Region}"]]
"""
    name = parse(text)["Resources"]["T"]["Properties"]["DisplayName"]
    first, second, third, fourth = name["Fn::Join"][1]
    assert (first, second, fourth) == ({"Ref": "B"}, {"Fn::GetAtt": ["B", "Arn"]}, {"Fn::Sub": "${AWS::Region}"})
    assert third == {"Fn::Select": [0, {"Fn::Split": [",", "a,b"]}]}


def test_a_macro_may_bring_what_is_missing() -> None:
    text = template(Transform=["AWS::Serverless-2016-10-31"], Outputs={"O": {"Value": {"Ref": "ServerlessRestApi"}}})
    assert transforms(parse(text)) == ["AWS::Serverless-2016-10-31"]


# Order


def ordered(resources: dict[str, Any]) -> list[str]:
    found = parse(template(Resources=resources))
    return graph.order(graph.dependencies(found, list(resources)))


def needing(*names: str, **more: Any) -> dict[str, Any]:
    return {**TOPIC, "Properties": {"DisplayName": {"Fn::Join": ["", [{"Ref": one} for one in names]]}}, **more}


def test_resources_come_behind_what_they_need() -> None:
    found = ordered(
        {
            "A": needing("B", "C"),
            "B": {**TOPIC, "DependsOn": ["C", "D"]},
            "C": {**TOPIC, "Properties": {"DisplayName": {"Fn::Sub": "${D.TopicName} ${!E}"}}},
            "D": TOPIC,
            "E": {**TOPIC, "Properties": {"DisplayName": {"Fn::GetAtt": ["A", "TopicArn"]}}},
        }
    )
    assert found == ["D", "C", "B", "A", "E"]


@pytest.mark.parametrize(
    ("resources", "named"),
    [
        ({"A": needing("A")}, "[A]"),
        ({"A": needing("B"), "B": needing("A")}, "[A, B]"),
        ({"A": needing("B"), "B": {**TOPIC, "DependsOn": "C"}, "C": needing("A"), "D": TOPIC}, "[A, B, C]"),
        ({"A": {**TOPIC, "DependsOn": "A"}}, "[A]"),
    ],
)
def test_refuses_circles(resources: dict[str, Any], named: str) -> None:
    with pytest.raises(AwsError) as caught:
        ordered(resources)
    assert caught.value.message == f"Circular dependency between resources: {named}"


def test_only_the_branch_that_is_taken_counts() -> None:
    branch = {"Fn::If": ["C", {"Ref": "B"}, "none"]}
    text = template(
        Resources={"A": {**TOPIC, "Properties": {"DisplayName": branch}}, "B": {**BUCKET, "Condition": "C"}},
        Conditions={"C": {"Fn::Equals": ["a", "b"]}},
    )
    assert graph.dependencies(parse(text), ["A"], {"C": False}) == {"A": []}
    with pytest.raises(AwsError, match=r"Unresolved resource dependencies \[B\] in the Resources block"):
        graph.dependencies(parse(text), ["A"], {"C": True})


# Schemas


@pytest.mark.parametrize(
    ("kind", "properties", "problem"),
    [
        ("AWS::SNS::Topic", {"Name": "x"}, "#: extraneous key [Name] is not permitted"),
        ("AWS::SNS::Topic", {"TopicArn": "x"}, "#: extraneous key [TopicArn] is not permitted"),
        ("AWS::SNS::Topic", {"DisplayName": ["x"]}, "#/DisplayName: expected type: String, found: JSONArray"),
        ("AWS::SNS::Topic", {"Tags": {"a": "b"}}, "#/Tags: expected type: Array, found: JSONObject"),
        ("AWS::SNS::Topic", {"Tags": [{"Key": "a"}]}, "#/Tags/0: required key [Value] not found"),
        ("AWS::IAM::Role", {}, "#: required key [AssumeRolePolicyDocument] not found"),
        ("AWS::S3::Bucket", {"VersioningConfiguration": {"Status": "On"}}, "Status: On is not a valid enum value"),
    ],
)
def test_properties_are_checked_against_the_types_schema(kind: str, properties: Any, problem: str) -> None:
    with pytest.raises(AwsError) as caught:
        schemas.check("R", kind, properties)
    assert caught.value.message.startswith("Properties validation failed for resource R with message:\n#")
    assert problem in caught.value.message


@pytest.mark.parametrize(
    ("kind", "changed", "anew"),
    [
        ("AWS::S3::Bucket", {"BucketName"}, True),
        ("AWS::S3::Bucket", {"Tags"}, False),
        ("AWS::IAM::Role", {"RoleName"}, True),
        ("AWS::IAM::Role", {"Policies", "Tags"}, False),
        ("AWS::KMS::Alias", {"TargetKeyId"}, False),
    ],
)
def test_knows_what_can_be_set_at_creation_only(kind: str, changed: set[str], anew: bool) -> None:
    assert schemas.creates_only(kind, changed) is anew
