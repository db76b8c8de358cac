"""The accounts of a fresh lab, their first user, and the profiles that clients find them by."""

import configparser
import os
from pathlib import Path

from labsupport.cloud.core import ids
from labsupport.cloud.core.cloud import SECOND_ACCOUNT, Cloud, Settings
from labsupport.cloud.core.identity import AccessKey, Account, Name, User
from labsupport.cloud.store.store import Store

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
LEARNER = "learner"


def first_start(cloud: Cloud) -> None:
    """Make the accounts where there are none yet, and write the profiles for the address in use."""
    settings, store = cloud.settings, cloud.store
    with store.transaction():
        for number, name in ((settings.account, "lab"), (SECOND_ACCOUNT, "second")):
            if store.get(Account, number) is None:
                _create(store, number, name, cloud.clock.epoch())
    write_profiles(settings, store)


def _create(store: Store, number: str, name: str, now: float) -> None:
    user = User(account=number, name=LEARNER, id=ids.iam_id("AIDA"), created=now, attached=[ADMINISTRATOR])
    taken = Name(account=number, kind="User", folded=LEARNER)
    store.put(Account(id=number, name=name, created=now), user, taken)
    store.put(_key(number, "", now), _key(number, LEARNER, now))


def _key(account: str, user: str, now: float) -> AccessKey:
    return AccessKey(id=ids.iam_id("AKIA"), account=account, user=user, secret=ids.secret_key(), created=now)


_READABLE = {"cli_timestamp_format": "iso8601"}  # as version 2 of the CLI does; version 1 would show seconds since 1970


def write_profiles(settings: Settings, store: Store) -> None:
    """`aws/config` and `aws/credentials`: default and learner, root, and the same of the second account.

    Sections that a learner has added are kept; the lab's own get the current address.
    """
    keys = {(key.account, key.user): key for key in store.list(AccessKey)}
    profiles = {
        "default": (settings.account, LEARNER),
        LEARNER: (settings.account, LEARNER),
        "root": (settings.account, ""),
        "second": (SECOND_ACCOUNT, LEARNER),
        "second-root": (SECOND_ACCOUNT, ""),
    }
    config, credentials = _read(settings.home / "aws" / "config"), _read(settings.home / "aws" / "credentials")
    for name, holder in profiles.items():
        if holder in keys:
            section = name if name == "default" else f"profile {name}"
            place = {"region": settings.region, "output": "json", "endpoint_url": settings.endpoint}
            kept = dict(config.items(section)) if config.has_section(section) else {}
            config[section] = {**_READABLE, **kept, **place}
            credentials[name] = {"aws_access_key_id": keys[holder].id, "aws_secret_access_key": keys[holder].secret}
    _write(settings.home / "aws" / "config", config)
    _write(settings.home / "aws" / "credentials", credentials)


def _read(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(default_section="there is no default section")
    try:
        parser.read(path)
    except configparser.Error:
        path.replace(path.with_suffix(".unreadable"))
    return parser


def _write(path: Path, parser: configparser.RawConfigParser) -> None:
    fresh = path.with_suffix(".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        parser.write(file)
    fresh.replace(path)
