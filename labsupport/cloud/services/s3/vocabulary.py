"""The words that a bucket policy may use: S3's actions and what they act upon, and its condition keys.

Service Authorization Reference: "Actions, resources, and condition keys for Amazon S3".
"""

import re
from functools import lru_cache

_OF_OBJECTS = """
AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectAnnotation DeleteObjectTagging
DeleteObjectVersion DeleteObjectVersionAnnotation DeleteObjectVersionTagging GetObject GetObjectAcl GetObjectAnnotation
GetObjectAttributes GetObjectLegalHold GetObjectRetention GetObjectTagging GetObjectTorrent GetObjectVersion
GetObjectVersionAcl GetObjectVersionAnnotation GetObjectVersionAttributes GetObjectVersionForReplication
GetObjectVersionTagging GetObjectVersionTorrent InitiateReplication ListMultipartUploadParts ListObjectAnnotations
ObjectOwnerOverrideToBucketOwner PutObject PutObjectAcl PutObjectAnnotation PutObjectLegalHold PutObjectRetention
PutObjectTagging PutObjectVersionAcl PutObjectVersionAnnotation PutObjectVersionTagging ReplicateDelete
ReplicateObject ReplicateTags RestoreObject UpdateObjectEncryption
"""
_OF_BUCKETS = """
CreateBucket CreateBucketMetadataTableConfiguration DeleteBucket DeleteBucketMetadataTableConfiguration
DeleteBucketPolicy DeleteBucketWebsite GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketABAC GetBucketAcl
GetBucketCORS GetBucketLocation GetBucketLogging GetBucketMetadataTableConfiguration GetBucketNotification
GetBucketObjectLockConfiguration GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus
GetBucketPublicAccessBlock GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite
GetEncryptionConfiguration GetIntelligentTieringConfiguration GetInventoryConfiguration GetLifecycleConfiguration
GetMetricsConfiguration GetReplicationConfiguration ListBucket ListBucketMultipartUploads ListBucketVersions
ListTagsForResource PutAccelerateConfiguration PutAnalyticsConfiguration PutBucketABAC PutBucketAcl PutBucketCORS
PutBucketLogging PutBucketNotification PutBucketObjectLockConfiguration PutBucketOwnershipControls PutBucketPolicy
PutBucketPublicAccessBlock PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite
PutEncryptionConfiguration PutIntelligentTieringConfiguration PutInventoryConfiguration PutLifecycleConfiguration
PutMetricsConfiguration PutReplicationConfiguration TagResource UntagResource
"""
_KEYS = """
accessgrantsinstancearn accesspointnetworkorigin accesspointtag authtype bucketnamespace buckettag
dataaccesspointaccount dataaccesspointarn delimiter destinationregion existingjoboperation existingjobpriority
existingobjecttag if-match if-none-match inventoryaccessibleoptionalfields isreplicationpauserequest jobsuspendedcause
locationconstraint max-keys object-lock-legal-hold object-lock-mode object-lock-remaining-retention-days
object-lock-retain-until-date objectcreationoperation prefix requestjoboperation requestjobpriority requestobjecttag
requestobjecttagkeys resourceaccount resourcetag signatureage signatureversion tlsversion versionid x-amz-acl
x-amz-content-sha256 x-amz-copy-source x-amz-grant-full-control x-amz-grant-read x-amz-grant-read-acp
x-amz-grant-write x-amz-grant-write-acp x-amz-metadata-directive x-amz-object-ownership
x-amz-server-side-encryption x-amz-server-side-encryption-aws-kms-key-id
x-amz-server-side-encryption-customer-algorithm x-amz-storage-class x-amz-website-redirect-location
"""
OBJECT_ACTIONS = frozenset(_OF_OBJECTS.lower().split())
BUCKET_ACTIONS = frozenset(_OF_BUCKETS.lower().split())
CONDITION_KEYS = frozenset(_KEYS.split())


@lru_cache(maxsize=1024)
def acts_on(action: str) -> frozenset[str]:
    """What the actions that a pattern (`s3:Get*`) stands for act upon: `bucket`, `object`; empty if it means none."""
    service, _, name = action.lower().partition(":")
    if action == "*":
        return frozenset(("bucket", "object"))
    if not _like("s3", service):
        return frozenset()
    kinds = (("bucket", BUCKET_ACTIONS), ("object", OBJECT_ACTIONS))
    return frozenset(kind for kind, names in kinds if any(_like(one, name) for one in names))


def _like(text: str, pattern: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text) is not None


def is_condition_key(key: str) -> bool:
    """Whether S3 knows a key of its own; keys of others are not for it to judge."""
    service, _, name = key.lower().partition(":")
    return service != "s3" or name.partition("/")[0] in CONDITION_KEYS
