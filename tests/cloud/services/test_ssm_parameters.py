"""Parameters: put, get, versions, labels, tags, secrets."""

from typing import Any

import pytest
from services_help import ACCOUNT, code_of, may, news, open_topic, person, policy, refused, subscribed, text_of
from ssm_help import PLACE, put, value_of

LEARNER = f"arn:aws:iam::{ACCOUNT}:user/learner"
NAME_RULE = (
    'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of '
    "sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following "
    "3 symbols .-_"
)


def test_put_and_got(ssm: Any) -> None:
    assert put(ssm, "/shop/color", "blü", Description="d")["Version"] == 1
    found = ssm.get_parameter(Name="/shop/color")["Parameter"]
    assert found.pop("LastModifiedDate").tzinfo is not None
    assert found == {
        "Name": "/shop/color",
        "Type": "String",
        "Value": "blü",
        "Version": 1,
        "ARN": PLACE + "shop/color",
        "DataType": "text",
    }
    (described,) = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": ["/shop/color"]}])["Parameters"]
    assert (described["LastModifiedUser"], described["Description"]) == (LEARNER, "d")
    assert (described["Tier"], described["Policies"]) == ("Standard", [])
    assert "Value" not in described


def test_overwritten(ssm: Any) -> None:
    put(ssm, "over", "1", Description="first")
    assert refused(put, ssm=ssm, name="over", value="2") == (
        "ParameterAlreadyExists",
        "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
    )
    assert put(ssm, "over", "2", None, Overwrite=True)["Version"] == 2
    assert value_of(ssm, "over") == "2"
    history = ssm.get_parameter_history(Name="over")["Parameters"]
    assert [(one["Version"], one["Value"], one["Description"]) for one in history] == [
        (1, "1", "first"),
        (2, "2", "first"),
    ]
    assert history[0]["LastModifiedUser"] == LEARNER


@pytest.mark.parametrize(
    ("selector", "value"), [("", "3"), (":1", "1"), (":2", "2"), (":good", "2"), (":3", "3")]
)  # fmt: skip
def test_versions_and_labels(ssm: Any, selector: str, value: str) -> None:
    name = "versioned" + selector.replace(":", "-")
    for number in "123":
        put(ssm, name, number, Overwrite=True)
    assert ssm.label_parameter_version(Name=name, ParameterVersion=2, Labels=["good"])["InvalidLabels"] == []
    found = ssm.get_parameter(Name=name + selector)["Parameter"]
    assert (found["Name"], found["Value"]) == (name, value)
    assert found.get("Selector", "") == selector
    by_arn = ssm.get_parameter(Name=PLACE + name + selector)["Parameter"]
    assert by_arn["Value"] == value


@pytest.mark.parametrize("selector", ["9", "0", "bad", "ü"])
def test_a_version_that_is_not_there(ssm: Any, selector: str) -> None:
    put(ssm, "few", Overwrite=True)
    assert refused(ssm.get_parameter, Name=f"few:{selector}") == (
        "ParameterVersionNotFound",
        f"Systems Manager could not find version {selector} of few. Verify the version and try again.",
    )


def test_labels(ssm: Any) -> None:
    for _ in range(2):
        put(ssm, "labels", Overwrite=True)
    answer = ssm.label_parameter_version(Name="labels", Labels=["a", "1a", "aws-a", "SSM", "b b", "_c.d-e"])
    assert (answer["ParameterVersion"], answer["InvalidLabels"]) == (2, ["1a", "aws-a", "SSM", "b b"])
    ssm.label_parameter_version(Name="labels", ParameterVersion=1, Labels=["a"])
    labels = [one["Labels"] for one in ssm.get_parameter_history(Name="labels")["Parameters"]]
    assert labels == [["a"], ["_c.d-e"]]
    answer = ssm.unlabel_parameter_version(Name="labels", ParameterVersion=1, Labels=["a", "b"])
    assert (answer["RemovedLabels"], answer["InvalidLabels"]) == (["a"], ["b"])
    assert code_of(ssm.get_parameter, Name="labels:a") == "ParameterVersionNotFound"
    ssm.label_parameter_version(Name="labels", ParameterVersion=1, Labels=[f"l{number}" for number in range(10)])
    more = {"Name": "labels", "ParameterVersion": 1, "Labels": ["l10"]}
    assert code_of(ssm.label_parameter_version, **more) == "ParameterVersionLabelLimitExceeded"
    for operation in (ssm.label_parameter_version, ssm.unlabel_parameter_version):
        assert code_of(operation, Name="labels", ParameterVersion=9, Labels=["a"]) == "ParameterVersionNotFound"


