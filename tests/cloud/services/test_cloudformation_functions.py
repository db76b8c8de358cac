"""Functions, conditions, rules and parameters, over scopes made by hand."""

import contextlib
from typing import Any

import pytest

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.cloudformation import parameters, rules
from labsupport.cloud.services.cloudformation.base import invalid
from labsupport.cloud.services.cloudformation.functions import NO_VALUE, Scope, evaluate_conditions, resolve


def scope(conditions: Any = None, **more: Any) -> Scope:
    def missing(name: str, *_: str) -> Any:
        raise invalid(f"{name} is not there")

    template = {
        "Mappings": {"Sizes": {"small": {"cpu": "1", "zones": ["a", "b"]}}},
        "Conditions": conditions or {},
        "Parameters": {"Env": {"Type": "String"}, "Names": {"Type": "CommaDelimitedList"}},
        **more,
    }
    values = {"Env": "prod", "Names": ["x", "y"], "AWS::Region": "eu-west-1", "Count": 3}
    attributes = {("Bucket", "Arn"): "arn:b", ("Stack", "Outputs.Url"): "http://u", ("Bucket", "Zones"): ["p", "q"]}
    return Scope(
        template,
        values,
        lambda name: "bucket-1" if name == "Bucket" else missing(name),
        lambda name, wanted: attributes[name, wanted] if (name, wanted) in attributes else missing(name),
        lambda name: "imported" if name == "shared" else missing(name),
    )


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ({"Ref": "Env"}, "prod"),
        ({"Ref": "Names"}, ["x", "y"]),
        ({"Ref": "Bucket"}, "bucket-1"),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, 1]}, {"b": [1]}),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "arn:b"),
        ({"Fn::GetAtt": "Stack.Outputs.Url"}, "http://u"),
        ({"Fn::Sub": "${Bucket} ${Bucket.Arn} ${ Env } ${!Env} $x ${Names}"}, "bucket-1 arn:b prod ${Env} $x x,y"),
        ({"Fn::Sub": ["${A}-${Env}", {"A": {"Ref": "Bucket"}, "Env": "own"}]}, "bucket-1-own"),
        ({"Fn::Sub": ["${A}", {"A": True}]}, "true"),
        ({"Fn::Join": ["-", ["a", 1, {"Ref": "Env"}, True]]}, "a-1-prod-true"),
        ({"Fn::Join": ["", {"Ref": "Names"}]}, "xy"),
        ({"Fn::Join": [",", [{"Ref": "AWS::NoValue"}, "a"]]}, "a"),
        ({"Fn::Split": ["-", "a-b"]}, ["a", "b"]),
        ({"Fn::Select": ["1", {"Fn::Split": [",", "a,b"]}]}, "b"),
        ({"Fn::Select": [0, {"Fn::GetAtt": ["Bucket", "Zones"]}]}, "p"),
        ({"Fn::FindInMap": ["Sizes", "small", "cpu"]}, "1"),
        ({"Fn::FindInMap": ["Sizes", {"Fn::Sub": "small"}, "zones"]}, ["a", "b"]),
        ({"Fn::If": ["Yes", "a", {"Ref": "Nope"}]}, "a"),
        ({"Fn::If": ["No", {"Ref": "Nope"}, {"Ref": "Env"}]}, "prod"),
        ({"x": {"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}}, {}),
        ({"Fn::ImportValue": {"Fn::Sub": "shared"}}, "imported"),
        ({"Fn::Base64": "grüße"}, "Z3LDvMOfZQ=="),
        ({"Fn::GetAZs": ""}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ({"Fn::GetAZs": {"Ref": "AWS::Region"}}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ({"Fn::Cidr": ["10.0.0.0/24", 3, "5"]}, ["10.0.0.0/27", "10.0.0.32/27", "10.0.0.64/27"]),
        ({"Fn::Cidr": ["10.0.0.0/16", 1]}, ["10.0.0.0/24"]),
        ({"a": 1, "Ref": "Env"}, {"a": 1, "Ref": "Env"}),
    ],
)
def test_resolves(value: Any, result: Any) -> None:
    own = scope({"Yes": {"Fn::Equals": ["a", "a"]}, "No": {"Fn::Equals": ["a", "b"]}})
    evaluate_conditions(own)
    assert resolve(value, own) == result


def test_no_value_alone_is_no_value() -> None:
    assert resolve({"Ref": "AWS::NoValue"}, scope()) is NO_VALUE


ANYTHING: tuple[Any, ...] = (
    "x",
    1,
    1.5,
    True,
    [],
    {},
    [[]],
    [{}],
    {"a": 1},
    [1, 2],
    ["a", []],
    [[], "a"],
    [{"Ref": "Env"}, {"Ref": "Names"}],
    [{"Ref": "Names"}, {"Ref": "Env"}],
    {"Ref": "AWS::NoValue"},
    ["a", "b", "c"],
    [{}, {}, {}],
    ["²", ["a"]],
    [10**30, ["a"]],
    ["-1", ["a"]],
    ["10.0.0.0/33", 1, 1],
    ["10.0.0.0/8", 10**9, 8],
    ["10.0.0.0/8", 1, 99],
    [{"Ref": "AWS::NoValue"}, {"Ref": "AWS::NoValue"}],
    ["a", {"Ref": "AWS::NoValue"}, "b"],
)
NAMES = (
    "Ref",
    "Fn::GetAtt",
    "Fn::Sub",
    "Fn::Join",
    "Fn::Split",
    "Fn::Select",
    "Fn::FindInMap",
    "Fn::If",
    "Fn::ImportValue",
    "Fn::Base64",
    "Fn::GetAZs",
    "Fn::Cidr",
    "Fn::Nope",
    "Fn::And",
    "Fn::Equals",
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("argument", ANYTHING, ids=str)
def test_wrong_arguments_are_the_templates_fault(name: str, argument: Any) -> None:
    """Whatever stands there: a value, or AWS's error; nothing else gets out."""
    with contextlib.suppress(AwsError):
        resolve({name: argument}, scope())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Fn::Select": [2, ["a"]]}, "Fn::Select  cannot select nonexistent value at index 2"),
        ({"Fn::Select": [0, {"Ref": "Env"}]}, "requires a list to select from"),
        ({"Fn::FindInMap": ["Sizes", "big", "cpu"]}, "Unable to get mapping for Sizes::big::cpu"),
        ({"Fn::FindInMap": [{"Ref": "Env"}, "big", "cpu"]}, "Mapping named 'prod' is not present"),
        ({"Fn::Sub": "${AWS::NoValue}"}, "Fn::Sub needs a String, and has been given AWS::NoValue"),
        ({"Fn::Join": [",", [["a"]]]}, "Fn::Join needs a String, and has been given a list"),
        ({"Fn::If": ["Nope", 1, 2]}, "unresolved condition dependency Nope"),
        ({"Fn::Cidr": ["10.0.0.0/24", 300, 0]}, "cannot cut 300 blocks out of 10.0.0.0/24"),
    ],
)
def test_says_what_does_not_resolve(value: Any, message: str) -> None:
    with pytest.raises(AwsError) as caught:
        resolve(value, scope())
    assert message in caught.value.message


# Conditions

EQUAL, DIFFER = {"Fn::Equals": [{"Ref": "Env"}, "prod"]}, {"Fn::Equals": [{"Ref": "Env"}, "test"]}


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        (EQUAL, True),
        (DIFFER, False),
        ({"Fn::Equals": [True, "true"]}, True),
        ({"Fn::Equals": [{"Ref": "Count"}, "3"]}, True),
        ({"Fn::Equals": [{"Ref": "Names"}, {"Fn::Split": [",", "x,y"]}]}, True),
        ({"Fn::Not": [EQUAL]}, False),
        ({"Fn::And": [EQUAL, DIFFER]}, False),
        ({"Fn::Or": [EQUAL, DIFFER]}, True),
        ({"Fn::And": [{"Condition": "Later"}, EQUAL]}, True),
    ],
)
def test_conditions(expression: Any, holds: bool) -> None:
    own = scope({"It": expression, "Later": {"Fn::Or": [EQUAL, DIFFER]}})
    evaluate_conditions(own)
    assert own.conditions["It"] is holds


