"""Hostile and odd YAML: each is read as AWS reads it, or refused with file, place and cause."""

import json
import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labsupport.files.yamlfile import DocumentError, Limits, load, read

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGE_BOMB = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join(['*' + before] * 9)}]}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
CHAIN = "- &n0 [x]\n" + "".join(f"- &n{i + 1} [*n{i}]\n" for i in range(3000))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# nothing\n", None),
        ("a", "a"),
        ("a:", {"a": None}),
        ("version: 0.2", {"version": 0.2}),
        ("version: 0.0", {"version": 0.0}),
        ("mode: 0755", {"mode": 493}),
        ("mode: 0o755", {"mode": 493}),
        ("mode: 0x1F", {"mode": 31}),
        ("flag: 0b101", {"flag": 5}),
        ("n: -12_000", {"n": -12000}),
        ("n: +5", {"n": 5}),
        ("account: 012345678901", {"account": "012345678901"}),
        ("f: 1e3", {"f": 1000.0}),
        ("f: -.5", {"f": -0.5}),
        ("f: .inf", {"f": math.inf}),
        ("f: -.Inf", {"f": -math.inf}),
        ("s: 0x", {"s": "0x"}),
        ("s: 0b_", {"s": "0b_"}),
        ("s: .", {"s": "."}),
        ("s: 1.2.3", {"s": "1.2.3"}),
        ("d: 2010-09-09", {"d": "2010-09-09"}),
        ("t: 1:30", {"t": "1:30"}),
        ("b: [yes, No, ON, off, true, FALSE]", {"b": [True, False, True, False, True, False]}),
        ("b: [y, n, 'yes', \"no\"]", {"b": ["y", "n", "yes", "no"]}),
        ("n: [~, null, '', NULL]", {"n": [None, None, "", None]}),
        ("on: push", {"on": "push"}),
        ("yes: 1\n1: 2\n1.0: 3\n~: 4", {"yes": 1, "1": 2, "1.0": 3, "~": 4}),
        ("? a\n: b", {"a": "b"}),
        ("a: 1\na: 2", {"a": 2}),
        ("a: !!str 0.2", {"a": "0.2"}),
        ("a: !!int '12'", {"a": 12}),
        ("a: !!float 1", {"a": 1.0}),
        ("a: !!bool yes", {"a": True}),
        ("a: ! 12", {"a": 12}),
        ("a: !!map {b: 1}", {"a": {"b": 1}}),
        ("b: &x {c: 1, d: 2}\na: {<<: *x, d: 3}", {"b": {"c": 1, "d": 2}, "a": {"c": 1, "d": 3}}),
        (
            "b: &x {c: 1}\ne: &y {c: 2, f: 3}\na: {d: 0, <<: [*x, *y]}",
            {"b": {"c": 1}, "e": {"c": 2, "f": 3}, "a": {"c": 1, "f": 3, "d": 0}},
        ),
        ("a: {'<<': 1}", {"a": {"<<": 1}}),
        ("a: |\n  x\n  y\nb: >\n  x\n  y\n", {"a": "x\ny\n", "b": "x y\n"}),
        ('{"a": [1, "b", null, true], "c":{"d":"e"}}', {"a": [1, "b", None, True], "c": {"d": "e"}}),
        ('{\n\t"a": 1,\n\t"b": [\n\t\t2\n\t]\n}', {"a": 1, "b": [2]}),
        ("a: " + "1" * 5000, {"a": "1" * 5000}),
        ("---\na: 1\n...\n", {"a": 1}),
        (b"\xef\xbb\xbfa: \xc3\xa9", {"a": "é"}),
        ("a: é".encode("utf-16"), {"a": "é"}),
    ],
)
def test_values(text, value):
    assert load(text, "f.yml") == value


def test_not_a_number():
    assert math.isnan(load("a: .NaN", "f.yml")["a"])


