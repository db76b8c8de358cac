"""What tests of services start with."""

import pytest
from cli_help import ONE, Cli, second_version


@pytest.fixture(params=["v1", "v2"])
def cli(request: pytest.FixtureRequest) -> Cli:
    """The AWS CLI in each version that learners have."""
    if request.param == "v1":
        return ONE
    return second_version() or pytest.skip("no AWS CLI of version 2 on the path (Debian's package is awscli)")
