"""`lab status`: whether the cloud runs, and where."""

import argparse

from rich.console import Console

from labsupport import home


def run(arguments: argparse.Namespace) -> int:
    """0 while it runs, 3 while it doesn't."""
    folder = home.folder(arguments.home)
    found = home.endpoint(folder)
    console = Console(highlight=False)
    console.print(f"home folder  {folder}", soft_wrap=True)
    if found is None:
        console.print("cloud        not running: start it with `lab serve`, or with `lab`")
        return 3
    console.print(f"cloud        running at {found.url} (process {found.pid}, auth {found.auth})")
    if found.secure_url:
        console.print(f"over TLS     {found.secure_url} (authority {home.ca_bundle(folder)})", soft_wrap=True)
    console.print(
        f"account      {found.account}, profiles default, learner, root; a second account: second, second-root"
    )
    return 0