@pytest.mark.parametrize(
    ("text", "place", "cause"),
    [
        ("a:\n\t- b", "line 2, column 1", "found character that cannot start any token (this is a tab"),
        ("a:\n  b: c: d", "line 2, column 7", "mapping values are not allowed in this context"),
        ("a: [1, 2\nb: 3", "line 2, column 2", "did not find expected ',' or ']'"),
        ("a: 'x", "line 1, column 6", "found unexpected end of stream"),
        ("- a\nb: c", "line 2, column 1", "did not find expected '-' indicator"),
        ("a: *x", "line 1, column 4", "the alias *x refers to an anchor that is not above it"),
        ("a: &x [*x]", "line 1, column 8", "the alias *x refers to itself"),
        ("a: 1\n---\nb: 2", "line 2, column 1", "a second document begins here"),
        ("? [a]\n: b", "line 1, column 3", "a key must be a text"),
        ("{a: 1}: b", "line 1, column 1", "a key must be a text"),
        ("a: !Ref b", "line 1, column 4", "could not determine a constructor for the tag '!Ref'"),
        (
            "a: !!python/object/apply:os.system [x]",
            "line 1, column 4",
            "could not determine a constructor for the tag '!!python",
        ),
        ("a: !!python/name:os.system x", "line 1, column 4", "could not determine a constructor"),
        ("a: !!binary aGk=", "line 1, column 4", "could not determine a constructor for the tag '!!binary'"),
        ("a: !!set {b}", "line 1, column 4", "could not determine a constructor for the tag '!!set'"),
        ("a: !!map x", "line 1, column 4", "could not determine a constructor for the tag '!!map'"),
        ("a: !!int x", "line 1, column 4", "'x' is not of the type int"),
        ("a: !!int yes", "line 1, column 4", "'yes' is not of the type int"),
        ("a: {<<: 1}", "line 1, column 9", "<< takes a mapping"),
        ("a: \x01", "line 1, column 1", "control characters are not allowed"),
        ("a: b\nc: \x00", "line 2, column 1", "control characters are not allowed"),
        (b"a: b\nc: \xff", "line 2, column 1", "this is not text in UTF-8"),
        ("a: b\nc: \ud800", "line 2, column 1", "half a character"),
        ("%YAML 3.0\n---\na", "line 1, column 1", "found incompatible YAML document"),
        ("[" * 5000, "line 1, column 66", "this goes deeper"),
        ("{a: " * 5000, "", "deeper"),
        (CHAIN, "", "deeper than the 64 levels"),
        (BOMB, "", "too many values once its aliases are expanded"),
        (MERGE_BOMB, "", "too many values once its aliases are expanded"),
        ("- x\n" * 60_000, "line 50000, column 3", "the file holds more values than is read"),
        ("a" * ((1 << 20) + 1), "", "larger than the 1,048,576 bytes"),
    ],
)
def test_refusals_name_file_place_and_cause(text, place, cause):
    with pytest.raises(DocumentError) as caught:
        load(text, "buildspec.yml")
    sentence = str(caught.value)
    assert sentence.startswith("buildspec.yml")
    assert place in sentence
    assert cause in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_places_and_texts_as_written():
    document = read("# top\nphases:\n  build:\n    commands:\n      - echo\n      - 3.10\n    mode: 0755\n", "f.yml")
    place = {path: (mark.line, mark.column) for path, mark in document.marks.items()}
    assert place[("phases",)] == (2, 1)
    assert place[("phases", "build", "commands")] == (4, 5)
    assert place[("phases", "build", "commands", 1)] == (6, 9)
    assert document.text(("phases", "build", "commands", 1)) == "3.10"
    assert document.text(("phases", "build", "mode")) == "0755"
    assert document.text(("phases", "build")) is None
    # What isn't there stands where the nearest thing around it does.
    assert document.mark(("phases", "build", "finally", 3)).line == 3
    assert document.mark(("nothing",)).line == 2
    error = document.error(("phases", "build"), "no commands", "add some")
    assert str(error) == "f.yml, line 3, column 3: no commands (add some)."


def test_aliases_have_texts_at_every_path_and_merged_keys_too():
    document = read("base: &b {V: 3.10}\nuse: *b\nmix: {<<: *b, W: 0755}", "f.yml")
    assert document.text(("use", "V")) == document.text(("mix", "V")) == "3.10"
    assert document.text(("mix", "W")) == "0755"
    assert document.value["use"] is not document.value["base"]


def test_duplicate_keys_are_told_and_only_the_last_is_read():
    document = read("a: {b: 1, c: 2}\nd: 0\na: {b: 0.30}", "f.yml")
    assert document.value == {"a": {"b": 0.3}, "d": 0}
    assert document.text(("a", "b")) == "0.30"
    assert document.text(("a", "c")) is None
    assert [(path, mark.line) for path, mark in document.duplicates] == [(("a",), 3)]


def test_tags_are_given_by_the_caller():
    tags = {
        "!Ref": lambda value: {"Ref": value},
        "!Join": lambda value: {"Fn::Join": value},
        "!Only": lambda value: {"n": int(value)},
    }
    text = "a: !Ref Bucket\nb: !Join ['', [x, !Ref y]]\nc: !Only 3\nd: !Join {e: 1}"
    assert load(text, "t.yml", tags) == {
        "a": {"Ref": "Bucket"},
        "b": {"Fn::Join": ["", ["x", {"Ref": "y"}]]},
        "c": {"n": 3},
        "d": {"Fn::Join": {"e": 1}},
    }
    with pytest.raises(DocumentError, match=r"t\.yml, line 2, column 4: invalid literal"):
        load("a: !Ref b\nc: !Only x", "t.yml", tags)


def test_limits_are_the_callers():
    assert load("a: [[[b]]]", "f.yml", limits=Limits(depth=4)) == {"a": [[["b"]]]}
    with pytest.raises(DocumentError, match="3 levels"):
        load("a: [[[b]]]", "f.yml", limits=Limits(depth=3))


@pytest.mark.parametrize(
    "text", [BOMB, MERGE_BOMB, CHAIN, "a: 1\n" * 20_000, "[" * 200_000, "&a " * 3000, "? " * 3000, "a: " * 100_000]
)
def test_nothing_hostile_takes_long(text):
    before = time.process_time()
    try:
        load(text, "f.yml")
    except DocumentError:
        pass
    assert time.process_time() - before < 5


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(alphabet="ab:- \n\t[]{},&*!?|>'\"#%@`~<0.1\\\x00é", max_size=40) | st.binary(max_size=30))
def test_any_text_is_read_or_refused(text):
    try:
        read(text, "f.yml")
    except DocumentError as error:
        assert str(error).startswith("f.yml")  # noqa: PT017


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
        ),
        max_leaves=10,
    )
)
def test_json_is_yaml(value):
    assert load(json.dumps(value), "f.json") == value
