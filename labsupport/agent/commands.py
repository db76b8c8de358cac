"""What a host command does on the instance, by its name: that of the lifecycle event."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from labsupport.agent import appspec
from labsupport.agent.appspec_reading import AppspecError
from labsupport.agent.calls import ServiceError, Services
from labsupport.agent.diagnostics import UNKNOWN, CommandError
from labsupport.agent.hooks import Hook, ScriptLog
from labsupport.agent.installing import Installer
from labsupport.agent.journal import Journal
from labsupport.agent.metadata import NoCredentials
from labsupport.agent.revisions import Revisions
from labsupport.agent.settings import Settings
from labsupport.agent.specification import Specification
from labsupport.agent.transport import Unreachable
from labsupport.files.archive import ArchiveError, unpack

# These run from the revision that is on the instance, which the new one has yet to replace.
_OF_THE_LAST = ("ApplicationStop", "BeforeBlockTraffic", "AfterBlockTraffic")
_APPSPEC_NAMES = ("appspec.yml", "appspec.yaml")


@dataclass(frozen=True)
class Agent:
    settings: Settings
    services: Services
    journal: Journal


def execute(agent: Agent, name: str, spec: Specification) -> str:
    """Do what a command asks for; the end of its scripts' log. Raises CommandError."""
    revisions = Revisions(agent.settings, spec)
    revisions.folder.mkdir(parents=True, exist_ok=True)
    if name in appspec.SCRIPTABLE:
        return run_hook(agent, name, revisions)
    own: dict[str, Callable[[Agent, Revisions], None]] = {"DownloadBundle": download_bundle, "Install": install}
    if name not in own:
        raise CommandError(UNKNOWN, f"Unsupported command type: {name}.")
    own[name](agent, revisions)
    return ""


def is_noop(agent: Agent, name: str, spec: Specification) -> bool:
    """Whether a command has nothing to do, as far as that can be known before it begins."""
    if name not in appspec.SCRIPTABLE:
        return False
    try:
        archive = _archive_for(name, Revisions(agent.settings, spec))
        return archive is None or not read_appspec(agent, archive).hooks.get(name)
    except (CommandError, OSError):
        return False


def download_bundle(agent: Agent, revisions: Revisions) -> None:
    spec = revisions.spec
    revisions.forget_old()
    agent.journal.info(f"Downloading artifact bundle from bucket '{spec.bucket}' and key '{spec.key}'")
    try:
        with revisions.bundle.open("wb") as file:
            etag = agent.services.download(spec.bucket, spec.key, spec.version, file)
    except (ServiceError, NoCredentials) as error:
        raise CommandError(UNKNOWN, str(error)) from None
    except Unreachable as error:
        raise CommandError(UNKNOWN, f"The bundle could not be downloaded: {error}") from None
    if spec.etag and spec.etag.strip('"') != etag.strip('"'):
        text = f"Expected deployment artifact bundle etag {spec.etag} but was actually {etag}"
        raise CommandError(UNKNOWN, text)
    _unpack(revisions)
    revisions.note_downloaded()


def _unpack(revisions: Revisions) -> None:
    archive = revisions.archive
    shutil.rmtree(archive, ignore_errors=True)
    try:
        unpack(revisions.bundle, archive)
    except ArchiveError as error:
        raise CommandError(UNKNOWN, f"The bundle {revisions.spec.key} could not be unpacked: {error}") from None
    inside = list(archive.iterdir())
    if len(inside) == 1 and inside[0].is_dir() and any("appspec" in one.name.lower() for one in inside[0].iterdir()):
        _strip(archive, inside[0])


def _strip(archive: Path, inner: Path) -> None:
    """A bundle whose one folder holds the AppSpec stands for that folder."""
    aside = archive.with_name("deployment-archive-temp")
    shutil.rmtree(aside, ignore_errors=True)
    archive.rename(aside)
    (aside / inner.name).rename(archive)
    aside.rmdir()


def install(agent: Agent, revisions: Revisions) -> None:
    found = read_appspec(agent, revisions.archive)
    behaviour = revisions.spec.file_exists or found.file_exists_behavior or "DISALLOW"
    Installer(agent.settings, revisions, found, behaviour, agent.journal.warn).install()
    revisions.note_installed()


def run_hook(agent: Agent, event: str, revisions: Revisions) -> str:
    archive = _archive_for(event, revisions)
    if archive is None:
        return ""
    scripts = read_appspec(agent, archive).hooks.get(event)
    if not scripts:
        return ""
    every = agent.settings.deployments / "deployment-logs" / "codedeploy-agent-deployments.log"
    log = ScriptLog(archive.parent / "logs" / "scripts.log", every, revisions.spec.deployment)
    environment = {**agent.settings.environment, **variables(event, revisions.spec)}
    Hook(event, scripts, archive, environment, agent.settings.home, agent.journal.warn).run(log)
    return log.tail()


def _archive_for(event: str, revisions: Revisions) -> Path | None:
    if event not in _OF_THE_LAST or revisions.archive.exists():
        return revisions.archive
    last = revisions.last_successful()
    return last / "deployment-archive" if last and (last / "deployment-archive").exists() else None


def read_appspec(agent: Agent, archive: Path) -> appspec.Appspec:
    path = next((archive / name for name in _APPSPEC_NAMES if (archive / name).is_file()), None)
    if path is None:
        folder, name = agent.settings.on_instance(archive), _APPSPEC_NAMES[0]
        raise CommandError(
            UNKNOWN,
            "The CodeDeploy agent did not find an AppSpec file within the unpacked revision directory at "
            f'revision-relative path "{name}". The revision was unpacked to directory "{folder}", and the AppSpec file '
            f'was expected but not found at path "{folder}/{name}". Consult the AWS CodeDeploy Appspec documentation '
            "for more information at http://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file.html",
        )
    try:
        found = appspec.parse(path.read_bytes(), path.name, "Server", ("linux",))
    except (AppspecError, OSError) as error:
        raise CommandError(UNKNOWN, str(error)) from None
    for note in found.notes:
        agent.journal.warn(note)
    return found


def variables(event: str, spec: Specification) -> dict[str, str]:
    """The environment variables that AWS documents for hook scripts."""
    found = {
        "LIFECYCLE_EVENT": event,
        "DEPLOYMENT_ID": spec.deployment,
        "APPLICATION_NAME": spec.application,
        "DEPLOYMENT_GROUP_NAME": spec.group_name,
        "DEPLOYMENT_GROUP_ID": spec.group,
        "BUNDLE_BUCKET": spec.bucket,
        "BUNDLE_KEY": spec.key,
        "BUNDLE_VERSION": spec.version or "",
        "BUNDLE_ETAG": spec.etag or "",
    }
    return {name: value for name, value in found.items() if value}
