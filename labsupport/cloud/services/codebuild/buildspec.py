"""A buildspec as records: "Build specification reference for CodeBuild", versions 0.1 and 0.2. Pure.

Keys that CodeBuild does not know are ignored, as there, and told in `notes`.
"""

import re

from msgspec import Struct

from labsupport.cloud.services.codebuild.batch import Batch, parse_batch
from labsupport.cloud.services.codebuild.fields import BuildspecError, Spot, flag, table, text, texts
from labsupport.files.yamlfile import Document, DocumentError, read

PHASES = ("install", "pre_build", "build", "post_build")
SHELLS = ("bash", "/bin/sh", "sh", "powershell.exe", "powershell", "pwsh", "cmd.exe")
REPORT_FORMATS = (
    "JUNITXML",
    "CUCUMBERJSON",
    "NUNITXML",
    "NUNIT3XML",
    "TESTNGXML",
    "VISUALSTUDIOTRX",
    "CLOVERXML",
    "COBERTURAXML",
    "JACOCOXML",
    "SIMPLECOV",
)
_MOST_REPORT_GROUPS = 5
_MOST_RETRIES = 100
_NO_CONTAINER = "wrong number of container tags, expected 1"
_ON_FAILURE = re.compile(r"(ABORT|CONTINUE|RETRY)(?:-(\d+))?(?:-(.+))?", re.IGNORECASE | re.DOTALL)
_ON_FAILURE_FORMS = "ABORT,CONTINUE,RETRY,RETRY-count,RETRY-regex,RETRY-count-regex"


class Secret(Struct, frozen=True):
    """A reference `secret-id:json-key:version-stage:version-id`; the id may be an ARN."""

    secret_id: str
    json_key: str = ""
    version_stage: str = ""
    version_id: str = ""


class Environment(Struct, frozen=True):
    shell: str | None = None
    variables: dict[str, str] = {}
    parameter_store: dict[str, str] = {}
    secrets_manager: dict[str, Secret] = {}
    exported_variables: list[str] = []
    git_credential_helper: bool = False


class OnFailure(Struct, frozen=True):
    """ABORT, CONTINUE or RETRY; a retry happens up to `retries` times, for errors that `pattern` is found in."""

    action: str
    retries: int = 0
    pattern: str = ".*"


class Phase(Struct, frozen=True):
    name: str
    commands: list[str] = []
    finally_commands: list[str] = []
    run_as: str | None = None
    on_failure: OnFailure | None = None
    runtime_versions: dict[str, str] = {}


class Report(Struct, frozen=True):
    files: list[str]
    base_directory: str | None = None
    discard_paths: bool = False
    file_format: str = "JUNITXML"


class Artifacts(Struct, frozen=True):
    """`name`, `base_directory` and `files` may hold the shell's variables and commands: the build expands them."""

    files: list[str]
    name: str | None = None
    discard_paths: bool = False
    base_directory: str | None = None
    exclude_paths: list[str] = []
    enable_symlinks: bool = False
    s3_prefix: str | None = None


class Cache(Struct, frozen=True):
    paths: list[str] = []
    key: str | None = None
    fallback_keys: list[str] = []
    action: str | None = None


class Proxy(Struct, frozen=True):
    upload_artifacts: bool = False
    logs: bool = False


class Buildspec(Struct, frozen=True):
    """`phases` holds those that the file has, in the order in which they run; `notes` are lines for the build's log."""

    version: str
    phases: dict[str, Phase]
    run_as: str | None = None
    env: Environment = Environment()
    proxy: Proxy = Proxy()
    batch: Batch | None = None
    reports: dict[str, Report] = {}
    artifacts: Artifacts | None = None
    secondary_artifacts: dict[str, Artifacts] = {}
    cache: Cache = Cache()
    notes: list[str] = []


