"""What tests of services start with."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from cli_help import ONE, Cli, second_version
from cloudformation_help import Stacks
from codecommit_help import Repository
from deploying import World
from ec2_help import TAGS, launch
from kms_help import Keys
from s3_help import new_user


@pytest.fixture(params=["v1", "v2"])
def cli(request: pytest.FixtureRequest) -> Cli:
    """The AWS CLI in each version that learners have."""
    if request.param == "v1":
        return ONE
    return second_version() or pytest.skip("no AWS CLI of version 2 on the path (Debian's package is awscli)")


@pytest.fixture(scope="module")
def kms(shared_cloud: Any) -> Any:
    return shared_cloud.client("kms")


@pytest.fixture(scope="module")
def keys(kms: Any) -> Keys:
    """KMS keys of each kind, shared by a module's tests."""
    return Keys(kms)


@pytest.fixture
def key(kms: Any) -> str:
    """A KMS key of the test's own."""
    arn: str = kms.create_key()["KeyMetadata"]["Arn"]
    return arn


@pytest.fixture
def someone(shared_cloud: Any) -> tuple[str, Any]:
    """Somebody without a permission: ARN, and client of KMS."""
    made = new_user(shared_cloud)
    return made["arn"], shared_cloud.client("kms", credentials=made["keys"])


@pytest.fixture
def ssm(shared_cloud: Any) -> Any:
    return shared_cloud.client("ssm")


@pytest.fixture
def repository(shared_cloud: Any) -> Repository:
    return Repository(shared_cloud.client("codecommit"), f"r-{secrets.token_hex(8)}")


@pytest.fixture
def stacks(shared_cloud: Any) -> Stacks:
    return Stacks(shared_cloud)


@pytest.fixture(scope="module")
def ec2(shared_cloud: Any) -> Any:
    return shared_cloud.client("ec2")


@pytest.fixture(scope="module")
def image(ec2: Any) -> str:
    """An image of Amazon's."""
    return str(ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"])


@pytest.fixture(scope="module")
def pair(shared_cloud: Any, image: str) -> list[str]:
    """The ids of two running instances with tags."""
    specification = [{"ResourceType": "instance", "Tags": TAGS}]
    made = launch(shared_cloud, image, 2, InstanceType="t3.micro", TagSpecifications=specification)
    return [one["InstanceId"] for one in made]


@pytest.fixture(scope="module")
def world(shared_cloud: Any) -> World:
    """What a deployment needs, shared by a module's tests."""
    return World(shared_cloud)


@pytest.fixture
def emptied(request: pytest.FixtureRequest) -> Iterator[None]:
    """The next test finds the shared instance as if nothing had been deployed to it."""
    yield
    if "world" in request.fixturenames:
        found: World = request.getfixturevalue("world")
        for path in (found.root() / "opt/codedeploy-agent/deployment-root").glob("deployment-instructions/*"):
            path.unlink()
        for path in (found.root() / "srv").iterdir():
            path.unlink()
