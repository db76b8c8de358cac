"""Parameters by path and by filter, in pages."""

from typing import Any

import pytest
from services_help import ACCOUNT, code_of, may, person, refused

FOUND = {
    "/shop/a": ("String", {"team": "shop"}),
    "/shop/b": ("StringList", {}),
    "/shop/db/password": ("SecureString", {"team": "db"}),
    "/shop/db/user": ("String", {}),
    "/shopping": ("String", {}),
    "plain": ("String", {"team": "shop"}),
}


@pytest.fixture(scope="module")
def ssm(shared_cloud: Any) -> Any:
    client = shared_cloud.client("ssm")
    for name, (kind, tags) in FOUND.items():
        more = {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}
        client.put_parameter(Name=name, Value="v" + name, Type=kind, **more)
    client.label_parameter_version(Name="/shop/a", Labels=["live"])
    return client


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"Path": "/"}, ["/shopping"]),
        ({"Path": "/shop"}, ["/shop/a", "/shop/b"]),
        ({"Path": "/shop/"}, ["/shop/a", "/shop/b"]),
        ({"Path": "/shop", "Recursive": True}, ["/shop/a", "/shop/b", "/shop/db/password", "/shop/db/user"]),
        ({"Path": "/shop/db"}, ["/shop/db/password", "/shop/db/user"]),
        ({"Path": "/shop/d"}, []),
        ({"Path": "/nowhere"}, []),
        (
            {"Path": "/shop", "Recursive": True, "ParameterFilters": [{"Key": "Type", "Values": ["SecureString"]}]},
            ["/shop/db/password"],
        ),
        ({"Path": "/shop", "ParameterFilters": [{"Key": "Label", "Values": ["live"]}]}, ["/shop/a"]),
        (
            {
                "Path": "/",
                "Recursive": True,
                "ParameterFilters": [{"Key": "KeyId", "Option": "BeginsWith", "Values": ["alias/aws"]}],
            },
            ["/shop/db/password"],
        ),
    ],
)
def test_by_path(ssm: Any, params: dict[str, Any], names: list[str]) -> None:
    found = ssm.get_parameters_by_path(**params)["Parameters"]
    assert [one["Name"] for one in found] == names


def test_by_path_with_decryption(ssm: Any) -> None:
    closed, opened = (
        {one["Name"]: one["Value"] for one in ssm.get_parameters_by_path(Path="/shop/db", **more)["Parameters"]}
        for more in ({}, {"WithDecryption": True})
    )
    assert closed["/shop/db/user"] == opened["/shop/db/user"] == "v/shop/db/user"
    assert closed["/shop/db/password"] != opened["/shop/db/password"] == "v/shop/db/password"


def test_pages(cloud: Any) -> None:
    ssm = cloud.client("ssm")
    names = [f"/p/{number:02}" for number in range(23)]
    for name in names:
        ssm.put_parameter(Name=name, Value="x", Type="String")
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path="/p")
    assert [[one["Name"] for one in page["Parameters"]] for page in pages] == [names[:10], names[10:20], names[20:]]
    pages = ssm.get_paginator("describe_parameters").paginate(PaginationConfig={"PageSize": 20})
    assert [[one["Name"] for one in page["Parameters"]] for page in pages] == [names[:20], names[20:]]
    for operation, params in ((ssm.get_parameters_by_path, {"Path": "/p"}), (ssm.describe_parameters, {})):
        assert code_of(operation, **params, NextToken="bad") == "InvalidNextToken"
    assert code_of(ssm.get_parameter_history, Name="/p/00", NextToken="bad") == "InvalidNextToken"
    assert cloud.client("ssm", region_name="eu-west-1").describe_parameters()["Parameters"] == []


