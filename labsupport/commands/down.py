"""`lab down`: stop the cloud; what it holds stays in the home folder."""

import argparse

from labsupport import home
from labsupport.commands.background import stopped


def run(arguments: argparse.Namespace) -> int:
    folder = home.folder(arguments.home)
    ran = stopped(folder)
    print("The cloud has stopped." if ran else f"No cloud was running on {folder}.")
    return 0
