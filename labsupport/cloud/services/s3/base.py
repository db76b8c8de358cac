"""Buckets and objects as records, and what the topics of S3 share (Amazon S3 API Reference)."""

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any

import msgspec

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.service import Service
from labsupport.cloud.store.jobs import Job
from labsupport.cloud.store.record import record

Params = dict[str, Any]
service = Service("s3")

BUCKET = "arn:{partition}:s3:::{Bucket}"
OBJECT = "arn:{partition}:s3:::{Bucket}/{Key}"
NULL = "null"  # the version id of objects of a bucket without versions
BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"


class Grant(msgspec.Struct, frozen=True, array_like=True):
    """One entry of an access control list: an account's number, or the address of one of AWS's groups."""

    kind: str  # account, group
    who: str
    permission: str


@record("s3.bucket", key=("name",))
class Bucket(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Names are unique among all accounts."""

    name: str
    account: str
    region: str
    created: float
    policy: str = ""
    versioning: str = ""  # "", Enabled, Suspended
    encryption: Params = {}  # ServerSideEncryptionConfiguration
    public_block: dict[str, bool] = msgspec.field(default_factory=lambda: dict.fromkeys(BLOCKS, True))
    ownership: str = "BucketOwnerEnforced"
    grants: list[Grant] = []  # its access control list, where those are heeded
    notifications: Params = {}
    tags: dict[str, str] = {}
    lifecycle: Params = {}
    cors: Params = {}
    website: Params = {}
    logging: Params = {}
    locked: bool = False  # Object Lock is on
    retention: Params = {}  # what it gives new versions by default
    abac: bool = False  # the bucket's tags count in policies

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:::{self.name}"

    @property
    def with_acls(self) -> bool:
        return self.ownership != "BucketOwnerEnforced"


class Piece(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A stretch of an object's content, encrypted: a file of segments, or a few bytes in the record."""

    id: str  # also the nonces' first part
    size: int
    inline: bytes | None = None


class Lock(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How an object's data key is kept: sealed by the lab (SSE-S3), or encrypted by KMS."""

    algorithm: str = "AES256"  # or aws:kms
    sealed: bytes = b""
    key_arn: str = ""
    context: dict[str, str] = {}
    bucket_key: bool = False


@record("s3.object", key=("bucket", "key"))
class Object(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The current version of a key; a delete marker where it has been deleted in a bucket with versions."""

    bucket: str
    key: str
    version: str = NULL
    order: str = ""
    modified: float
    size: int = 0
    etag: str = ""
    marker: bool = False
    pieces: list[Piece] = []
    parts: list[int] = []  # sizes of the parts of a multipart upload
    part_sums: list[str] = []  # their checksums
    lock: Lock = msgspec.field(default_factory=Lock)
    headers: dict[str, Any] = {}  # ContentType, CacheControl, … as GetObject gives them back
    metadata: dict[str, str] = {}
    checksums: dict[str, str] = {}  # ChecksumCRC32 -> …
    tags: dict[str, str] = {}
    storage: str = "STANDARD"
    ready: float = 0.0  # an archived object that is restored: from when and
    until: float = 0.0  # until when it can be read
    retain_mode: str = ""  # Object Lock: GOVERNANCE, COMPLIANCE
    retain_until: float = 0.0
    legal_hold: str = ""  # ON, OFF
    owner: str = ""  # the account whose it is, where it is not the bucket's
    grants: list[Grant] = []  # its access control list


@record("s3.version", key=("bucket", "key", "order"))
class Version(Object, kw_only=True):
    """An earlier version. `order` counts down, so that the newest lists first."""


def start_for(call: Call, bucket: Bucket, task: str, key: str, after: float = 0.0) -> None:
    """Have a task run at home with the bucket, whoever's call it is that asks for it."""
    call.store.jobs.put(Job("s3", task, bucket.account, bucket.region, key), call.epoch + after)
    call.cloud.wake()


def is_form(call: Call) -> bool:
    """Whether an upload came by a browser's form (POST Object)."""
    return call.method == "POST" and call.headers.get("content-type", "").startswith("multipart/form-data")


@lru_cache(maxsize=256)
def canonical_id(account: str) -> str:
    """The canonical user id of an account: 64 hex digits."""
    return hashlib.sha256(f"canonical:{account}".encode()).hexdigest()


def time(epoch: float) -> datetime:
    return datetime.fromtimestamp(int(epoch), UTC)


def no_bucket(name: str) -> AwsError:
    return AwsError("NoSuchBucket", "The specified bucket does not exist", 404, BucketName=name)


def bucket_named(call: Call, params: Params) -> Bucket:
    """The bucket as it is now; refused where ExpectedBucketOwner names another account."""
    return _expected(call.store.get(Bucket, params["Bucket"]), params)


def bucket_decided_on(call: Call, params: Params) -> Bucket:
    """The same as it was when the call was allowed: for a handler that hasn't waited for anything since."""
    return _expected(call.found.get(params["Bucket"]) or call.store.get(Bucket, params["Bucket"]), params)


def _expected(bucket: Bucket | None, params: Params) -> Bucket:
    if bucket is None:
        raise no_bucket(params["Bucket"])
    if params.get("ExpectedBucketOwner", bucket.account) != bucket.account:
        raise AwsError("AccessDenied", "Access Denied", 403)
    return bucket


def no_key(key: str) -> AwsError:
    return AwsError("NoSuchKey", "The specified key does not exist.", 404, Key=key)


def directory_buckets_only() -> AwsError:
    """What AWS too has for directory buckets only."""
    return AwsError("NotImplemented", "A header you provided implies functionality that is not implemented", 501)


ARCHIVED = ("GLACIER", "DEEP_ARCHIVE")


def refuse_archived(call: Call, found: Object) -> None:
    """An archived object has to be restored before it can be read."""
    if found.storage in ARCHIVED and not found.ready <= call.epoch < found.until:
        message = "The operation is not valid for the object's storage class"
        raise AwsError("InvalidObjectState", message, 403, StorageClass=found.storage)


def restoration(call: Call, found: Object) -> Params:
    """What an answer says of an archived object's restoration (x-amz-restore)."""
    if call.epoch < found.ready:
        return {"Restore": 'ongoing-request="true"'}
    if call.epoch < found.until:
        ends = format_datetime(time(found.until), usegmt=True)
        return {"Restore": f'ongoing-request="false", expiry-date="{ends}"'}
    return {}


def restore_status(call: Call, found: Object) -> Params:
    """The same, as listings tell it to who asks for it (x-amz-optional-object-attributes)."""
    if call.epoch < found.ready:
        return {"RestoreStatus": {"IsRestoreInProgress": True}}
    if call.epoch < found.until:
        return {"RestoreStatus": {"IsRestoreInProgress": False, "RestoreExpiryDate": time(found.until)}}
    return {}


def find_version(call: Call, bucket: Bucket, key: str, version: str | None) -> Object | None:
    """A key's current version, or the one of that id."""
    current = call.store.get(Object, bucket.name, key)
    if version is None or (current and current.version == version):
        return current
    return next((one for one in call.store.list(Version, bucket.name, key) if one.version == version), None)


_OLDEST = 10**12


def _order(old: Object | None) -> str:
    """The order of what takes the place of `old`: one less."""
    return f"{(int(old.order) if old else _OLDEST) - 1:013d}"


def as_version(current: Object) -> Version:
    return Version(**{name: getattr(current, name) for name in Object.__struct_fields__})


def as_object(version: Object) -> Object:
    return Object(**{name: getattr(version, name) for name in Object.__struct_fields__})


def keep_current(call: Call, bucket: Bucket, new: Object, old: Object | None) -> list[Piece]:
    """Make `new` the current version in place of `old`; the pieces that nobody needs any more."""
    freed: list[Piece] = []
    new.order = _order(old)
    if old and bucket.versioning and not (old.version == NULL and new.version == NULL):
        call.store.put(as_version(old))
    elif old:
        freed += old.pieces
    if bucket.versioning and new.version == NULL:  # suspended: there is one null version at most
        for one in list(call.store.list(Version, bucket.name, new.key)):
            if one.version == NULL:
                call.store.delete(one)
                freed += one.pieces
    call.store.put(new)
    return freed


def _resource_tags(call: Call, resource: str) -> dict[str, str]:
    """A bucket's tags; at AWS they count only where its owner has said so."""
    bucket = call.store.get(Bucket, resource.removeprefix("arn:aws:s3:::").partition("/")[0])
    return bucket.tags if bucket and bucket.abac else {}


service.resource_tags = _resource_tags