def one(key: str, *values: str, option: str | None = None) -> dict[str, Any]:
    return {"Key": key, "Values": list(values), **({"Option": option} if option else {})}


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ([], list(FOUND)),
        ([one("Name", "plain")], ["plain"]),
        ([one("Name", "plain", "/shopping")], ["/shopping", "plain"]),
        ([one("Name", "/shop", option="BeginsWith")], [name for name in FOUND if name != "plain"]),
        ([one("Name", "db", option="Contains")], ["/shop/db/password", "/shop/db/user"]),
        ([one("Type", "SecureString", "StringList")], ["/shop/b", "/shop/db/password"]),
        ([one("Path", "/shop")], ["/shop/a", "/shop/b"]),
        ([one("Path", "/shop", option="OneLevel")], ["/shop/a", "/shop/b"]),
        ([one("Path", "/shop/db", "/", option="OneLevel")], ["/shop/db/password", "/shop/db/user", "/shopping"]),
        ([one("Path", "/shop/db", option="Recursive")], ["/shop/db/password", "/shop/db/user"]),
        ([one("tag:team", "shop")], ["/shop/a", "plain"]),
        ([{"Key": "tag:team"}], ["/shop/a", "/shop/db/password", "plain"]),
        ([one("tag:team", "shop"), one("Path", "/shop")], ["/shop/a"]),
        ([one("Label", "live")], ["/shop/a"]),
        ([one("Tier", "Advanced")], []),
        ([one("DataType", "text"), one("KeyId", "alias/aws/ssm")], ["/shop/db/password"]),
    ],
)
def test_filters(ssm: Any, filters: list[dict[str, Any]], names: list[str]) -> None:
    found = [one["Name"] for one in ssm.describe_parameters(ParameterFilters=filters)["Parameters"]]
    assert found == sorted(names)


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("describe_parameters", {"ParameterFilters": [one("Colour", "x")]}, "ValidationException"),
        ("describe_parameters", {"ParameterFilters": [one("Name", "x", option="EndsWith")]}, "InvalidFilterOption"),
        ("describe_parameters", {"ParameterFilters": [one("Type", "x", option="BeginsWith")]}, "InvalidFilterOption"),
        ("describe_parameters", {"ParameterFilters": [one("Path", "/", option="Equals")]}, "InvalidFilterOption"),
        ("describe_parameters", {"ParameterFilters": [{"Key": "Name"}]}, "InvalidFilterValue"),
        (
            "describe_parameters",
            {"ParameterFilters": [one("Name", "x")], "Filters": [{"Key": "Name", "Values": ["x"]}]},
            "ValidationException",
        ),
        ("get_parameters_by_path", {"Path": "/", "ParameterFilters": [one("Name", "x")]}, "InvalidFilterKey"),
        ("get_parameters_by_path", {"Path": "/", "ParameterFilters": [one("tag:x", "x")]}, "InvalidFilterKey"),
        ("get_parameters_by_path", {"Path": "shop"}, "ValidationException"),
    ],
)
def test_what_is_refused(ssm: Any, operation: str, params: dict[str, Any], code: str) -> None:
    assert code_of(getattr(ssm, operation), **params) == code


def test_the_old_filters(ssm: Any) -> None:
    found = ssm.describe_parameters(Filters=[{"Key": "Type", "Values": ["StringList"]}])["Parameters"]
    assert [one["Name"] for one in found] == ["/shop/b"]


def test_public_parameters(ssm: Any) -> None:
    """The newest images' ids, which templates take them from."""
    prefix = "/aws/service/ami-amazon-linux-latest"
    found = ssm.get_parameters_by_path(Path=prefix)["Parameters"]
    assert found
    for parameter in found:
        assert parameter["Name"].startswith(prefix)
        assert parameter["Value"].startswith("ami-0")
        assert parameter["ARN"] == f"arn:aws:ssm:us-east-1::parameter{parameter['Name']}"
        assert parameter["LastModifiedDate"].year == 2025  # since the image is there
        assert ssm.get_parameter(Name=parameter["Name"])["Parameter"]["Value"] == parameter["Value"]
    assert code_of(ssm.get_parameter, Name=prefix + "/windows") == "ParameterNotFound"
    assert code_of(ssm.delete_parameter, Name=found[0]["Name"]) == "ParameterNotFound"


def test_permission_by_path(shared_cloud: Any, ssm: Any) -> None:
    arn = f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/shop"
    flat = {"StringEquals": {"ssm:Recursive": "false"}}
    mine = person(shared_cloud, "ssm-path", may("ssm:GetParametersByPath", resource=arn, **flat))("ssm")
    assert len(mine.get_parameters_by_path(Path="/shop")["Parameters"]) == 2
    assert code_of(mine.get_parameters_by_path, Path="/shop", Recursive=True) == "AccessDeniedException"
    code, message = refused(mine.get_parameters_by_path, Path="/shop/db")
    assert code == "AccessDeniedException"
    assert f"ssm:GetParametersByPath on resource: {arn}/db" in message
