"""Revisions: bundles in S3 that an application knows of."""

import hashlib
import json

import msgspec

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.codedeploy.base import (
    APPLICATION,
    PAGE,
    Params,
    application_named,
    bad_token,
    check_batch,
    service,
    time,
)
from labsupport.cloud.store.record import record

_BUNDLES = ("tar", "tgz", "zip")


@record("codedeploy.revision", key=("account", "region", "application", "digest"))
class Revision(msgspec.Struct, kw_only=True):
    account: str
    region: str
    application: str
    digest: str
    location: Params
    description: str = ""
    registered: float
    first_used: float | None = None
    last_used: float | None = None
    groups: list[str] = []


def digest_of(location: Params) -> str:
    return hashlib.sha256(json.dumps(location, sort_keys=True).encode()).hexdigest()


def checked(location: Params) -> Params:
    """A revision that instances can be given: a bundle in S3."""
    kind = location.get("revisionType") or ("S3" if "s3Location" in location else None)
    if kind == "GitHub":
        raise not_simulated("A revision in GitHub")
    if kind in ("String", "AppSpecContent"):
        message = f"The revision type {kind} is for deployments to Lambda functions and Amazon ECS services"
        raise _invalid(message)
    place = location.get("s3Location")
    if kind != "S3" or not place:
        raise _invalid("The revision has to have the type S3 and an s3Location")
    missing = [name for name in ("bucket", "key", "bundleType") if not place.get(name)]
    if missing:
        raise _invalid(f"The s3Location of the revision lacks {', '.join(missing)}")
    if place["bundleType"] not in _BUNDLES:
        raise _invalid(f"The bundle type {place['bundleType']} is for deployments to Lambda functions")
    return {"revisionType": "S3", "s3Location": place}


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidRevisionException", message)


def remember(call: Call, application: str, location: Params, description: str = "") -> Revision:
    """The record of a revision, made when it is first heard of."""
    key = (call.account, call.region, application, digest_of(location))
    found = call.store.get(Revision, *key)
    if found is None:
        found = Revision(
            account=key[0],
            region=key[1],
            application=application,
            digest=key[3],
            location=location,
            registered=call.epoch,
        )
    found.description = description or found.description
    call.store.put(found)
    return found


def note_used(call: Call, application: str, group: str, location: Params) -> None:
    revision = remember(call, application, location)
    revision.first_used = revision.first_used or call.epoch
    revision.last_used = call.epoch
    revision.groups = sorted({*revision.groups, group})
    call.store.put(revision)


def _info(revision: Revision) -> Params:
    return {
        "description": revision.description or "Application revision registered by Deployment group",
        "deploymentGroups": revision.groups,
        "firstUsedTime": time(revision.first_used),
        "lastUsedTime": time(revision.last_used),
        "registerTime": time(revision.registered),
    }


@service.operation(on=APPLICATION)
def register_application_revision(call: Call, params: Params) -> Params:
    application_named(call, params["applicationName"])
    remember(call, params["applicationName"], checked(params["revision"]), params.get("description", ""))
    return {}


def _known(call: Call, application: str, location: Params) -> Revision:
    found = call.store.get(Revision, call.account, call.region, application, digest_of(checked(location)))
    if found is None:
        raise AwsError("RevisionDoesNotExistException", f"The revision is not registered with {application}")
    return found


@service.operation(on=APPLICATION)
def get_application_revision(call: Call, params: Params) -> Params:
    application_named(call, params["applicationName"])
    found = _known(call, params["applicationName"], params["revision"])
    return {"applicationName": found.application, "revision": found.location, "revisionInfo": _info(found)}


@service.operation(on=APPLICATION)
def batch_get_application_revisions(call: Call, params: Params) -> Params:
    application_named(call, params["applicationName"])
    check_batch(params["revisions"], 25)
    found = [_known(call, params["applicationName"], one) for one in params["revisions"]]
    shown = [{"revisionLocation": one.location, "genericRevisionInfo": _info(one)} for one in found]
    return {"applicationName": params["applicationName"], "errorMessage": "", "revisions": shown}


@service.operation(on=APPLICATION)
def list_application_revisions(call: Call, params: Params) -> Params:
    application_named(call, params["applicationName"])
    if params.get("s3KeyPrefix") and not params.get("s3Bucket"):
        raise AwsError("BucketNameFilterRequiredException", "A bucket name is required, but was not provided.")
    every = call.store.list(Revision, call.account, call.region, params["applicationName"])
    listed = _sorted([one for one in every if _wanted(one, params)], params)
    found, token = paging.page_of_list(listed, params.get("nextToken"), PAGE, bad_token())
    return {"revisions": [one.location for one in found], "nextToken": token}


def _wanted(revision: Revision, params: Params) -> bool:
    place = revision.location["s3Location"]
    deployed = params.get("deployed", "ignore")
    return (
        place["bucket"] == params.get("s3Bucket", place["bucket"])
        and place["key"].startswith(params.get("s3KeyPrefix", ""))
        and (deployed == "ignore" or bool(revision.groups) == (deployed == "include"))
    )


def _sorted(revisions: list[Revision], params: Params) -> list[Revision]:
    times = {
        "registerTime": lambda one: one.registered,
        "firstUsedTime": lambda one: one.first_used or 0.0,
        "lastUsedTime": lambda one: one.last_used or 0.0,
    }
    by = times[params.get("sortBy", "registerTime")]
    return sorted(revisions, key=by, reverse=params.get("sortOrder") == "descending")
