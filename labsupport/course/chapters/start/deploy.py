"""start.8: a new version, and a hook that makes sure that it answers."""

import io
import zipfile
from typing import Any

import yaml
from botocore.exceptions import ClientError

from labsupport.course.chapters.start.commands import APPROVE, APPROVED, MAIN, PUSH, committed, edited
from labsupport.course.chapters.start.seeing import WATCH, given, nothing_pushed, pushed, served, unpushed
from labsupport.course.declare import (
    Exercise,
    Finding,
    Outcome,
    Solution,
    World,
    Wrong,
    bash,
    expect,
    holds,
    not_right,
    not_yet,
    python,
)

VERSION, SCRIPT = "1.1.0", "scripts/validate.sh"
GOES_ON = ("Created", "Queued", "InProgress")
GROUP = {"applicationName": "shop", "deploymentGroupName": "shop-instances"}
LIST = "`aws deploy list-deployments --application-name shop --deployment-group-name shop-instances` lists them."
HOOK = """\
  ValidateService:
    - location: scripts/validate.sh
      timeout: 60
"""
BEFORE = """\
    - location: scripts/start.sh
      timeout: 60
"""


@expect(f"main's `VERSION` is {VERSION}")
def raised(world: World) -> Finding:
    missing = nothing_pushed(world)
    if missing:
        return missing
    text = (pushed(world, "VERSION") or "").strip()
    if text == VERSION:
        return holds(text)
    mine = unpushed(world, "VERSION")
    if mine is not None:
        return not_right(f"VERSION is {mine.strip()} in your clone, and {text} on main.", "Commit and push it.")
    if text != given(world, "VERSION").strip():
        return not_right(f"main says {text}.", f"It has to be {VERSION}.")
    return not_yet(f"main says {text}.", "Change the file VERSION in your clone.")


@expect(f"the newest deployment runs `{SCRIPT}` at its event `ValidateService`")
def validated(world: World) -> Finding:
    newest = _newest(world)
    if newest is None:
        return not_yet("CodeDeploy has not deployed anything yet.", f"Exercise start.6 brings that about. {LIST}")
    number, status = newest["deploymentId"], newest["status"]
    scripts = [hook.get("location") for hook in _hooks(world, newest).get("ValidateService") or []]
    if status in GOES_ON:
        return not_yet(f"The deployment {number} is {status}.", WATCH)
    if SCRIPT in scripts and status == "Succeeded":
        return holds(f"deployment {number}, {status}")
    if scripts:
        error = newest.get("errorInformation", {}).get("message", "")
        return not_right(f"It runs {', '.join(map(str, scripts))}. The deployment {number} is {status}. {error}", LIST)
    return _without_script(world, f"In the deployment {number} ValidateService had no script to run.")


def _without_script(world: World, said: str) -> Finding:
    if pushed(world, "appspec.yml") != given(world, "appspec.yml"):
        return not_yet(said, f"A pushed change waits for your approval. {WATCH}")
    if unpushed(world, "appspec.yml") is not None:
        return not_right("appspec.yml is changed in your clone, and not pushed to main yet.", "Commit and push it.")
    return not_yet(said, "Look how appspec.yml names the other scripts, under hooks.")


def _newest(world: World) -> dict[str, Any] | None:
    """CodeDeploy's record of the newest deployment."""
    codedeploy = world.client("codedeploy")
    try:
        newest = codedeploy.list_deployments(**GROUP)["deployments"][:1]
    except ClientError:
        return None
    found: dict[str, Any] | None = None
    if newest:
        found = codedeploy.get_deployment(deploymentId=newest[0])["deploymentInfo"]
    return found


def _hooks(world: World, deployment: dict[str, Any]) -> dict[str, Any]:
    """The hooks in the appspec.yml of the bundle that was deployed."""
    place = deployment["revision"].get("s3Location", {})
    try:
        body = world.client("s3").get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
        with zipfile.ZipFile(io.BytesIO(body)) as bundle:
            found = yaml.safe_load(bundle.read("appspec.yml"))
    except (ClientError, KeyError, zipfile.BadZipFile, yaml.YAMLError):
        return {}
    hooks = found.get("hooks") if isinstance(found, dict) else None
    return hooks if isinstance(hooks, dict) else {}


