"""Finding and reading a build's buildspec: in the project, in the source, or in a bucket."""

import sys

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codebuild import images
from labsupport.cloud.services.codebuild.buildspec import PHASES, Buildspec, missing, parse
from labsupport.cloud.services.codebuild.checks import is_inline
from labsupport.cloud.services.codebuild.fields import BuildspecError
from labsupport.cloud.services.codebuild.progress import PhaseError
from labsupport.cloud.services.codebuild.run import Run, sentence
from labsupport.cloud.services.codebuild.runtimes import select_runtimes
from labsupport.cloud.services.codebuild.sources import object_text

USUAL_NAME = "buildspec.yml"


async def read_buildspec(run: Run) -> Buildspec:
    """The buildspec of this build. Raises PhaseError with CodeBuild's message; the log gets the place, too."""
    try:
        text, location = await _text(run)
        run.log.say(f"YAML location is {location}")
        found = parse(text, location.rpartition("/")[2])
    except BuildspecError as error:
        if error.line:
            run.log.say(f"The buildspec cannot be used: {error.place}")
        raise PhaseError(error.code, error.message) from None
    for note in found.notes:
        run.log.say(note)
    return found


async def _text(run: Run) -> tuple[bytes, str]:
    given = run.settings["source"].get("buildspec", "")
    if is_inline(given):
        target = run.folder / "readonly" / USUAL_NAME
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(given, "utf-8")
        return given.encode(), str(target)
    if given.startswith("arn:aws:s3:::"):
        try:
            return await object_text(run, given), given
        except AwsError as error:
            raise PhaseError("YAML_FILE_ERROR", sentence(error)) from None
    path = run.source / (given.strip() or USUAL_NAME)
    if not (path.is_file() and path.resolve().is_relative_to(run.folder.resolve())):
        raise missing(str(path) if given else USUAL_NAME, bool(given))
    return path.read_bytes(), str(path)


def choose_runtimes(run: Run, buildspec: Buildspec, variables: dict[str, str]) -> None:
    """Check `runtime-versions` against what the image has. The commands get this machine's tools all the same."""
    image = images.find(run.settings["environment"]["image"])
    install = buildspec.phases.get("install")
    if not (install and install.runtime_versions):
        run.log.say("No runtime version selected in buildspec.")
        return
    if image is None:
        run.log.say("The image is not one of CodeBuild's own: runtime-versions have no meaning in it")
        return
    try:
        chosen = select_runtimes(buildspec, image.runtimes, variables)
    except BuildspecError as error:
        raise PhaseError(error.code, error.message) from None
    for runtime, version in chosen.items():
        run.log.say(f"Selecting '{runtime}' runtime version '{version}' based on manual selections...")
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    run.log.say(f"The lab installs no runtimes: commands find this machine's own (python3 is Python {own})")


def tell(run: Run, buildspec: Buildspec) -> None:
    """What the log says of the buildspec before its phases run."""
    run.log.say(f"Phases found in YAML: {len(buildspec.phases)}")
    for name in sorted(buildspec.phases):
        run.log.say(f" {name.upper()}: {len(buildspec.phases[name].commands)} commands")
    for name in PHASES:
        phase = buildspec.phases.get(name)
        user = (phase.run_as if phase else None) or buildspec.run_as
        if phase and user and user != "root":
            run.log.say(f"The lab runs all commands as one user: run-as: {user} of phase {name} has no effect")
    if buildspec.reports:
        run.log.say(f"The lab keeps no test reports: nothing is uploaded for {', '.join(buildspec.reports)}")
    if buildspec.cache.paths:
        run.log.say("Skip cache due to: the project has no cache")
