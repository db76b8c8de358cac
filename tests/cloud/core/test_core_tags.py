"""Tags in the forms that services write them."""

import pytest

from labsupport.cloud.core import tags
from labsupport.cloud.core.errors import AwsError

MANY, RESERVED = AwsError("TooMany", ""), AwsError("Reserved", "")


@pytest.mark.parametrize(
    ("given", "names", "found"),
    [
        (None, (), {}),
        ([], (), {}),
        ([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}], (), {"a": "1", "b": ""}),
        ([{"Key": "a"}], (), {"a": ""}),
        ([{"key": "a", "value": "1"}], ("key", "value"), {"a": "1"}),
        ([{"TagKey": "a", "TagValue": "1"}], ("TagKey", "TagValue"), {"a": "1"}),
    ],
)
def test_from_a_list_and_back(
    given: list[dict[str, str]] | None, names: tuple[str, ...], found: dict[str, str]
) -> None:
    assert tags.from_list(given, *names) == found
    assert tags.from_list(tags.to_list(found, *names), *names) == found


def test_a_list_is_in_the_order_of_the_keys() -> None:
    assert tags.to_list({"b": "2", "a": "1"}) == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]


def test_new_ones_win_and_named_ones_go() -> None:
    assert tags.merged({"a": "1", "b": "2"}, {"b": "3"}) == {"a": "1", "b": "3"}
    assert tags.without({"a": "1", "b": "2"}, ["b", "x"]) == {"a": "1"}


@pytest.mark.parametrize(
    ("found", "error"),
    [
        ({str(number): "" for number in range(51)}, MANY),
        ({"aws:stack": "x"}, RESERVED),
        ({"AWS:stack": "x"}, RESERVED),
    ],
)
def test_limits(found: dict[str, str], error: AwsError) -> None:
    with pytest.raises(AwsError) as caught:
        tags.check(found, MANY, RESERVED)
    assert caught.value is error


def test_within_the_limits() -> None:
    tags.check({str(number): "" for number in range(50)}, MANY, RESERVED)
    tags.check({"awsome": "x", "my:aws:": "x"}, MANY, RESERVED)