def parse(source: bytes | str, name: str = "buildspec.yml") -> Buildspec:
    """The buildspec that a file holds. Raises BuildspecError with CodeBuild's message and the place."""
    try:
        document = read(source, name)
    except DocumentError as error:
        at = f" at line {error.line}" if error.line else ""
        raise BuildspecError(error.cause + at, name, error.line, error.column, error.hint) from None
    top = Spot(document, document.value)
    version = _version(top)
    renamed = ["environment_variables"] if version == "0.1" else []
    keys = ["version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"]
    top.fields([*keys, *renamed])
    _note_duplicates(top, document)
    batch = top.get("batch")
    return Buildspec(
        version=version,
        run_as=text(top.get("run-as")),
        env=_environment(top, version),
        proxy=_proxy(top.get("proxy")),
        batch=parse_batch(batch) if batch else None,
        phases=_phases(top),
        reports=_reports(top.get("reports")),
        artifacts=_artifacts(top.get("artifacts")),
        secondary_artifacts=_secondary(top.get("artifacts")),
        cache=_cache(top.get("cache")),
        notes=top.notes,
    )


def missing(name: str, given: bool) -> BuildspecError:
    """There is no buildspec: under its usual name, or under the path that a project or build gave."""
    return BuildspecError(f"stat {name}: no such file or directory" if given else "YAML file does not exist", name)


def _note_duplicates(top: Spot, document: Document) -> None:
    for path, mark in document.duplicates:
        top.notes.append(f"{document.name}, line {mark.line}: '{path[-1]}' stands here a second time; the last counts")


def _version(top: Spot) -> str:
    spot = top.get("version")
    if not isinstance(top.value, dict) or spot is None:
        raise top.error(_NO_CONTAINER)
    written = spot.text().strip()
    if written not in ("0.1", "0.2"):
        raise spot.error(f"Unsupported buildspec version: {written}. Expecting: 0.1,0.2 at line {spot.line}")
    return written


def _environment(top: Spot, version: str) -> Environment:
    variables: dict[str, str] = {}
    old = top.get("environment_variables") if version == "0.1" else None
    if old:
        variables |= table(old.fields(["plaintext"]).get("plaintext"))
    env = top.get("env")
    if env is None:
        return Environment(variables=variables)
    env.fields(
        ["shell", "variables", "parameter-store", "secrets-manager", "exported-variables", "git-credential-helper"]
    )
    shell, secrets = env.get("shell"), env.get("secrets-manager")
    _note_reserved(env.get("variables"))
    return Environment(
        shell=shell.one_of(SHELLS) if shell else None,
        variables=variables | table(env.get("variables")),
        parameter_store=table(env.get("parameter-store")),
        secrets_manager={key: _secret(spot) for key, spot in secrets.entries()} if secrets else {},
        exported_variables=texts(env.get("exported-variables")),
        git_credential_helper=flag(env.get("git-credential-helper")),
    )


def _note_reserved(variables: Spot | None) -> None:
    for key, spot in variables.entries() if variables else ():
        if key.startswith("CODEBUILD_"):
            spot.note(f"'{key}' begins with CODEBUILD_, which is reserved for CodeBuild's own variables")


def _secret(spot: Spot) -> Secret:
    parts = spot.text().strip().split(":")
    if parts[0] == "arn":
        # An ARN has colons of its own: arn:aws:secretsmanager:region:account:secret:name.
        parts = [":".join(parts[:7]), *parts[7:]]
    if not parts[0] or len(parts) > 4:
        raise spot.error(f"Invalid secrets-manager reference: {spot.text()} at line {spot.line}")
    return Secret(*parts)


def _proxy(spot: Spot | None) -> Proxy:
    if spot is None:
        return Proxy()
    spot.fields(["upload-artifacts", "logs"])
    return Proxy(flag(spot.get("upload-artifacts")), flag(spot.get("logs")))


def _phases(top: Spot) -> dict[str, Phase]:
    spot = top.get("phases")
    if spot is None:
        if top.get("batch") is None:
            raise top.error("No phases found. Expecting: build,install,post_build,pre_build")
        return {}
    found = dict(spot.entries())
    for name, phase in found.items():
        if name not in PHASES:
            raise phase.error(f"Invalid buildspec phase name: {name}. Expecting: build,install,post_build,pre_build")
    return {name: _phase(name, found[name]) for name in PHASES if name in found}


