"""AssumeRoot: for one task, the root of a member account (IAM User Guide: "Perform a privileged task on an AWS
Organizations member account")."""

import re

from labsupport.cloud.core import managed
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import not_simulated
from labsupport.cloud.core.organization import Membership, Organization
from labsupport.cloud.services.sts.base import Params, denied, invalid, keep, new_session, service

LONGEST = 900  # seconds
_FEATURE = "RootSessions"
_TASKS = "arn:aws:iam::aws:policy/root-task/"
# A task's policy denies all that is not part of the task; what it leaves, the root may.
_EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
_TARGET = re.compile(r"(?:arn:aws:iam::)?(\d{12})(?::root)?", re.ASCII)


def _target(params: Params) -> str:
    found = _TARGET.fullmatch(params["TargetPrincipal"])
    if found is None:
        raise invalid(f"{params['TargetPrincipal']} is neither an account nor the ARN of its root.")
    return found[1]


def _on_root(_: Call, params: Params) -> str:
    return f"arn:aws:iam::{_target(params)}:root"


def _conditions(_: Call, params: Params) -> Params:
    return {"sts:taskpolicyarn": params["TaskPolicyArn"].get("arn", "")}


@service.operation(on=_on_root, context=_conditions)
def assume_root(call: Call, params: Params) -> Params:
    """A quarter of an hour at most, and only what the task's policy allows."""
    account, task = _target(params), params["TaskPolicyArn"].get("arn", "")
    _check_right(call, account)
    if not task.startswith(_TASKS):
        raise denied(f"{task} is not a policy for tasks of the root.")
    text = managed.document_of(task)
    if text is None:
        raise not_simulated(f"The task {task.removeprefix(_TASKS)}")
    session = new_session(call, account, "root", min(params.get("DurationSeconds", LONGEST), LONGEST))
    session.policies, session.task_policy = [_EVERYTHING, text], task
    if call.caller.session:
        session.source_identity = call.caller.session.source_identity
    return {**keep(call, session, params), "SourceIdentity": session.source_identity or None}


def _check_right(call: Call, account: str) -> None:
    """The caller's account manages the organization, the target is a member of it, and root sessions are on."""
    mine, theirs = call.store.get(Membership, call.caller.account), call.store.get(Membership, account)
    organization = call.store.get(Organization, mine.organization) if mine else None
    allowed = (
        organization is not None
        and organization.management == call.caller.account != account
        and theirs is not None
        and theirs.organization == organization.id
        and _FEATURE in organization.root_features
    )
    if not allowed:
        message = f"User: {call.caller.arn} is not authorized to perform: sts:AssumeRoot"
        raise denied(f"{message} on resource: arn:aws:iam::{account}:root")
