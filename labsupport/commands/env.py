"""`lab env`: what a shell exports, so that aws, boto3 and git reach the cloud and nothing else."""

import argparse
import shlex

from labsupport import home


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", default=home.PROFILE, help="the profile to use (default: learner)")


def run(arguments: argparse.Namespace) -> int:
    folder = home.folder(arguments.home)
    found = home.running(folder)
    home.keys(folder, arguments.profile)
    for name in home.OVERRIDING:
        print(f"unset {name}")
    for name, value in home.environment(folder, found.url, arguments.profile).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0
