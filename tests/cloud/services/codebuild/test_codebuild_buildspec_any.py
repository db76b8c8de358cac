"""Whatever a buildspec holds, it is taken or refused: other people's, and random ones."""

from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from labsupport.cloud.services.codebuild.buildspec import parse
from labsupport.cloud.services.codebuild.fields import BuildspecError

BROKEN = {
    "user-guide-batch-graph-BROKEN.yml": "did not find expected key at line 5",
    "user-guide-batch-list-BROKEN.yml": "did not find expected key at line 5",
    "user-guide-batch-matrix.yml": "wrong number of container tags, expected 1",
}


def test_every_buildspec_of_the_corpus_is_taken_or_refused_with_a_reason(corpus: Path):
    files = sorted((corpus / "buildspec").iterdir())
    assert len(files) > 50
    refused = {}
    for file in files:
        try:
            spec = parse(file.read_bytes(), file.name)
        except BuildspecError as error:
            refused[file.name.rpartition("__")[2]] = error.message
            continue
        assert spec.phases or spec.batch, file.name
        kept = [command for phase in spec.phases.values() for command in phase.commands + phase.finally_commands]
        raw = yaml.safe_load(file.read_text()).get("phases", {})
        written = [c for p in raw.values() for part in ("commands", "finally") for c in _listed(p.get(part))]
        assert sorted(kept) == sorted(written), file.name
    assert refused == BROKEN


def _listed(value):
    return [] if value is None else value if isinstance(value, list) else [value]


KEYS = st.sampled_from(
    [
        "version",
        "run-as",
        "env",
        "phases",
        "install",
        "build",
        "commands",
        "finally",
        "artifacts",
        "files",
        "secondary-artifacts",
        "reports",
        "batch",
        "build-list",
        "build-matrix",
        "build-graph",
        "build-fanout",
        "dynamic",
        "static",
        "identifier",
        "depend-on",
        "variables",
        "secrets-manager",
        "cache",
        "on-failure",
        "x",
    ]
)
SCALARS = st.sampled_from([None, True, 0.2, 0.1, 17, "", "yes", "0.2", "a:b:c:d:e:f", "RETRY-3", "arn:x", -1, "é"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.dictionaries(KEYS, VALUES, max_size=6), st.booleans())
def test_no_buildspec_raises_anything_else(value, versioned):
    text = yaml.safe_dump({**value, "version": 0.2} if versioned else value)
    try:
        parse(text)
    except BuildspecError as error:
        assert error.message  # noqa: PT017
