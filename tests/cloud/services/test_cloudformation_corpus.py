"""Templates that others wrote: taken, or refused with a clear reason; and those with faults put into them."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.cloudformation import graph, parameters, rules
from labsupport.cloud.services.cloudformation.base import invalid
from labsupport.cloud.services.cloudformation.functions import Scope, evaluate_conditions, resolve
from labsupport.cloud.services.cloudformation.providers import PROVIDERS
from labsupport.cloud.services.cloudformation.template import parse, transforms

# Why AWS itself would not take them: macros' own tags.
REFUSED = {
    "apigateway_lambda_integration.yaml": "could not determine a constructor for the tag '!Rain::Embed'",
    "RainModules__bucket.yml": "could not determine a constructor for the tag '!Rain::Module'",
}
CASES = 400
BODY = 51_200


def files(corpus: Path) -> list[Path]:
    return sorted([*(corpus / "cfn").iterdir(), *(corpus / "pipeline").iterdir()])


def reason(path: Path) -> str:
    return next((text for ending, text in REFUSED.items() if path.name.endswith(ending)), "")


def test_every_template_is_taken_or_refused_for_a_reason(shared_cloud: Any, corpus: Path) -> None:
    client = shared_cloud.client("cloudformation")
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket="corpus")
    found = files(corpus)
    assert len(found) > 30
    for path in found:
        s3.put_object(Bucket="corpus", Key=path.name, Body=path.read_bytes())
        given = {"TemplateURL": f"{shared_cloud.url}/corpus/{path.name}"}
        if reason(path):
            for operation in (client.validate_template, client.get_template_summary):
                with pytest.raises(ClientError, match="ValidationError") as caught:
                    operation(**given)
                assert reason(path) in str(caught.value)
            continue
        validated, summary = client.validate_template(**given), client.get_template_summary(**given)
        assert [one["ParameterKey"] for one in validated["Parameters"]] == [
            one["ParameterKey"] for one in summary["Parameters"]
        ], path.name
        assert summary["ResourceTypes"] or summary["DeclaredTransforms"], path.name
        assert validated["Capabilities"] == summary["Capabilities"], path.name


def test_templates_of_known_types_become_change_sets_and_others_say_why_not(shared_cloud: Any, corpus: Path) -> None:
    client, taken, refused = shared_cloud.client("cloudformation"), [], []
    for number, path in enumerate(files(corpus)):
        text = path.read_text(errors="replace")
        if reason(path) or len(text.encode()) > BODY:
            continue
        template = parse(text)
        kinds = {one["Type"] for one in template["Resources"].values() if isinstance(one, dict)}
        unknown = kinds - set(PROVIDERS)
        given = [{"ParameterKey": key, "ParameterValue": value(rule)} for key, rule in template["Parameters"].items()]
        request = {
            "StackName": f"corpus-{number}", "ChangeSetName": "it", "ChangeSetType": "CREATE", "TemplateBody": text,
            "Parameters": given, "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        }  # fmt: skip
        try:
            client.create_change_set(**request)
        except ClientError as error:
            message = error.response["Error"]["Message"]
            assert transforms(template) or unknown or "The property" in message, f"{path.name}: {message}"
            assert "not simulated by this lab yet" in message, f"{path.name}: {message}"
            refused.append(path.name)
        else:
            described = client.describe_change_set(StackName=request["StackName"], ChangeSetName="it")
            assert described["Changes"], path.name
            assert described["Status"] == "CREATE_COMPLETE", path.name
            taken.append(path.name)
    assert len(taken) >= 7, refused
    assert len(refused) >= 10, (taken, refused)


def value(rule: dict[str, Any]) -> str:
    """Something that the parameter takes."""
    if rule.get("AllowedValues"):
        return parameters.plain(rule["AllowedValues"][0])
    if "Default" in rule and rule["Default"] != "":
        return parameters.plain(rule["Default"])
    pattern = str(rule.get("AllowedPattern", ""))
    guesses = ["1", "value-of-some-length", "10.0.0.0/16", "arn:aws:iam::123456789012:role/x", "a@example.com", ""]
    for guess in guesses:
        try:
            parameters.check("P", rule, guess)
        except AwsError:
            continue
        return guess
    return pattern


# Faults


def sources(corpus: Path) -> list[dict[str, Any]]:
    found = []
    for path in files(corpus):
        try:
            template = parse(path.read_text(errors="replace"))
        except AwsError:
            continue
        if not transforms(template):
            found.append(template)
    return found


ODD: tuple[Any, ...] = (None, True, -1, 0.5, "", "x", [], {}, [[]], [{}], {"Ref": "X"}, {"Ref": []}, {"Fn::Sub": "${"},
       {"Fn::GetAtt": "A.B"}, {"Fn::If": ["C", 1, 2]}, {"Fn::Join": ["", [{}]]}, {"Condition": []}, "AWS::NoValue",
       {"Ref": "AWS::NoValue"}, "\ud800", "\x00", 10**40, {"Fn::Transform": {}}, {"Fn::ForEach::X": []},
       "AWS::S3::Bucket", {"Fn::FindInMap": [[], [], []]}, {"Fn::Cidr": ["0.0.0.0/0", 256, 31]})  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a template."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(pairs):
        yield value, key
        yield from places(item)


def spoilt(template: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The template with one to three places changed: replaced, removed, swapped, renamed."""
    made = copy.deepcopy(template)
    for _ in range(chance.randint(1, 3)):
        found = list(places(made))
        holder, key = chance.choice(found)
        kind = chance.randrange(4)
        if kind == 0:
            holder[key] = copy.deepcopy(chance.choice(ODD))
        elif kind == 1:
            del holder[key]
        elif kind == 2:
            other, its = chance.choice(found)
            if key in holder if isinstance(holder, dict) else key < len(holder):
                holder[key] = copy.deepcopy(other[its])
        elif isinstance(holder, dict):
            holder[chance.choice(["Ref", "Fn::Sub", "Fn::If", "Type", "Condition", "Fn::Select", "x"])] = holder.pop(
                key
            )
        if not made:
            break
    return made


