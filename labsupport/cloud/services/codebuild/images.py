"""The images that CodeBuild provides, and the language runtimes in them ("Docker images provided by CodeBuild").

A build here runs with the tools of this machine: an image only says which `runtime-versions` a buildspec may ask for.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.codebuild.base import Params, service

Runtimes = Mapping[str, Sequence[str]]


class Image(Struct, frozen=True):
    platform: str
    description: str
    runtimes: dict[str, list[str]]
    versions: list[str]


_AL2023 = {
    "dotnet": ["8.0", "9.0", "10.0"],
    "golang": ["1.21", "1.22", "1.23", "1.24", "1.25"],
    "java": ["corretto8", "corretto11", "corretto17", "corretto21", "corretto25"],
    "nodejs": ["18", "20", "22", "24"],
    "php": ["8.1", "8.2", "8.3", "8.4"],
    "python": ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"],
    "ruby": ["3.1", "3.2", "3.3", "3.4"],
}
_AL2 = {
    "dotnet": ["6.0"],
    "golang": ["1.18"],
    "java": ["corretto8", "corretto11", "corretto17"],
    "nodejs": ["16", "18"],
    "php": ["8.1"],
    "python": ["3.9"],
    "ruby": ["3.1"],
}
_UBUNTU_7 = {
    "android": ["33", "34"],
    "dotnet": ["6.0", "8.0"],
    "golang": ["1.20", "1.21", "1.22", "1.23"],
    "java": ["corretto8", "corretto11", "corretto17", "corretto21"],
    "nodejs": ["18", "20", "22"],
    "php": ["8.2", "8.3"],
    "python": ["3.11", "3.12", "3.13"],
    "ruby": ["3.2", "3.3"],
}
_UBUNTU_6 = {
    "dotnet": ["6.0"],
    "golang": ["1.18"],
    "java": ["corretto8", "corretto11", "corretto17"],
    "nodejs": ["16"],
    "php": ["8.1"],
    "python": ["3.10"],
    "ruby": ["3.1"],
}
_UBUNTU_5 = {
    "dotnet": ["3.1", "5.0"],
    "golang": ["1.15", "1.16"],
    "java": ["corretto8", "corretto11"],
    "nodejs": ["12", "14"],
    "php": ["7.3", "7.4", "8.0"],
    "python": ["3.7", "3.8", "3.9"],
    "ruby": ["2.6", "2.7"],
}

IMAGES: Mapping[str, Image] = MappingProxyType(
    {
        "aws/codebuild/amazonlinux-x86_64-standard:6.0": Image("AMAZON_LINUX", "AL2023", _AL2023, ["26.01.01"]),
        "aws/codebuild/amazonlinux-x86_64-standard:5.0": Image("AMAZON_LINUX", "AL2023", _AL2023, ["24.11.08"]),
        "aws/codebuild/amazonlinux2-x86_64-standard:5.0": Image("AMAZON_LINUX", "AL2023", _AL2023, ["24.11.08"]),
        "aws/codebuild/amazonlinux-x86_64-standard:4.0": Image("AMAZON_LINUX", "AL2", _AL2, ["24.10.29"]),
        "aws/codebuild/amazonlinux2-x86_64-standard:4.0": Image("AMAZON_LINUX", "AL2", _AL2, ["24.10.29"]),
        "aws/codebuild/standard:7.0": Image("UBUNTU", "Ubuntu 22.04", _UBUNTU_7, ["24.10.29"]),
        "aws/codebuild/standard:6.0": Image("UBUNTU", "Ubuntu 22.04", _UBUNTU_6, ["24.10.29"]),
        "aws/codebuild/standard:5.0": Image("UBUNTU", "Ubuntu 20.04", _UBUNTU_5, ["23.07.28"]),
    }
)


def find(name: str) -> Image | None:
    """An image that CodeBuild provides; a date after its version (`:5.0-24.11.08`) means a release of it."""
    return IMAGES.get(name) or IMAGES.get(re.sub(r"-\d\d\.\d\d\.\d\d$", "", name))


def is_unknown(name: str) -> bool:
    """Whether a name claims to be one of CodeBuild's images and is none."""
    return name.startswith("aws/codebuild/") and find(name) is None


@service.operation()
def list_curated_environment_images(call: Call, params: Params) -> Params:
    platforms = dict.fromkeys(image.platform for image in IMAGES.values())
    return {"platforms": [_platform(platform) for platform in platforms]}


def _platform(platform: str) -> Params:
    images = [
        {"name": name, "description": f"AWS CodeBuild - {image.description}", "versions": _versions(name, image)}
        for name, image in IMAGES.items()
        if image.platform == platform
    ]
    return {"platform": platform, "languages": [{"language": "BASE", "images": images}]}


def _versions(name: str, image: Image) -> list[str]:
    return [f"{name}-{version}" for version in image.versions]
