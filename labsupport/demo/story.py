"""The demo's story, told in chapters: a push, a failing test, a repair, a missing permission."""

import json
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labsupport import samples
from labsupport.demo import repository, watching
from labsupport.demo.setting import Setting
from labsupport.demo.watching import Run

Tell = Callable[[str], None]
Show = Callable[[Run, list[str]], None]
Decide = Callable[[], bool]
Conclude = Callable[["Chapter"], None]


@dataclass(slots=True)
class Chapter:
    """One push and what became of it. `seconds` is from the push to the end of the execution."""

    title: str
    version: str
    run: Run
    seconds: float
    log: list[str]
    url: str | None = None
    served: str | None = None
    ok: bool = False
    why: str = ""


@dataclass(slots=True)
class Audience:
    """Who watches: `tell` gets sentences, `show` the execution and the build's new lines; `decide` approves or not,
    `conclude` gets each chapter when it is over."""

    tell: Tell = lambda _: None
    show: Show = lambda _run, _lines: None
    decide: Decide = lambda: True
    conclude: Conclude = lambda _: None
    chapters: list[Chapter] = field(default_factory=list)


def play(setting: Setting, folder: Path, audience: Audience) -> list[Chapter]:
    """All chapters in order; stops at the first that does not end as it should."""
    for chapter in (_release, _failing_test, _repair, _missing_permission):
        done = chapter(setting, folder, audience)
        audience.chapters.append(done)
        audience.conclude(done)
        if not done.ok:
            break
    return audience.chapters


def _release(setting: Setting, folder: Path, audience: Audience) -> Chapter:
    audience.tell("A first commit is pushed: version 1.0.0.")
    repository.clone(setting.client, setting["Repository"], folder)
    if (folder / "buildspec.yml").exists():
        samples.set_version(folder, "1.0.0")
    else:
        samples.copy_shop(folder, "1.0.0")
    chapter = _push(setting, folder, audience, "Release 1.0.0", "1.0.0")
    return _is_served(setting, chapter)


def _failing_test(setting: Setting, folder: Path, audience: Audience) -> Chapter:
    audience.tell("A second commit breaks a rule of the shop; a unit test notices.")
    samples.set_version(folder, "1.1.0")
    samples.break_test(folder)
    chapter = _push(setting, folder, audience, "Release 1.1.0", "1.1.0")
    build = chapter.run.action("Build") or {}
    chapter.why = "\n".join(line for line in chapter.log if "Error" in line or "FAIL" in line or "exit status" in line)
    chapter.served = _version(chapter.url)
    stopped = build.get("status") == "Failed" and chapter.run.action("Deploy") is None
    chapter.ok = chapter.run.status == "Failed" and stopped and chapter.served == "1.0.0"
    return chapter


def _repair(setting: Setting, folder: Path, audience: Audience) -> Chapter:
    audience.tell("A third commit mends it: version 1.1.1.")
    samples.mend(folder, "1.1.1")
    return _is_served(setting, _push(setting, folder, audience, "Release 1.1.1", "1.1.1"))


def _missing_permission(setting: Setting, folder: Path, audience: Audience) -> Chapter:
    """s3:PutObject is taken from the build's role; afterwards the role is as it was."""
    audience.tell("The build's role loses s3:PutObject, and a fourth commit is pushed.")
    iam, name = setting.client("iam"), setting["CodeBuildRoleArn"].rsplit("/", 1)[-1]
    whole = samples.fill("codebuild-role-policy", **setting.values)
    less = {**whole, "Statement": [one for one in whole["Statement"] if one["Sid"] != "WriteArtifacts"]}
    iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=json.dumps(less))
    try:
        samples.set_version(folder, "1.2.0")
        chapter = _push(setting, folder, audience, "Release 1.2.0", "1.2.0")
    finally:
        iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=json.dumps(whole))
    build = chapter.run.action("Build") or {}
    chapter.why = build.get("output", {}).get("executionResult", {}).get("errorDetails", {}).get("message", "")
    chapter.served = _version(chapter.url)
    refused = "s3:PutObject" in chapter.why and "not authorized to perform" in chapter.why
    chapter.ok = chapter.run.status == "Failed" and refused and chapter.served == "1.1.1"
    return chapter


def _push(setting: Setting, folder: Path, audience: Audience, title: str, version: str) -> Chapter:
    begin = time.monotonic()
    commit = repository.push(folder, title)
    begun = watching.started_by(setting, commit)
    run, log, token = begun, list[str](), None
    for run in watching.follow(setting, begun):
        lines, token = watching.build_log(setting, run, token)
        log += lines
        audience.show(run, lines)
        waiting = watching.waits_for_approval(setting, run)
        if waiting:
            watching.approve(setting, waiting, ok=audience.decide())
    return Chapter(title, version, run, time.monotonic() - begin, log, watching.address(setting))


def _is_served(setting: Setting, chapter: Chapter) -> Chapter:
    chapter.served = _version(chapter.url)
    chapter.ok = chapter.run.status == "Succeeded" and chapter.served == chapter.version
    return chapter


def _version(url: str | None) -> str | None:
    """The version that the deployed application answers with; `None` where nothing answers."""
    if url is None:
        return None
    try:
        with urllib.request.urlopen(f"{url}/version", timeout=5) as answer:
            found: Any = json.loads(answer.read())["version"]
    except (OSError, ValueError, KeyError):
        return None
    return str(found)
