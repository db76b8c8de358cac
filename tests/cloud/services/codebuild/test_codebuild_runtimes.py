"""The runtimes that a buildspec asks its image for."""

import pytest

from labsupport.cloud.services.codebuild.buildspec import parse
from labsupport.cloud.services.codebuild.fields import BuildspecError
from labsupport.cloud.services.codebuild.runtimes import select_runtimes

OK = "version: 0.2\nphases:\n  build:\n    commands:\n      - make\n"
IMAGE = {"python": ["3.9", "3.10", "3.12"], "nodejs": ["18", "20"], "java": ["corretto8", "corretto11"]}


def with_runtimes(**versions):
    lines = "".join(f"      {name}: {version}\n" for name, version in versions.items())
    return parse(f"version: 0.2\nphases:\n  install:\n    runtime-versions:\n{lines}" if versions else OK)


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        ({}, {}),
        ({"python": "3.10"}, {"python": "3.10"}),
        ({"python": "3.x", "nodejs": "latest"}, {"python": "3.12", "nodejs": "20"}),
        ({"java": "latest"}, {"java": "corretto11"}),
        ({"python": '"$PY"', "nodejs": "${NODE}"}, {"python": "3.9", "nodejs": "18"}),
    ],
)
def test_runtimes(wanted, got):
    assert select_runtimes(with_runtimes(**wanted), IMAGE, {"PY": "3.9", "NODE": "18"}) == got


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            {"docker": "18"},
            "Unknown runtime named 'docker'. This build image has the following runtimes: java, nodejs, python",
        ),
        (
            {"nodejs": "10"},
            "Unknown runtime version named '10' of nodejs. This build image has the following versions: 18, 20",
        ),
        ({"nodejs": "$NOTHING"}, "Unknown runtime version named '' of nodejs."),
        ({}, "This build image requires selecting at least one runtime version."),
    ],
)
def test_runtimes_that_the_image_has_not(wanted, message):
    with pytest.raises(BuildspecError) as caught:
        select_runtimes(with_runtimes(**wanted), IMAGE, {}, required=True)
    assert caught.value.message.startswith(message)
