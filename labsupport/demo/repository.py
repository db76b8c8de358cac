"""The learner's clone: git with an IAM user's git credentials, over HTTP."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from labsupport.samples import copy_shop


class GitFailed(Exception):
    """git ended with an error; the text is what it said."""


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, without the user's own configuration: their name, hooks and helpers stay out of it."""
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "learner",
        "GIT_AUTHOR_EMAIL": "learner@example.com",
        "GIT_COMMITTER_NAME": "learner",
        "GIT_COMMITTER_EMAIL": "learner@example.com",
    }
    done = subprocess.run(["git", *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GitFailed(f"git {arguments[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


def credential(client: Any) -> tuple[str, str]:
    """The learner's git user name and a fresh password."""
    iam = client("iam")
    service = "codecommit.amazonaws.com"
    there = iam.list_service_specific_credentials(ServiceName=service)["ServiceSpecificCredentials"]
    if there:
        answer = iam.reset_service_specific_credential(
            ServiceSpecificCredentialId=there[0]["ServiceSpecificCredentialId"]
        )
    else:
        answer = iam.create_service_specific_credential(UserName=_user(client), ServiceName=service)
    found = answer["ServiceSpecificCredential"]
    return found["ServiceUserName"], found["ServicePassword"]


def _user(client: Any) -> str:
    return str(client("sts").get_caller_identity()["Arn"].rsplit("/", 1)[-1])


def clone(client: Any, name: str, folder: Path) -> Path:
    """A fresh clone of a repository, with the way to push in its remote."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    url = client("codecommit").get_repository(repositoryName=name)["repositoryMetadata"]["cloneUrlHttp"]
    user, password = credential(client)
    parts = urlsplit(url)
    remote = parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc}").geturl()
    git(folder, "clone", "--quiet", remote, ".")
    git(folder, "checkout", "--quiet", "-B", "main")
    return folder


def first_commit(folder: Path, version: str = "1.0.0") -> None:
    if not (folder / "buildspec.yml").exists():
        copy_shop(folder, version)


def push(folder: Path, message: str) -> str:
    """Commit all that has changed and push it to main; the commit's id."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
    git(folder, "push", "--quiet", "origin", "HEAD:main")
    return git(folder, "rev-parse", "HEAD")
