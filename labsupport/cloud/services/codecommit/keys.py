"""A repository's data key: made, opened and re-wrapped by KMS on behalf of whoever calls.

CodeCommit User Guide: "AWS Key Management Service and encryption for AWS CodeCommit repositories": the repository's id
is the encryption context, and the caller has to be allowed to use the key.
"""

from typing import Any

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codecommit.base import Params, Repository

# What KMS refuses, in CodeCommit's words (API Reference, errors of its operations).
_CODES = {
    "AccessDeniedException": ("EncryptionKeyAccessDeniedException", 400),
    "DisabledException": ("EncryptionKeyDisabledException", 400),
    "NotFoundException": ("EncryptionKeyNotFoundException", 400),
    "KMSInvalidStateException": ("EncryptionKeyUnavailableException", 400),
    "KeyUnavailableException": ("EncryptionKeyUnavailableException", 400),
    "InvalidKeyUsageException": ("EncryptionKeyInvalidUsageException", 400),
    "InvalidArnException": ("EncryptionKeyInvalidIdException", 400),
    "ValidationException": ("EncryptionKeyInvalidIdException", 400),
    "IncorrectKeyException": ("EncryptionIntegrityChecksFailedException", 500),
    "InvalidCiphertextException": ("EncryptionIntegrityChecksFailedException", 500),
}


def _context(repository: Repository) -> dict[str, str]:
    return {"aws:codecommit:id": repository.id}


def renew(call: Call, repository: Repository) -> None:
    """Give the repository a data key under its KMS key; the caller puts the record."""
    answer = _ask(
        call, "generate_data_key_without_plaintext",
        KeyId=repository.kms_key, KeySpec="AES_256", EncryptionContext=_context(repository),
    )  # fmt: skip
    repository.data_key = answer["CiphertextBlob"]


def opened(call: Call, repository: Repository) -> bytes:
    """The data key in plain, asked for at every use, so that a key that is disabled stops everybody at once."""
    _complete(call, repository)
    answer = _ask(call, "decrypt", CiphertextBlob=repository.data_key, EncryptionContext=_context(repository))
    key: bytes = answer["Plaintext"]
    return key


def wrap_again(call: Call, repository: Repository, key_id: str) -> None:
    """Put the data key under another KMS key: what is stored stays as it is. The caller puts the record."""
    _complete(call, repository)
    context = _context(repository)
    answer = _ask(
        call, "re_encrypt", CiphertextBlob=repository.data_key, SourceEncryptionContext=context,
        DestinationKeyId=key_id, DestinationEncryptionContext=context,
    )  # fmt: skip
    repository.kms_key, repository.data_key = key_id, answer["CiphertextBlob"]


def _complete(call: Call, repository: Repository) -> None:
    """A repository under AWS's own key gets its data key when it is first used, one of an older lab too."""
    if not repository.data_key:
        with call.transaction():
            renew(call, repository)
            call.store.put(repository)


def _ask(call: Call, operation: str, **params: Any) -> Params:
    try:
        answer: Params = getattr(call.aws("kms"), operation)(**params)
    except AwsError as error:
        if error.code not in _CODES:
            raise
        code, status = _CODES[error.code]
        message = error.message or "The repository's data key can't be opened by the key that it names."
        raise AwsError(code, message, status, decision=error.decision) from None
    return answer
