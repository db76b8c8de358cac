"""Getting a source out of CodeCommit: by git over HTTP, signed with the service role's credentials.

So the role needs codecommit:GitPull, and the trail shows it. The credentials are git's configuration in its
environment: they stand in no command line and no file.
"""

import base64
import hashlib
import os
import re
import shutil
from pathlib import Path

from labsupport.cloud.core.signing import ALGORITHM, TERMINATOR, signature
from labsupport.cloud.runner import process
from labsupport.cloud.runner.spec import ExitStatus, Spec, StartError
from labsupport.cloud.services.codebuild.base import Params
from labsupport.cloud.services.codebuild.checks import repository_of
from labsupport.cloud.services.codebuild.run import Run

# A reference and a commit of it (User Guide: "Source version sample with AWS CodeBuild").
_COMMIT_OF = re.compile(r"refs/(heads|tags)/(.+)\^\{([0-9a-f]{40})\}")


class CheckoutError(Exception):
    """A source that git cannot give, as CodeBuild says it: `reference not found`, and what is known besides."""


# As git says them, whole: an address in its lines has a port, and a bare 403 may be part of that.
_REFUSED = (
    "returned error: 403",
    "returned error: 401",
    "could not read Username",
    "Authentication failed",
    "Access denied",
    "is not authorized",
)
_MISSING = ("' not found", "returned error: 404")


def failed_clone(lines: list[str]) -> CheckoutError:
    """What CodeBuild says of a clone that failed with these lines of git."""
    text = "\n".join(lines)
    if any(phrase in text for phrase in _REFUSED):
        told = " ".join(line.removeprefix("remote: ").strip() for line in lines if line.startswith("remote: "))
        return CheckoutError(f"authorization failed: {told}" if told else "authorization failed")
    if any(phrase in text for phrase in _MISSING):
        return CheckoutError("repository not found")
    return CheckoutError(f"git clone failed: {text}")


async def check_out(run: Run, source: Params, version: str, folder: Path) -> str:
    """Clone a repository and check a version of it out: a branch, a tag, a commit, or a commit of a branch or tag
    (`refs/heads/main^{full id}`); empty: the default branch.

    Gives the commit's id. Raises CheckoutError.
    """
    git = _Git(run, folder, repository_of(source["location"]))
    depth = source.get("gitCloneDepth") or 0
    shallow = ["--depth", str(depth), "--no-single-branch"] if depth else []
    await git.clone(shallow)
    if version:
        await git.switch(version, bool(depth))
    return (await git.output("rev-parse", "--verify", "HEAD")).strip()


class _Git:
    """git in one folder, for one repository."""

    def __init__(self, run: Run, folder: Path, repository: str) -> None:
        self.run, self.folder, self.path = run, folder, f"/v1/repos/{repository}"

    async def clone(self, shallow: list[str]) -> None:
        address = f"{self.run.call.cloud.settings.endpoint}{self.path}"
        status, lines = await self.git("clone", "--quiet", *shallow, address, ".")
        if not status.ok:
            raise failed_clone(lines)

    async def switch(self, version: str, shallow: bool) -> None:
        if await self.tried(version):
            return
        if shallow:
            await self.git("fetch", "--quiet", "--unshallow")
            if await self.tried(version):
                return
        raise CheckoutError("reference not found")

    async def tried(self, version: str) -> bool:
        """A branch of the server counts before a tag, and both before a commit's id."""
        commit_of = _COMMIT_OF.fullmatch(version)
        if commit_of:
            return await self.tried_commit_of(*commit_of.groups())
        short = version.removeprefix("refs/heads/").removeprefix("refs/tags/")
        for revision in (f"refs/remotes/origin/{short}", f"refs/tags/{short}", f"{version}^{{commit}}"):
            status, _ = await self.git("checkout", "--quiet", "--detach", revision)
            if status.ok:
                return True
        return False

    async def tried_commit_of(self, kind: str, name: str, commit: str) -> bool:
        """Only the reference is looked through for the commit."""
        reference = f"refs/remotes/origin/{name}" if kind == "heads" else f"refs/tags/{name}"
        status, _ = await self.git("merge-base", "--is-ancestor", commit, reference)
        if status.ok:
            status, _ = await self.git("checkout", "--quiet", "--detach", commit)
        return status.ok

    async def output(self, *arguments: str) -> str:
        _, lines = await self.git(*arguments)
        return "\n".join(lines)

    async def git(self, *arguments: str) -> tuple[ExitStatus, list[str]]:
        lines: list[str] = []
        program = shutil.which("git") or "git"
        spec = Spec(self.folder, (program, *arguments), self.run.build.id, self.environment(), lines.append, name="git")
        try:
            return await process.run(spec), lines
        except StartError as error:
            raise CheckoutError(str(error)) from None

    def environment(self) -> dict[str, str]:
        user = f"{self.run.credentials['AccessKeyId']}%{self.run.credentials['SessionToken']}"
        basic = base64.b64encode(f"{user}:{self.password()}".encode()).decode()
        settings = {"http.extraHeader": f"Authorization: Basic {basic}", "advice.detachedHead": "false"}
        numbered = {
            f"GIT_CONFIG_{part}_{number}": text
            for number, pair in enumerate(settings.items())
            for part, text in zip(("KEY", "VALUE"), pair, strict=True)
        }
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.run.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
            "GIT_CONFIG_COUNT": str(len(settings)),
            **numbered,
        }

    def password(self) -> str:
        """The signature that the AWS CLI's credential helper makes: a time, and the path signed with it."""
        moment = f"{self.run.call.now:%Y%m%dT%H%M%S}"
        host, region = self.run.call.cloud.settings.host, self.run.build.region
        canonical = f"GIT\n{self.path}\n\nhost:{host}\n\nhost\n"
        scope = f"{moment[:8]}/{region}/codecommit/{TERMINATOR}"
        text = f"{ALGORITHM}\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        secret = self.run.credentials["SecretAccessKey"]
        return f"{moment}Z{signature(secret, moment[:8], region, 'codecommit', text.encode())}"
