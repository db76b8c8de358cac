"""The environment variables of a build ("Environment variables in build environments")."""

import os
import sys
from pathlib import Path

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codebuild.base import Params, project_arn
from labsupport.cloud.services.codebuild.buildspec import Environment
from labsupport.cloud.services.codebuild.progress import PhaseError
from labsupport.cloud.services.codebuild.run import Run, sentence
from labsupport.cloud.services.codebuild.shown import default_key

PARAMETERS_AT_ONCE = 10
RESERVED = "CODEBUILD_"
COMMIT = "CODEBUILD_RESOLVED_SOURCE_VERSION"
_ERROR = "Decrypted Variables Error"


async def variables(run: Run, own: Environment) -> dict[str, str]:
    """All variables of a build: CodeBuild's own, those of the project and the start, and those of the buildspec.

    Of one name, CodeBuild's own counts first, then the start's, the project's, the buildspec's. Raises PhaseError.
    """
    wanted = _declared(own) | _given(run.settings["environment"])
    found = {name: value for name, (kind, value) in wanted.items() if kind == "PLAINTEXT"}
    stored = {name: value for name, (kind, value) in wanted.items() if kind == "PARAMETER_STORE"}
    secret = [name for name, (kind, _) in wanted.items() if kind == "SECRETS_MANAGER"]
    if secret:
        message = f"Secrets Manager exists at AWS and is not simulated by this lab yet (variable {secret[0]})"
        raise PhaseError(_ERROR, message)
    if stored:
        run.log.say("Decrypting parameter store environment variables")
        found |= parameters(run, stored)
    reserved = [name for name in found if name.startswith(RESERVED) and not (name == COMMIT and run.build.by_pipeline)]
    for name in reserved:
        run.log.say(f"The variable {name} is not set: names that begin with {RESERVED} are CodeBuild's own")
        del found[name]
    return {**machine(run), **aws(run), **found, **built_in(run)}


def _declared(own: Environment) -> dict[str, tuple[str, str]]:
    plain = {name: ("PLAINTEXT", value) for name, value in own.variables.items()}
    stored = {name: ("PARAMETER_STORE", value) for name, value in own.parameter_store.items()}
    secret = {name: ("SECRETS_MANAGER", value.secret_id) for name, value in own.secrets_manager.items()}
    return plain | stored | secret


def _given(environment: Params) -> dict[str, tuple[str, str]]:
    given = environment.get("environmentVariables", [])
    return {one["name"]: (one.get("type", "PLAINTEXT"), one["value"]) for one in given}


def parameters(run: Run, wanted: dict[str, str]) -> dict[str, str]:
    """Variables out of Parameter Store, read under the service role; their values are masked in the log."""
    names = list(dict.fromkeys(wanted.values()))
    found: dict[str, str] = {}
    for start in range(0, len(names), PARAMETERS_AT_ONCE):
        found |= _some_parameters(run, names[start : start + PARAMETERS_AT_ONCE])
    run.log.hide(found.values())
    return {variable: found[name] for variable, name in wanted.items()}


def _some_parameters(run: Run, names: list[str]) -> dict[str, str]:
    try:
        answer = run.client("ssm").get_parameters(Names=names, WithDecryption=True)
    except AwsError as error:
        raise PhaseError(_ERROR, sentence(error)) from None
    if answer.get("InvalidParameters"):
        raise PhaseError(_ERROR, f"parameter does not exist: {', '.join(answer['InvalidParameters'])}")
    # A parameter may be asked for by its ARN, and with a version or a label.
    by_name = {one["Name"] + (one.get("Selector") or ""): one["Value"] for one in answer["Parameters"]}
    by_name |= {one["ARN"]: one["Value"] for one in answer["Parameters"] if one.get("ARN")}
    return {name: by_name[name] for name in names}


def machine(run: Run) -> dict[str, str]:
    """What a shell needs on this machine. `aws` and `python3` are those that the lab itself runs with."""
    inherited = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return {
        "PATH": os.pathsep.join(dict.fromkeys([str(Path(sys.executable).parent), *inherited])),
        "HOME": str(run.folder / "home"),
        "TMPDIR": str(run.folder / "tmp"),
        "LANG": "C.UTF-8",
        "SHELL": "/bin/bash",
        "USER": os.environ.get("USER", "root"),
    }


def aws(run: Run) -> dict[str, str]:
    """What clients of AWS read: the service role's credentials, and where the lab is."""
    return {
        "AWS_DEFAULT_REGION": run.build.region,
        "AWS_REGION": run.build.region,
        "AWS_ENDPOINT_URL": run.call.cloud.settings.endpoint,
        "AWS_ACCESS_KEY_ID": run.credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": run.credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": run.credentials["SessionToken"],
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def built_in(run: Run) -> dict[str, str]:
    build, settings = run.build, run.settings
    key = settings.get("encryptionKey") or default_key(build.region, build.account)
    found = {
        "CODEBUILD_CI": "true",
        "CODEBUILD_BUILD_ARN": build.arn,
        "CODEBUILD_BUILD_ID": build.id,
        "CODEBUILD_BUILD_IMAGE": settings["environment"]["image"],
        "CODEBUILD_BUILD_NUMBER": str(build.number),
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_INITIATOR": build.initiator,
        "CODEBUILD_KMS_KEY_ID": key,
        "CODEBUILD_LOG_PATH": build.stream,
        "CODEBUILD_PROJECT_ARN": project_arn(run.call, build.project),
        "CODEBUILD_SOURCE_REPO_URL": settings["source"].get("location", ""),
        "CODEBUILD_SOURCE_VERSION": settings.get("sourceVersion", ""),
        "CODEBUILD_START_TIME": str(round(build.started * 1000)),
        **{f"CODEBUILD_SRC_DIR_{name}" if name else "CODEBUILD_SRC_DIR": str(at) for name, at in run.sources.items()},
    }
    return {**found, COMMIT: build.resolved} if build.resolved else found
