"""`lab env`: what a shell exports, so that aws, boto3 and git reach the cloud and nothing else."""

import argparse
import os
import shlex
import sys

from labsupport import home


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", default=home.PROFILE, help="the profile to use (default: learner)")
    parser.add_argument("--tls", action="store_true", help="reach the cloud over HTTPS, under its own authority")


def run(arguments: argparse.Namespace) -> int:
    folder = home.folder(arguments.home)
    found = home.running(folder)
    home.keys(folder, arguments.profile)
    url = found.secure_url if arguments.tls else found.url
    wanted = home.environment(folder, url, arguments.profile, found.secure_url)
    others = {name for name in os.environ if name.startswith("AWS_")} - set(wanted)
    for name in sorted({*home.OVERRIDING, *others}):
        print(f"unset {name}")
    for name, value in wanted.items():
        print(f"export {name}={shlex.quote(value)}")
    programs = os.path.dirname(sys.executable)
    if os.environ.get("PATH", "").split(os.pathsep)[0] != programs:  # another `aws` may be older than AWS_ENDPOINT_URL
        print(f'export PATH={shlex.quote(programs)}:"$PATH"')
    return 0
