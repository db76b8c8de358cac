"""Any request that botocore signs verifies; with a single byte of what was signed altered, none does."""

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from gateway_signers import KEY, NOW, SECRET, signed
from hypothesis import given, settings
from hypothesis import strategies as st

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest
from labsupport.cloud.gateway.sigv4 import Family, credential_of, unknown_key, verify

text = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8)
printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)


def query_of(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)


@st.composite
def requests(draw: st.DrawFn, signer: str) -> HttpRequest:
    s3 = signer.startswith("s3")
    # Where paths are normalised a segment may vanish, and what vanishes can be altered: plain ones do there.
    path = quote("/".join(draw(st.lists(text if s3 else names, max_size=4))), safe="/~")
    pairs = draw(
        st.lists(st.tuples(names if "presigned" in signer else text, text), max_size=4, unique_by=lambda p: p[0])
    )
    query = query_of([(name, value) for name, value in pairs if name])
    return signed(
        signer,
        "s3" if s3 else draw(st.sampled_from(["codecommit", "iam", "events"])),
        draw(st.sampled_from(["GET", "PUT", "POST"])),
        "/" + path + ("?" + query if query else ""),
        {f"x-amz-meta-{name}": value for name, value in draw(st.dictionaries(names, printable, max_size=3)).items()},
        b"" if "presigned" in signer else draw(st.binary(max_size=64)),
        token=draw(st.none() | printable),
    )


def check(request: HttpRequest, family: Family) -> None:
    claim = credential_of(request, family)
    assert claim is not None
    if claim.access_key != KEY:  # the key id is not signed: it picks the secret
        raise unknown_key(family, claim.access_key)
    verify(request, claim, SECRET, NOW, family)


def altered_text(draw: st.DrawFn, original: str) -> str:
    """One character replaced by a letter or digit that is another one in either case."""
    place = draw(st.integers(0, len(original) - 1))
    other = draw(st.sampled_from([c for c in "0123456789abcdefxyz" if c != original[place].lower()]))
    return original[:place] + other + original[place + 1 :]


def alter(draw: st.DrawFn, request: HttpRequest) -> HttpRequest:
    headers = {name: value for name, value in request.headers.items() if value and name != "content-length"}
    places = [
        *(["path"] if request.raw_path != "/" else []),
        *(["query"] if request.query else []),
        *(["body"] if request.body else []),
        *headers,
    ]
    place = draw(st.sampled_from(places))
    if place == "body":
        at = draw(st.integers(0, len(request.body) - 1))
        change = bytes([request.body[at] ^ draw(st.integers(1, 255))])
        return replace(request, body=request.body[:at] + change + request.body[at + 1 :])
    if place == "path":
        return replace(request, raw_path="/" + altered_text(draw, request.raw_path[1:]))
    if place == "query":
        return replace(request, query=altered_text(draw, request.query))
    return replace(request, headers=request.headers | {place: altered_text(draw, request.headers[place])})


SIGNERS: list[tuple[str, Family]] = [("header", "json"), ("header", "query"), ("s3", "s3"), ("s3 presigned", "s3")]


@pytest.mark.parametrize(("signer", "family"), SIGNERS)
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_what_botocore_signs_verifies_and_nothing_else(signer: str, family: Family, data: Any) -> None:
    request = data.draw(requests(signer))
    check(request, family)
    other = alter(data.draw, request)
    with pytest.raises(AwsError):
        check(other, family)