def test_a_hundred_versions(ssm: Any) -> None:
    for number in range(102):
        put(ssm, "many", str(number), Overwrite=True)
    pages = ssm.get_paginator("get_parameter_history").paginate(Name="many", PaginationConfig={"PageSize": 40})
    kept = [[one["Version"] for one in page["Parameters"]] for page in pages]
    assert kept == [[*range(3, 43)], [*range(43, 83)], [*range(83, 103)]]
    ssm.label_parameter_version(Name="many", ParameterVersion=3, Labels=["keep"])
    code, message = refused(put, ssm=ssm, name="many", Overwrite=True)
    assert code == "ParameterMaxVersionLimitExceeded"
    assert "Version 3, the oldest version, can't be deleted" in message
    assert value_of(ssm, "many") == "101"


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("a/b", "ValidationException", "Parameter name must be a fully qualified name."),
        ("/a b", "ValidationException", NAME_RULE),
        ("/a//b", "ValidationException", NAME_RULE),
        ("/a/", "ValidationException", NAME_RULE),
        ("/", "ValidationException", NAME_RULE),
        ("ssm-x", "ValidationException", NAME_RULE),
        ("/SSM/x", "ValidationException", NAME_RULE),
        ("/ü", "ValidationException", NAME_RULE),
        ("awsx", "AccessDeniedException", "No access to reserved parameter name: awsx."),
        ("/aws/service/x", "AccessDeniedException", "No access to reserved parameter name: /aws/service/x."),
        ("/1" * 16, "HierarchyLevelLimitExceededException", ""),
    ],
)
def test_names_that_are_refused(ssm: Any, name: str, code: str, message: str) -> None:
    found = refused(put, ssm=ssm, name=name)
    assert found[0] == code
    assert not message or found[1] == message


def test_fifteen_levels(ssm: Any) -> None:
    put(ssm, "/1" * 15)
    assert value_of(ssm, "/1" * 15) == "x"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"kind": None}, "ValidationException"),
        ({"value": ""}, "ValidationException"),
        ({"value": "a {{ssm:b}} c"}, "ValidationException"),
        ({"value": "x" * 4097}, "ValidationException"),
        ({"value": "x" * 8193, "Tier": "Advanced"}, "ValidationException"),
        ({"KeyId": "alias/aws/ssm"}, "ValidationException"),
        ({"value": "abc", "AllowedPattern": r"\d+"}, "ParameterPatternMismatchException"),
        ({"value": "abc", "AllowedPattern": "("}, "InvalidAllowedPatternException"),
        ({"Overwrite": True, "Tags": [{"Key": "a", "Value": "1"}]}, "ValidationException"),
        ({"Policies": "[{}]"}, "NotSimulated"),
        ({"DataType": "aws:ec2:image"}, "NotSimulated"),
        ({"kind": "Secret"}, "ValidationException"),
    ],
)
def test_values_that_are_refused(ssm: Any, params: dict[str, Any], code: str) -> None:
    assert code_of(put, ssm=ssm, name="refused", **params) == code
    assert code_of(ssm.get_parameter, Name="refused") == "ParameterNotFound"


