"""The machine images of the lab, and the public parameters of Systems Manager that name the newest ones.

Each is a folder with the CodeDeploy agent in it; programs are those of the machine that the lab runs on.
"""

import hashlib
from typing import NamedTuple

OWNER = "137112412989"  # Amazon's account for Amazon Linux
_PREFIX = "/aws/service/ami-amazon-linux-latest/"


class Image(NamedTuple):
    """`created` is ISO 8601, as DescribeImages has it; `aliases` end the names of the public parameters."""

    name: str
    description: str
    created: str
    aliases: tuple[str, ...]


IMAGES = (
    Image(
        "al2023-ami-2023.9.20251110.1-kernel-6.1-x86_64",
        "Amazon Linux 2023 of the lab: a folder of its own with the CodeDeploy agent",
        "2025-11-10T18:03:23.000Z",
        (
            "al2023-ami-kernel-default-x86_64",
            "al2023-ami-kernel-6.1-x86_64",
            "al2023-ami-minimal-kernel-default-x86_64",
        ),
    ),
    Image(
        "amzn2-ami-kernel-5.10-hvm-2.0.20251027.1-x86_64-gp2",
        "Amazon Linux 2 of the lab: a folder of its own with the CodeDeploy agent",
        "2025-10-27T20:41:16.000Z",
        ("amzn2-ami-hvm-x86_64-gp2", "amzn2-ami-kernel-5.10-hvm-x86_64-gp2", "amzn2-ami-hvm-x86_64-ebs"),
    ),
)


def image_id(region: str, image: Image) -> str:
    """The id of an image, which at AWS too differs by region and is the same for every account."""
    return "ami-0" + hashlib.sha256(f"{region}/{image.name}".encode()).hexdigest()[:16]


def find(region: str, wanted: str) -> Image | None:
    return next((image for image in IMAGES if image_id(region, image) == wanted), None)


def published(name: str) -> Image | None:
    """The image that a public parameter names; `None` where there is no such parameter."""
    alias = name.removeprefix(_PREFIX)
    named = (image for image in IMAGES if alias in image.aliases) if alias != name else iter(())
    return next(named, None)