@pytest.mark.parametrize(
    "conditions",
    [
        {"A": {"Condition": "B"}, "B": {"Condition": "A"}},
        {"A": {"Fn::Not": [{"Condition": "A"}]}},
        {"A": {"Condition": []}},
        {"A": {"Condition": "None"}},
        {"A": []},
        {"A": {"Fn::And": [EQUAL]}},
        {"A": {"Fn::And": [EQUAL] * 11}},
        {"A": {"Fn::Not": [EQUAL, EQUAL]}},
        {"A": {"Fn::Equals": [{"Ref": "AWS::NoValue"}, 1]}},
        {"A": {"Fn::If": ["A", 1, 2]}},
    ],
)
def test_refuses_conditions(conditions: Any) -> None:
    with pytest.raises(AwsError) as caught:
        evaluate_conditions(scope(conditions))
    assert caught.value.code == "ValidationError"


# Rules


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"Assertions": [{"Assert": EQUAL}]}, ""),
        ({"Assertions": [{"Assert": DIFFER, "AssertDescription": "only tests"}]}, "only tests"),
        ({"Assertions": [{"Assert": DIFFER}]}, "an assertion of rule Own does not hold"),
        ({"RuleCondition": DIFFER, "Assertions": [{"Assert": DIFFER}]}, ""),
        ({"RuleCondition": EQUAL, "Assertions": [{"Assert": EQUAL}, {"Assert": DIFFER}]}, "an assertion of rule Own"),
        ({"Assertions": [{"Assert": {"Fn::Contains": [["test", "prod"], {"Ref": "Env"}]}}]}, ""),
        ({"Assertions": [{"Assert": {"Fn::Contains": [["test"], {"Ref": "Env"}]}}]}, "an assertion of rule Own"),
        ({"Assertions": [{"Assert": {"Fn::Not": [{"Fn::Contains": [["test"], {"Ref": "Env"}]}]}}]}, ""),
        ({"Assertions": [{"Assert": {"Fn::EachMemberIn": [{"Ref": "Names"}, ["x", "y", "z"]]}}]}, ""),
        ({"Assertions": [{"Assert": {"Fn::EachMemberIn": [{"Ref": "Names"}, ["x"]]}}]}, "an assertion of rule Own"),
        ({"Assertions": [{"Assert": {"Fn::EachMemberEquals": [{"Fn::RefAll": "String"}, "prod"]}}]}, ""),
        ({"Assertions": [{"Assert": {"Fn::Contains": "x"}}]}, "requires a list of 2 parameters"),
        ({"Assertions": [{"Assert": {"Fn::Contains": ["x", "y"]}}]}, "Fn::Contains requires a list of strings"),
        ({"Assertions": [{"Assert": {"Fn::Contains": [{"Fn::ValueOfAll": ["a", "b"]}, "y"]}}]}, "NotSimulated"),
        ({"Assertions": [{"Assert": "x"}]}, "must be a condition function"),
    ],
)
def test_rules(rule: Any, message: str) -> None:
    own = scope(Rules={"Own": rule})
    if not message:
        rules.check(own)
        return
    with pytest.raises(AwsError) as caught:
        rules.check(own)
    assert message in caught.value.message