@pytest.mark.parametrize(
    ("size", "tier", "found"),
    [
        (4096, None, "Standard"),
        (4096, "Intelligent-Tiering", "Standard"),
        (4097, "Intelligent-Tiering", "Advanced"),
        (8192, "Advanced", "Advanced"),
        (1, "Advanced", "Advanced"),
    ],
)
def test_tiers(ssm: Any, size: int, tier: str | None, found: str) -> None:
    name = f"tier-{size}-{tier}"
    more = {"Tier": tier} if tier else {}
    assert put(ssm, name, "x" * size, **more)["Tier"] == found
    if found == "Advanced":
        assert put(ssm, name, "y", Overwrite=True)["Tier"] == "Advanced"
        code, message = refused(put, ssm=ssm, name=name, Tier="Standard", Overwrite=True)
        assert (code, "You can't downgrade" in message) == ("ValidationException", True)


def test_a_pattern_that_fits(ssm: Any) -> None:
    put(ssm, "pattern", "123", AllowedPattern=r"\d+")
    shown = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": ["pattern"]}])["Parameters"][0]
    assert shown["AllowedPattern"] == r"\d+"


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("get_parameter", {}),
        ("delete_parameter", {}),
        ("get_parameter_history", {}),
        ("label_parameter_version", {"Labels": ["a"]}),
        ("unlabel_parameter_version", {"ParameterVersion": 1, "Labels": ["a"]}),
    ],
)
def test_what_is_not_there(ssm: Any, operation: str, params: dict[str, Any]) -> None:
    assert refused(getattr(ssm, operation), Name="/nowhere", **params) == (
        "ParameterNotFound",
        "Parameter /nowhere not found.",
    )


def test_several_at_once(ssm: Any) -> None:
    put(ssm, "/several/a", "1")
    put(ssm, "/several/b", "2")
    answer = ssm.get_parameters(Names=["/several/b", "/several/a:1", "/several/x", "/several/a:9"])
    assert [one["Value"] for one in answer["Parameters"]] == ["2", "1"]
    assert answer["InvalidParameters"] == ["/several/x", "/several/a:9"]
    answer = ssm.delete_parameters(Names=["/several/a", "/several/x"])
    assert (answer["DeletedParameters"], answer["InvalidParameters"]) == (["/several/a"], ["/several/x"])
    ssm.delete_parameter(Name=PLACE + "several/b")
    assert ssm.get_parameters(Names=["/several/a", "/several/b"])["Parameters"] == []
    put(ssm, "/several/a")  # a deleted one begins anew
    assert ssm.get_parameter(Name="/several/a")["Parameter"]["Version"] == 1


def test_by_arn(ssm: Any) -> None:
    put(ssm, "/single", "slash")
    put(ssm, "single-plain", "plain")
    assert value_of(ssm, PLACE + "single") == "slash"
    assert value_of(ssm, PLACE + "single-plain") == "plain"
    elsewhere = PLACE.replace("us-east-1", "eu-west-1") + "single"
    assert code_of(ssm.get_parameter, Name=elsewhere) == "ParameterNotFound"
    theirs = PLACE.replace(ACCOUNT, "210987654321") + "single"
    assert code_of(ssm.get_parameter, Name=theirs) == "AccessDeniedException"


def test_tags(ssm: Any) -> None:
    put(ssm, "/tagged", Tags=[{"Key": "a", "Value": "1"}])
    where = {"ResourceType": "Parameter", "ResourceId": "/tagged"}
    ssm.add_tags_to_resource(**where, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])
    ssm.remove_tags_from_resource(**where, TagKeys=["b", "c"])
    assert ssm.list_tags_for_resource(**where)["TagList"] == [{"Key": "a", "Value": "3"}]
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    assert code_of(ssm.add_tags_to_resource, **where, Tags=many) == "TooManyTagsError"
    assert code_of(ssm.add_tags_to_resource, **where, Tags=[{"Key": "aws:x", "Value": ""}]) == "ValidationException"
    missing = {"ResourceType": "Parameter", "ResourceId": "/nowhere"}
    assert code_of(ssm.list_tags_for_resource, **missing) == "InvalidResourceId"
    document = {"ResourceType": "Document", "ResourceId": "x"}
    assert code_of(ssm.list_tags_for_resource, **document) == "NotSimulated"