def _phase(name: str, spot: Spot) -> Phase:
    if spot.value is None:
        spot.notes.append(f"No commands found for phase name: {name}")
        return Phase(name)
    keys = ["run-as", "on-failure", "commands", "finally"] + (["runtime-versions"] if name == "install" else [])
    spot.fields(keys)
    if spot.get("commands") is None:
        spot.notes.append(f"No commands found for phase name: {name}")
    on_failure = spot.get("on-failure")
    return Phase(
        name=name,
        commands=texts(spot.get("commands")),
        finally_commands=texts(spot.get("finally")),
        run_as=text(spot.get("run-as")),
        on_failure=_on_failure(on_failure) if on_failure else None,
        runtime_versions=table(spot.get("runtime-versions")) if name == "install" else {},
    )


def _on_failure(spot: Spot) -> OnFailure:
    match = _ON_FAILURE.fullmatch(spot.text().strip())
    refusal = spot.error(f"Invalid on-failure: {spot.text()}. Expecting: {_ON_FAILURE_FORMS} at line {spot.line}")
    if match is None or (match[1].upper() != "RETRY" and (match[2] or match[3])):
        raise refusal
    if match[1].upper() != "RETRY":
        return OnFailure(match[1].upper())
    # Three is what AWS retries where no count is given.
    retries = int(match[2]) if match[2] and len(match[2]) < 4 else 3 if match[2] is None else _MOST_RETRIES + 1
    pattern = match[3] or ".*"
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        raise refusal from None
    if retries > _MOST_RETRIES:
        raise refusal
    return OnFailure("RETRY", retries, pattern)


def _reports(spot: Spot | None) -> dict[str, Report]:
    if spot is None:
        return {}
    groups = dict(spot.entries())
    if len(groups) > _MOST_REPORT_GROUPS:
        raise spot.error(f"Too many report groups: {len(groups)}. A buildspec can have at most {_MOST_REPORT_GROUPS}")
    return {name: _report(group) for name, group in groups.items()}


def _report(spot: Spot) -> Report:
    spot.fields(["files", "base-directory", "discard-paths", "file-format"])
    file_format = spot.get("file-format")
    return Report(
        files=_required_files(spot),
        base_directory=text(spot.get("base-directory")),
        discard_paths=flag(spot.get("discard-paths")),
        file_format=file_format.one_of(REPORT_FORMATS) if file_format else "JUNITXML",
    )


def _required_files(spot: Spot) -> list[str]:
    files = spot.get("files")
    if files is None:
        raise spot.error(f"No files found for {'/'.join(str(part) for part in spot.path)} at line {spot.line}")
    return files.texts()


def _artifacts(spot: Spot | None, secondary: bool = False) -> Artifacts | None:
    if spot is None:
        return None
    keys = ["files", "name", "discard-paths", "base-directory", "exclude-paths", "enable-symlinks", "s3-prefix"]
    # `type: zip` is from the first days of CodeBuild and says nothing any more.
    spot.fields(keys if secondary else [*keys, "secondary-artifacts", "type"])
    if spot.get("files") is None and spot.get("secondary-artifacts"):
        return None  # a pipeline's build with several outputs needs no primary artifact
    return Artifacts(
        files=_required_files(spot),
        name=text(spot.get("name")),
        discard_paths=flag(spot.get("discard-paths")),
        base_directory=text(spot.get("base-directory")),
        exclude_paths=texts(spot.get("exclude-paths")),
        enable_symlinks=flag(spot.get("enable-symlinks")),
        s3_prefix=text(spot.get("s3-prefix")),
    )


def _secondary(spot: Spot | None) -> dict[str, Artifacts]:
    secondary = spot.get("secondary-artifacts") if spot else None
    if secondary is None:
        return {}
    found = {name: _artifacts(entry, secondary=True) for name, entry in secondary.entries()}
    return {name: artifacts for name, artifacts in found.items() if artifacts}


def _cache(spot: Spot | None) -> Cache:
    if spot is None:
        return Cache()
    spot.fields(["paths", "key", "fallback-keys", "action"])
    action = spot.get("action")
    return Cache(
        paths=texts(spot.get("paths")),
        key=text(spot.get("key")),
        fallback_keys=texts(spot.get("fallback-keys")),
        action=action.one_of(["restore", "save"]) if action else None,
    )
