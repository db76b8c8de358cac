"""Pages of a listing, and their tokens."""

import base64

import pytest

from labsupport.cloud.core import paging
from labsupport.cloud.core.errors import AwsError

BAD = AwsError("InvalidNextToken", "Bad.")


def walk(items: list[str], size: int, descending: bool = False) -> list[list[str]]:
    pages, token = [], None
    while True:
        found, token = paging.page(items, str, token, size, BAD, descending)
        pages.append(found)
        if token is None:
            return pages


@pytest.mark.parametrize(
    ("size", "pages"),
    [
        (1, [["a"], ["b"], ["c"], ["ü"]]),
        (2, [["a", "b"], ["c", "ü"]]),
        (3, [["a", "b", "c"], ["ü"]]),
        (4, [["a", "b", "c", "ü"]]),
        (9, [["a", "b", "c", "ü"]]),
    ],
)
def test_pages(size: int, pages: list[list[str]]) -> None:
    assert walk(["a", "b", "c", "ü"], size) == pages
    assert walk(["ü", "c", "b", "a"], size, descending=True) == walk(["ü", "c", "b", "a"], size, descending=True)
    assert [one for page in walk(["ü", "c", "b", "a"], size, True) for one in page] == ["ü", "c", "b", "a"]


def test_nothing_is_one_empty_page() -> None:
    assert walk([], 5) == [[]]
    assert paging.page_of_list([], None, 5, BAD) == ([], None)


def test_a_token_holds_while_items_come_and_go() -> None:
    first, token = paging.page(["a", "c", "e"], str, None, 2, BAD)
    assert first == ["a", "c"]
    assert paging.page(["b", "d", "e"], str, token, 9, BAD) == (["d", "e"], None)


def test_a_token_of_the_newest_first_repeats_nothing() -> None:
    first, token = paging.page(["3", "2", "1"], str, None, 2, BAD, descending=True)
    assert first == ["3", "2"]
    assert paging.page(["4", "3", "2", "1"], str, token, 2, BAD, descending=True) == (["1"], None)


def test_pages_by_position() -> None:
    found, token = paging.page_of_list(["z", "a", "m"], None, 2, BAD)
    assert found == ["z", "a"]
    assert paging.page_of_list(["z", "a", "m"], token, 2, BAD) == (["m"], None)


@pytest.mark.parametrize(
    "token",
    [
        "garbage!",
        "ü",
        "AAAA",
        "x",
        base64.urlsafe_b64encode(b"2:a").decode(),
        base64.urlsafe_b64encode(b"1:\xff").decode(),
        "MTph\n",
    ],
)
def test_tokens_that_no_listing_has_given_out(token: str) -> None:
    for listing in (lambda: paging.page(["a"], str, token, 1, BAD), lambda: paging.page_of_list(["a"], token, 1, BAD)):
        with pytest.raises(AwsError) as caught:
            listing()
        assert caught.value is BAD


@pytest.mark.parametrize("last", ["a", "-1", "²", "٣", "9" * 5000, "1.0", " 1"])
def test_a_token_of_another_listing_is_no_position(last: str) -> None:
    with pytest.raises(AwsError):
        paging.page_of_list(["a", "b"], paging.token_for(last), 1, BAD)


def test_no_token() -> None:
    assert paging.last_of(None, BAD) is None
    assert paging.last_of("", BAD) is None
    assert paging.last_of(paging.token_for("x/y=ü"), BAD) == "x/y=ü"
