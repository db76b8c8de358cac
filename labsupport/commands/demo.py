"""`lab demo`: one push through the whole chain, live in the terminal."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from labsupport import home, mailbox
from labsupport.commands.background import started, stopped
from labsupport.demo.view import Screen
from labsupport.home import Unreachable


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--approve", action="store_true", help="approve the manual approval by itself")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end and nothing else")
    parser.add_argument("--keep", action="store_true", help="leave the cloud running at the end")


def run(arguments: argparse.Namespace) -> int:
    """0 only if every chapter ended as it should."""
    folder = home.folder(arguments.home)
    endpoint, process = started(folder, follow=not arguments.keep)
    try:
        chapters = _play(folder, endpoint.url, arguments)
    finally:
        if process is not None and not arguments.keep:
            stopped(folder)
    report = _report(chapters)
    if arguments.json:
        print(json.dumps(report, indent=2))
    return 0 if report["ok"] else 1


def _play(folder: Path, url: str, arguments: argparse.Namespace) -> list[Any]:
    from labsupport.demo import setting, story
    from labsupport.session import client_of

    client = client_of(folder, url)
    screen = Screen(quiet=arguments.json)
    if not arguments.approve and not sys.stdin.isatty():
        raise Unreachable("the demo asks for an approval, and there is nobody to answer: use --approve.")
    screen.tell(f"The cloud answers at {url}. Setting up repository, roles, key, bucket, topic, project, pipeline…")
    audience = story.Audience(screen.tell, screen.show, (lambda: True) if arguments.approve else screen.ask)
    prepared = setting.prepare(client)
    mailbox.confirm_subscriptions(folder)
    chapters = story.play(prepared, folder / "demo" / "shop", audience)
    for chapter in chapters:
        screen.conclude(chapter)
    return chapters


def _report(chapters: list[Any]) -> dict[str, Any]:
    """The last release's figures at the top, every push below."""
    every = [_one(chapter) for chapter in chapters]
    releases = [one for one, chapter in zip(every, chapters, strict=True) if chapter.run.status == "Succeeded"]
    top = releases[-1] if releases else (every[-1] if every else {})
    return {**top, "pushes": every, "ok": bool(every) and len(every) == 4 and all(one["ok"] for one in every)}


def _one(chapter: Any) -> dict[str, Any]:
    actions = [
        {
            "stage": one["stageName"],
            "action": one["actionName"],
            "status": one["status"],
            "seconds": round((one["lastUpdateTime"] - one["startTime"]).total_seconds(), 3),
        }
        for one in chapter.run.actions
    ]
    return {
        "pipeline": "shop",
        "execution": chapter.run.id,
        "title": chapter.title,
        "status": chapter.run.status,
        "seconds": round(chapter.seconds, 3),
        "stages": _stages(chapter.run.actions),
        "actions": actions,
        "url": chapter.url,
        "version": chapter.served,
        "why": chapter.why,
        "ok": chapter.ok,
    }


def _stages(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for name in dict.fromkeys(one["stageName"] for one in actions):
        own = [one for one in actions if one["stageName"] == name]
        seconds = (max(one["lastUpdateTime"] for one in own) - min(one["startTime"] for one in own)).total_seconds()
        status = "Failed" if any(one["status"] == "Failed" for one in own) else own[-1]["status"]
        found.append({"stage": name, "status": status, "seconds": round(seconds, 3)})
    return found