def gone_through(text: str) -> None:
    """All that is done with a template before anything is made."""
    template = parse(text)

    def missing(name: str, *_: str) -> Any:
        raise invalid(f"{name} is not there")

    given = [{"ParameterKey": key, "ParameterValue": value(rule)} for key, rule in template["Parameters"].items()]
    chosen = parameters.chosen(template, given, {})
    pseudo = {"AWS::Region": "us-east-1", "AWS::AccountId": "1", "AWS::StackName": "s", "AWS::NotificationARNs": []}
    scope = Scope(template, {**pseudo, **chosen}, lambda name: f"made-{name}", lambda *names: "-".join(names), missing)
    evaluate_conditions(scope)
    rules.check(scope)
    names = [
        name for name, one in template["Resources"].items() if scope.conditions.get(one.get("Condition", ""), True)
    ]
    graph.order(graph.dependencies(template, names, scope.conditions))
    for name in names:
        resolve(template["Resources"][name].get("Properties", {}), scope)


def test_spoilt_templates_are_refused_as_templates(corpus: Path) -> None:
    chance, templates, codes = random.Random(1), sources(corpus), []
    for number in range(CASES):
        text = json.dumps(spoilt(chance.choice(templates), chance))
        try:
            gone_through(text)
        except AwsError as error:
            codes.append(error.code)
        except Exception as error:
            raise AssertionError(f"case {number}: {text[:2000]}") from error
    assert set(codes) == {"ValidationError"}
    assert CASES / 4 < len(codes) < CASES


def test_spoilt_templates_over_http_are_never_our_fault(shared_cloud: Any, corpus: Path) -> None:
    chance, templates = random.Random(2), sources(corpus)
    client, answers = shared_cloud.client("cloudformation"), dict[int, str]()
    small = [one for one in templates if len(json.dumps(one)) < 20_000]
    for number in range(60):
        template = spoilt(chance.choice(small), chance)
        text = json.dumps(template)
        given = []
        if isinstance(template.get("Parameters"), dict):
            named = {key: rule for key, rule in template["Parameters"].items() if isinstance(rule, dict)}
            given = [
                {"ParameterKey": key, "ParameterValue": str(rule.get("Default", "x"))}
                for key, rule in named.items()
                if key
            ]
        request = {"StackName": f"spoilt-{number}", "TemplateBody": text, "Capabilities": ["CAPABILITY_NAMED_IAM"]}
        for operation, params in (
            (client.validate_template, {"TemplateBody": text}),
            (client.create_stack, {**request, "Parameters": given}),
        ):
            try:
                operation(**params)
            except ClientError as error:
                answers[error.response["ResponseMetadata"]["HTTPStatusCode"]] = f"{number}: {error}, {text[:2000]}"
    assert list(answers) == [400], answers
    shared_cloud.settle("cloudformation")
    states = {one["StackStatus"] for one in client.list_stacks()["StackSummaries"]}
    assert not any(one.endswith("_IN_PROGRESS") and one != "REVIEW_IN_PROGRESS" for one in states), states