# Parameters


@pytest.mark.parametrize(
    ("rule", "value", "problem"),
    [
        ({"AllowedValues": ["a", 1, True]}, "1", ""),
        ({"AllowedValues": ["a", 1, True]}, "true", ""),
        ({"AllowedValues": ["a"]}, "b", "Parameter 'P' must be one of AllowedValues"),
        ({"AllowedPattern": "[a-z]+"}, "abc", ""),
        ({"AllowedPattern": "[a-z]+"}, "abc1", "Parameter 'P' must match pattern [a-z]+"),
        ({"AllowedPattern": "[a-z"}, "abc", "is not a valid regular expression"),
        (
            {"AllowedPattern": "[a-z]+", "ConstraintDescription": "letters."},
            "1",
            "P failed to satisfy constraint: letters.",
        ),
        ({"MinLength": 2}, "a", "must contain at least 2 characters"),
        ({"MaxLength": "2"}, "abc", "must contain at most 2 characters"),
        ({"Type": "Number", "MinValue": 2}, "1.5", "must be a number not less than 2"),
        ({"Type": "Number", "MaxValue": 2}, "2.5", "must be a number not greater than 2"),
        ({"Type": "Number"}, "2", ""),
        ({"Type": "Number"}, "two", "Parameter 'P' must be a number."),
        ({"Type": "Number"}, "²", "Parameter 'P' must be a number."),
        ({"Type": "List<Number>", "MaxValue": 5}, "1, 7", "must be a number not greater than 5"),
        ({"Type": "List<Number>"}, "1, x", "Parameter 'P' must be a number."),
        ({"Type": "CommaDelimitedList", "AllowedValues": ["a", "b"]}, "a, b", ""),
        ({"Type": "CommaDelimitedList", "AllowedValues": ["a", "b"]}, "a, c", "must be one of AllowedValues"),
        ({}, "x" * 4097, "Parameter 'P' must have at most 4096 bytes."),
    ],
)
def test_constraints(rule: Any, value: str, problem: str) -> None:
    declared = {"Type": "String", **rule}
    if not problem:
        parameters.check("P", declared, value)
        return
    with pytest.raises(AwsError) as caught:
        parameters.check("P", declared, value)
    assert problem in caught.value.message


def given(**values: Any) -> list[dict[str, Any]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


DECLARED = {"Parameters": {"A": {"Type": "String"}, "B": {"Type": "Number", "Default": 5}}}


def test_chooses_given_before_default() -> None:
    assert parameters.chosen(DECLARED, given(A="a"), {}) == {"A": "a", "B": "5"}
    previous = [{"ParameterKey": "A", "UsePreviousValue": True}]
    assert parameters.chosen(DECLARED, [*previous, *given(B="7")], {"A": "old"}) == {"A": "old", "B": "7"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (given(), "Parameters: [A] must have values"),
        (given(A="a", C="c", D="d"), "Parameters: [C, D] do not exist in the template"),
        ([{"ParameterKey": "A", "UsePreviousValue": True}], "key not in the previous template"),
        ([{"ParameterKey": "A", "UsePreviousValue": True, "ParameterValue": "x"}], "at the same time"),
        ([{"ParameterValue": "x"}], "must have a ParameterKey"),
    ],
)
def test_refuses_parameters(values: Any, message: str) -> None:
    with pytest.raises(AwsError) as caught:
        parameters.chosen(DECLARED, values, {})
    assert message in caught.value.message
