"""Codes of errors from the time when a service spoke the query protocol, which its clients still go by.

They are the codes that boto3 and the CLI show. CloudWatch's model names them; SQS's names them no more, so they stand
here (Smithy's trait `awsQueryError` of SQS's errors, and its common errors).
"""

_SQS_PREFIX = "AWS.SimpleQueueService."
_SQS = {
    "QueueDoesNotExist": f"{_SQS_PREFIX}NonExistentQueue",
    "QueueNameExists": "QueueAlreadyExists",
    **{
        name: _SQS_PREFIX + name
        for name in (
            "QueueDeletedRecently", "PurgeQueueInProgress", "MessageNotInflight", "UnsupportedOperation",
            "TooManyEntriesInBatchRequest", "EmptyBatchRequest", "BatchEntryIdsNotDistinct", "BatchRequestTooLong",
            "InvalidBatchEntryId",
        )
    },
    "KmsAccessDenied": "KMS.AccessDeniedException",
    "KmsDisabled": "KMS.DisabledException",
    "KmsInvalidKeyUsage": "KMS.InvalidKeyUsageException",
    "KmsInvalidState": "KMS.InvalidStateException",
    "KmsNotFound": "KMS.NotFoundException",
    "KmsOptInRequired": "KMS.OptInRequired",
    "KmsThrottled": "KMS.ThrottlingException",
    "AccessDeniedException": "AccessDenied",
    "InvalidParameterValueException": "InvalidParameterValue",
    "MissingRequiredParameterException": "MissingParameter",
}  # fmt: skip


def query_code(service: str, name: str) -> str:
    """The old code of an error, by its name of today."""
    return _SQS.get(name, name) if service == "sqs" else name
