"""A learner's progress as one signed file.

The signature (Ed25519) shows that the file has not been changed since it was exported, and that files with the same
key come from the same home folder. It cannot show that the work was done by the person named, or that nobody meddled
with the record before it was exported: the key lies in the learner's own folder.
"""

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labsupport.course.progress.record import OWN, Event, NotKept, Record, as_json
from labsupport.course.progress.standing import standing
from labsupport.home import Trouble

KEY = "progress.key"
FORMAT = "cicd-lab progress 1"
NO_EXPORT = "This is no file of progress: lab progress export writes one."


class NotGenuine(Trouble):
    """A file of progress that can't be taken; the text says why."""


@dataclass(frozen=True, slots=True)
class Export:
    """A file's content, its signature verified: whose it is, by name and by key."""

    name: str
    learner: str
    exported: float
    events: tuple[Event, ...]


def exported(record: Record, name: str, now: float) -> str:
    """All that the learner of a home folder has done, signed with the folder's key."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = _own_key(record.folder)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    content = {"name": name, "exported": now, "events": [as_json(one) for one in record.events()]}
    signed = {
        "format": FORMAT,
        "content": content,
        "key": base64.b64encode(public).decode(),
        "signature": base64.b64encode(key.sign(_bytes(content))).decode(),
    }
    return json.dumps(signed, indent=1, ensure_ascii=False) + "\n"


def read(text: str) -> Export:
    """What a file holds; `NotGenuine` where it is none of ours or was changed."""
    try:
        found = json.loads(text)
        known, content = found["format"], found["content"]
        public, signature = base64.b64decode(found["key"]), base64.b64decode(found["signature"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NotGenuine(NO_EXPORT) from None
    if known != FORMAT:
        raise NotGenuine(f"This file of progress is of another form ({known}); this lab reads {FORMAT!r}.")
    _verify(public, signature, _bytes(content))
    learner = hashlib.sha256(public).hexdigest()[:16]
    try:
        events = tuple(Event(**one, learner=learner) for one in content["events"])
        standing(events)  # whoever signs may still have written anything: what can't be counted is not taken
        return Export(str(content["name"]), learner, float(content["exported"]), events)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotGenuine(NO_EXPORT) from None


def _verify(public: bytes, signature: bytes, content: bytes) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, content)
    except (InvalidSignature, ValueError):
        raise NotGenuine(
            "This file of progress was changed after it was exported: its signature does not fit. Nothing was taken "
            "from it. Ask for a fresh export."
        ) from None


def fingerprint(folder: Path) -> str:
    """The name of a home folder's key, as a teacher sees it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = _own_key(folder).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(public).hexdigest()[:16]


def taken_in(record: Record, found: Export, *, mine: bool) -> int:
    """Keep what a file holds, each event once: as another learner's, or as one's own (from another machine)."""
    events = (
        [Event(one.what, one.subject, one.detail, one.at, one.id, OWN) for one in found.events]
        if mine
        else found.events
    )
    if not mine:
        record.know(found.learner, found.name)
    return record.add(events)


def _own_key(folder: Path) -> Any:
    """The home folder's key, made on first use; nobody else on the machine can read it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

    path = folder / KEY
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            _write_once(path, pem)
        return load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as problem:
        raise NotKept(f"The key in {path} can't be used ({problem}). Without it nothing can be signed.") from problem


def _write_once(path: Path, content: bytes) -> None:
    """Whole or not at all, and only where there is none: two exports at once end with one key."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _bytes(content: dict[str, Any]) -> bytes:
    """The one way to write the content down that is signed, however the file is laid out."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
