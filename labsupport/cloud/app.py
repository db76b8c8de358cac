"""The composition root: the one place that knows every service and puts the cloud together."""

import importlib
from collections.abc import Callable
from functools import partial

from labsupport.cloud.core import skipped, vault
from labsupport.cloud.core.clock import Clock
from labsupport.cloud.core.cloud import Cloud, Settings, WayIn
from labsupport.cloud.core.scheduler import Scheduler
from labsupport.cloud.core.service import Service
from labsupport.cloud.gateway.authenticate import caller_of_key
from labsupport.cloud.gateway.authorise import authorise
from labsupport.cloud.gateway.holders import held_by
from labsupport.cloud.gateway.perform import perform
from labsupport.cloud.gateway.trail import note
from labsupport.cloud.store.store import Store

# A module is imported when its service is first asked for, so that a start is quick and an idle lab small.
SERVICES = {
    "sts": "sts",
    "iam": "iam",
    "organizations": "organizations",
    "kms": "kms",
    "s3": "s3",
    "ssm": "ssm",
    "logs": "logs",
    "sqs": "sqs",
    "sns": "sns",
    "lambda": "functions",
    "events": "events",
    "cloudtrail": "cloudtrail",
    "ec2": "ec2",
    "cloudformation": "cloudformation",
    "codecommit": "codecommit",
    "codecommit-archive": "codecommit.archive",
    "codebuild": "codebuild",
    "codedeploy": "codedeploy",
    "codedeploy-commands": "codedeploy.commands",
    "codepipeline": "codepipeline",
}

# Paths that are no AWS calls and that a service answers itself (git, instance metadata, links in mails).
ROUTES = {"/v1/repos/": "codecommit", "/_imds/": "ec2", "/_tokens/": "sts", "/_lambda/": "lambda"}
# What browsers ask by themselves (preflights, forms with a file) and what they look for in answers is this service's.
BROWSERS = "s3"

# Events that a service waits for: detail type -> (service, task, the part of the detail that is the task's key).
LISTENERS = {
    "CodeBuild Build State Change": ("codepipeline", "noticed", "build-id"),
    "CodeDeploy Deployment State-change Notification": ("codepipeline", "noticed", "deploymentId"),
    "EC2 Instance State-change Notification": ("codedeploy", "noticed", "instance-id"),
    "CloudFormation Stack Status Change": ("codepipeline", "noticed", "stack-id"),
}

# Services that have a hand in starting and stopping: processes to look after, files that a kill left half-written.
WITH_PROCESSES = ("ec2", "codebuild", "lambda", "s3")


def build(settings: Settings, clock: Clock | None = None) -> Cloud:
    """A cloud over the home folder's state; nothing runs until its scheduler is started."""
    store = Store(settings.home / "cloud.sqlite3", vault.derived(settings.home, "records"))
    clock = clock or Clock()
    skipped.keep(clock, store)
    way_in = WayIn(perform, authorise, partial(caller_of_key, store), note, held_by)
    cloud = Cloud(
        settings,
        store,
        clock,
        _finder(),
        tuple(SERVICES),
        way_in,
        routes=ROUTES,
        browsers=BROWSERS,
        listeners=LISTENERS,
    )
    scheduler = Scheduler(cloud)
    cloud.wake = scheduler.wake
    cloud.rooms["scheduler"] = scheduler
    return cloud


def _finder() -> Callable[[str], Service | None]:
    found: dict[str, Service] = {}

    def service(name: str) -> Service | None:
        if name not in found and name in SERVICES:
            found[name] = importlib.import_module(f"labsupport.cloud.services.{SERVICES[name]}").service
        return found.get(name)

    return service
