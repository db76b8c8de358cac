"""Variables in an action's configuration."""

import pytest

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codepipeline.variables import of_pipeline, references, resolved

KNOWN = {
    "SourceVariables": {"CommitId": "abc", "BranchName": "main"},
    "empty": {"text": ""},
    **of_pipeline("id-1", {"stage": "test"}),
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plain", "plain"),
        ("#{SourceVariables.CommitId}", "abc"),
        ("at #{SourceVariables.BranchName}: #{SourceVariables.CommitId}!", "at main: abc!"),
        ("#{codepipeline.PipelineExecutionId}", "id-1"),
        ("#{variables.stage}", "test"),
        ("#{empty.text}", ""),
        ("# {SourceVariables.CommitId}", "# {SourceVariables.CommitId}"),
        ("${SourceVariables.CommitId}", "${SourceVariables.CommitId}"),
        ("#{open", "#{open"),
    ],
)
def test_filled_in(text: str, found: str) -> None:
    assert resolved({"a": text, "b": "kept"}, KNOWN) == {"a": found, "b": "kept"}


@pytest.mark.parametrize(
    "text",
    [
        "#{SourceVariables.Other}",
        "#{Nobody.CommitId}",
        "#{}",
        "#{CommitId}",
        "#{a.b.c}",
        "#{SourceVariables. CommitId}",
    ],
)
def test_what_cannot_be_filled_in(text: str) -> None:
    with pytest.raises(AwsError) as caught:
        resolved({"a": text}, KNOWN)
    assert caught.value.code == "InvalidActionConfiguration"
    assert text in caught.value.message


def test_a_value_is_not_read_again() -> None:
    known = {"n": {"a": "#{n.b}", "b": "never"}}
    assert resolved({"x": "#{n.a}"}, known) == {"x": "#{n.b}"}


def test_references() -> None:
    configuration = {"a": "#{x.y} and #{z.w}", "b": "none", "c": "#{x.y}"}
    assert references(configuration) == ["x.y", "z.w", "x.y"]