# Who may


@pytest.mark.parametrize(
    ("resource", "fits"),
    [
        (PLACE + "may/*", True),
        (PLACE + "may/a", True),
        (PLACE + "/may/a", False),
        (PLACE + "other/*", False),
    ],
)
def test_permission_by_path(shared_cloud: Any, resource: str, fits: bool) -> None:
    put(shared_cloud.client("ssm"), "/may/a", "seen", Overwrite=True)
    name = "ssm-" + resource.partition("parameter")[2].replace("/", "-").replace("*", "all")
    mine = person(shared_cloud, name, may("ssm:GetParameter", "ssm:GetParameters", resource=resource))("ssm")
    if fits:
        assert value_of(mine, "/may/a") == "seen"
        assert mine.get_parameters(Names=["/may/a"])["Parameters"][0]["Value"] == "seen"
    else:
        assert refused(mine.get_parameter, Name="/may/a") == (
            "AccessDeniedException",
            f"User: arn:aws:iam::{ACCOUNT}:user/{name} is not authorized to perform: ssm:GetParameter on resource: "
            f"{PLACE}may/a because no identity-based policy allows the ssm:GetParameter action",
        )


def test_one_forbidden_name_forbids_the_call(shared_cloud: Any) -> None:
    for name in ("/mixed/a", "/mixed/b"):
        put(shared_cloud.client("ssm"), name)
    mine = person(shared_cloud, "ssm-mixed", may("ssm:GetParameters", resource=PLACE + "mixed/a"))("ssm")
    assert code_of(mine.get_parameters, Names=["/mixed/a", "/mixed/b"]) == "AccessDeniedException"


def test_permission_by_tag(shared_cloud: Any) -> None:
    ssm = shared_cloud.client("ssm")
    put(ssm, "/bytag/a", Tags=[{"Key": "team", "Value": "shop"}])
    put(ssm, "/bytag/b", Tags=[{"Key": "team", "Value": "other"}])
    condition = {"StringEquals": {"ssm:resourceTag/team": "shop"}}
    mine = person(shared_cloud, "ssm-tag", may("ssm:GetParameter", **condition))("ssm")
    assert value_of(mine, "/bytag/a") == "x"
    assert code_of(mine.get_parameter, Name="/bytag/b") == "AccessDeniedException"


# What others see


def test_events(cloud: Any) -> None:
    topic = open_topic(cloud, "changes", "events")
    subscribed(cloud, topic, "changes@example.com")
    events = cloud.client("events")
    events.put_rule(Name="changes", EventPattern='{"source": ["aws.ssm"]}')
    events.put_targets(Rule="changes", Targets=[{"Id": "1", "Arn": topic, "InputPath": "$.detail.operation"}])
    ssm = cloud.client("ssm")
    put(ssm, "/e")
    put(ssm, "/e", Overwrite=True)
    ssm.label_parameter_version(Name="/e", Labels=["a"])
    ssm.delete_parameter(Name="/e")
    cloud.settle()
    said = sorted(text_of(one) for one in news(cloud, "changes@example.com"))
    assert said == ['"Create"', '"Delete"', '"LabelParameterVersion"', '"Update"']


def test_kept_over_a_restart(start_cloud: Any) -> None:
    first = start_cloud()
    put(first.client("ssm"), "/kept", "secret", "SecureString")
    first.stop()
    assert value_of(start_cloud(home=first.home).client("ssm"), "/kept", WithDecryption=True) == "secret"


def test_a_policy_is_text(ssm: Any) -> None:
    """A value may well be JSON with quotes and new lines."""
    text = policy(may("s3:*")) + "\n\t"
    put(ssm, "/json", text)
    assert value_of(ssm, "/json") == text