@expect(f"the shop answers with version {VERSION}")
def answers(world: World) -> Finding:
    url, version = served(world)
    if version == VERSION:
        return holds(f"{url}/version")
    if not url:
        return not_yet("The stack shop-stack has not told where the shop runs.", "Exercise start.6 brings that about.")
    if version:
        return not_yet(f"{url}/version answers {version}.", f"A pushed change waits for your approval. {WATCH}")
    newest = _newest(world)
    if newest is None or newest["status"] in GOES_ON:
        return not_yet(f"Nobody answers at {url} so far.", WATCH)
    return not_right(
        f"Nobody answers at {url}.", f"{LIST} `aws deploy get-deployment-target …` shows what a script said."
    )


EXERCISE = Exercise(
    id="start.8",
    title="A new version that proves itself",
    task="""
The shop runs on an instance, where the CodeDeploy agent installs what the pipeline built. `appspec.yml` says which
script runs at which **lifecycle event**. So far nobody looks whether the shop answers after it was started. Release a
version that does:

1. write **`1.1.0`** into the file `VERSION`,
2. in `appspec.yml`, have **`scripts/validate.sh`** run at the event **`ValidateService`** (timeout 60),
3. push, approve, and ask the shop itself: its address is the stack's output `Url`; add `version` to it.
""",
    objectives=("DVA-C02 3.3", "DVA-C02 3.4", "DOP-C02 1.4"),
    hints=(
        "The script is in your clone already. Under `hooks` of `appspec.yml` each event has a list of scripts "
        "with `location` "
        "and `timeout`.",
        "Events run in a fixed order: ApplicationStop, DownloadBundle, BeforeInstall, Install, AfterInstall, "
        "ApplicationStart, "
        "ValidateService. A script that ends with an error fails the deployment.",
        "At the end of `appspec.yml`, indented as the other events: `ValidateService:`, below it "
        "`- location: scripts/validate.sh` and `timeout: 60`. Then commit, push, approve.",
    ),
    check=(raised, validated, answers),
    solutions=(
        Solution(
            "an editor and git",
            bash(
                f"cd shop\necho {VERSION} > VERSION\n"
                + edited("appspec.yml", BEFORE, BEFORE + HOOK)
                + committed(f"Release {VERSION}, and see that it answers")
                + PUSH
                + APPROVE
                + "lab watch shop\n"
                "export url=$(aws cloudformation describe-stacks --stack-name shop-stack --output text \\\n"
                "    --query \"Stacks[0].Outputs[?OutputKey=='Url'].OutputValue\")\n"
                "python3 -c 'import os, urllib.request as u; "
                'print(u.urlopen(os.environ["url"] + "version").read())\'\n'
            ),
            "`validate.sh` asks the shop for its version until it is the new one, and gives up after 20 seconds. "
            "Would it fail, "
            "the deployment would too, and a deployment group can be told to roll back by itself.",
        ),
        Solution(
            "boto3",
            python(
                f'{MAIN}hook = """\\\n{HOOK}"""\nstart = """\\\n{BEFORE}"""\n'
                f'change({{"appspec.yml": [(start, start + hook)], "VERSION": [("1.0.0", "{VERSION}")]}})\n'
                f"{APPROVED}"
            ),
            "Whatever the way to main is: the revision that is deployed is the one that was built and tested.",
        ),
    ),
    wrong=(
        Wrong(
            "not-pushed",
            bash(f"cd shop\necho {VERSION} > VERSION\n"),
            Outcome.NOT_RIGHT,
            "in your clone, and 1.0.0 on main",
        ),
        Wrong(
            "version-only",
            bash(f"cd shop\necho {VERSION} > VERSION\n{committed('Release')}{PUSH}{APPROVE}"),
            Outcome.NOT_RIGHT,
            "ValidateService had no script to run",
        ),
    ),
    breaks=(
        python(
            "from labsupport import lab\n\n"
            'codedeploy = lab.client("codedeploy")\n'
            'group = {"applicationName": "shop", "deploymentGroupName": "shop-instances"}\n'
            'oldest = codedeploy.list_deployments(**group)["deployments"][-1]\n'
            'revision = codedeploy.get_deployment(deploymentId=oldest)["deploymentInfo"]["revision"]\n'
            "codedeploy.create_deployment(**group, revision=revision)\n"
        ),
    ),
    shows=("deploy",),
)
