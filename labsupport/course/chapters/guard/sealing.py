"""guard.6 and guard.7: a small secret under a KMS key with its context, and a large one in an envelope."""

from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from labsupport.course.chapters.guard.seeing import bucket, code, content, given, key
from labsupport.course.declare import (
    Exercise,
    Finding,
    Outcome,
    Solution,
    World,
    Wrong,
    bash,
    expect,
    holds,
    not_right,
    not_yet,
    python,
)  # fmt: skip

ALIAS = "alias/guard"
CODE, PLANS = {"document": "launch-code"}, {"document": "plans"}
NONCE = 12  # bytes in front of the ciphertext


def _listing(world: World) -> str:
    return f"`aws s3 ls s3://{bucket(world, 'vault')}/` lists what is there."


def decrypted(world: World, blob: bytes, context: dict[str, str] | None = None) -> bytes | str:
    """The plaintext, or the code of KMS's refusal."""
    extra = {"EncryptionContext": context} if context else {}
    try:
        return bytes(world.client("kms").decrypt(CiphertextBlob=blob, **extra)["Plaintext"])
    except ClientError as error:
        return code(error)


@expect(f"{ALIAS} names a symmetric key of yours")
def alias(world: World) -> Finding:
    found = key(world, ALIAS)
    if found is None:
        return not_yet("KMS has no key of that name.", "`aws kms create-key help`, `aws kms create-alias help`.")
    if found["KeySpec"] != "SYMMETRIC_DEFAULT":
        return not_right(f"It is a key of the kind {found['KeySpec']}.", "`aws kms create-key` makes a symmetric one.")
    return holds(found["Arn"])


@expect("launch-code.bin in the vault is not the code itself")
def no_plaintext(world: World) -> Finding:
    blob = content(world, bucket(world, "vault"), "launch-code.bin")
    if blob is None:
        return not_yet("There is no such object.", _listing(world))
    if given(world, "launch-code.txt").strip() in blob:
        return not_right("It is the code, readable by anybody who may read the object.", "`aws kms encrypt help`.")
    return holds(f"{len(blob)} bytes")


@expect("KMS decrypts it with the context document=launch-code")
def opens(world: World) -> Finding:
    blob = content(world, bucket(world, "vault"), "launch-code.bin")
    if blob is None:
        return not_yet("There is nothing to decrypt yet.", _listing(world))
    plain = decrypted(world, blob, CODE)
    if isinstance(plain, bytes):
        wanted = given(world, "launch-code.txt").strip()
        return holds("it is the code") if plain.strip() == wanted else not_right("It decrypts to something else.", _TRY)
    if isinstance(decrypted(world, blob), bytes):
        return not_right(
            "It decrypts without any context.",
            "The context is given when it is **encrypted**: `--encryption-context document=launch-code`.",
        )
    return not_right(f"KMS refuses it: {plain}.", _TRY)


_TRY = (
    "`aws kms decrypt --ciphertext-blob fileb://launch-code.bin --encryption-context document=launch-code "
    "--query Plaintext --output text | base64 --decode` shows what it is."
)
_KEY = (
    f"aws kms describe-key --key-id {ALIAS} > /dev/null 2>&1 || aws kms create-alias --alias-name {ALIAS} \\\n"
    '    --target-key-id "$(aws kms create-key --query KeyMetadata.KeyId --output text)"\n'
)
_VAULT = "vault=guard-vault-$(aws sts get-caller-identity --query Account --output text)\n"
_ENCRYPT = (
    f"aws kms encrypt --key-id {ALIAS} --plaintext fileb://$LAB_HOME/material/guard/launch-code.txt{{context}} \\\n"
    "    --query CiphertextBlob --output text | base64 --decode > launch-code.bin\n"
    "aws s3 cp launch-code.bin s3://$vault/\n"
)
_CONTEXT = " \\\n    --encryption-context document=launch-code"

SECRET = Exercise(
    id="guard.6",
    title="A secret and its context",
    task=f"""
The file `material/guard/launch-code.txt` in the lab's home folder (`$LAB_HOME`) holds a secret. Keep it where many
can read:

- make a KMS key with the alias **`{ALIAS}`**,
- encrypt the file's content with it, under the **encryption context** `document=launch-code`,
- put the ciphertext (the bytes, not base64) as **`launch-code.bin`** into the bucket **`guard-vault-ACCOUNT`**.

Then try to decrypt it with another context, and see what KMS says.
""",
    objectives=("DVA-C02 2.2", "DVA-C02 2.3", "DOP-C02 6.2"),
    hints=(
        "`aws kms encrypt` takes a key, a plaintext (`fileb://` reads bytes from a file) and a context; it answers in "
        "base64.",
        "The context is no secret. It is bound to the ciphertext: whoever decrypts must say the same context, and "
        "policies and CloudTrail see it (`kms:EncryptionContext:document`).",
        "`… --query CiphertextBlob --output text | base64 --decode > launch-code.bin`, then `aws s3 cp`.",
    ),
    check=(alias, no_plaintext, opens),
    solutions=(
        Solution(
            "the AWS CLI",
            bash(_KEY + _VAULT + _ENCRYPT.replace("{context}", _CONTEXT)),
            "The key never leaves KMS: the plaintext goes in and the ciphertext comes out. Up to 4 KiB can be "
            "encrypted so.",
        ),
        Solution(
            "boto3",
            python(
                "from labsupport import home, lab\n\n"
                'kms, s3 = lab.client("kms"), lab.client("s3")\n'
                'if not any(one["AliasName"] == "alias/guard" for page in '
                'kms.get_paginator("list_aliases").paginate()\n'
                '           for one in page["Aliases"]):\n'
                '    key = kms.create_key()["KeyMetadata"]["KeyId"]\n'
                '    kms.create_alias(AliasName="alias/guard", TargetKeyId=key)\n'
                'secret = (home.folder() / "material/guard/launch-code.txt").read_bytes()\n'
                'blob = kms.encrypt(KeyId="alias/guard", Plaintext=secret,\n'
                '                   EncryptionContext={"document": "launch-code"})["CiphertextBlob"]\n'
                'account = lab.client("sts").get_caller_identity()["Account"]\n'
                's3.put_object(Bucket=f"guard-vault-{account}", Key="launch-code.bin", Body=blob)\n'
            ),
            "boto3 takes and gives bytes, so nothing has to be turned from or into base64.",
        ),
    ),
    wrong=(
        Wrong(
            "plain",
            bash(_VAULT + "aws s3 cp $LAB_HOME/material/guard/launch-code.txt s3://$vault/launch-code.bin\n"),
            Outcome.NOT_RIGHT,
            "readable by anybody",
        ),
        Wrong(
            "no context",
            bash(_KEY + _VAULT + _ENCRYPT.replace("{context}", "")),
            Outcome.NOT_RIGHT,
            "It decrypts without any context",
        ),
    ),
    breaks=(
        bash(_VAULT + "aws s3 rm s3://$vault/launch-code.bin\n"),
        bash(f"aws kms delete-alias --alias-name {ALIAS}"),
    ),
)


@expect("plans.key in the vault is a data key under your key, with the context document=plans")
def data_key(world: World) -> Finding:
    blob = content(world, bucket(world, "vault"), "plans.key")
    if blob is None:
        return not_yet("There is no such object.", f"`aws kms generate-data-key help`. {_listing(world)}")
    plain = decrypted(world, blob, PLANS)
    if isinstance(plain, bytes):
        return holds("KMS decrypts it") if len(plain) == 32 else not_right(f"It is {len(plain)} bytes.", _SPEC)
    if len(blob) in (16, 32):
        return not_right(
            f"It is {len(blob)} bytes: the key in plain, which opens everything.",
            "`generate-data-key` gives two forms. Keep `CiphertextBlob`, and forget `Plaintext` once you have used it.",
        )
    return not_right(
        f"KMS refuses it: {plain}.", "Was it made under the context `document=plans`, and stored as bytes?"
    )


_SPEC = "AES-256 takes 32 bytes: `--key-spec AES_256`."


@expect("plans.enc is plans.txt under that data key (AES-256-GCM, the nonce in front)")
def envelope(world: World) -> Finding:
    where = bucket(world, "vault")
    sealed, blob = content(world, where, "plans.enc"), content(world, where, "plans.key")
    if sealed is None or blob is None:
        return not_yet(f"There is no {'plans.enc' if sealed is None else 'plans.key'}.", _listing(world))
    plain = decrypted(world, blob, PLANS)
    if not isinstance(plain, bytes) or len(plain) != 32:
        return not_right("The data key does not open, so neither does this.", "Mend plans.key first.")
    if given(world, "plans.txt") in sealed:
        return not_right("It is the text itself.", "Encrypt it with the data key's plaintext.")
    return _opened(world, sealed, plain)


def _opened(world: World, sealed: bytes, plain: bytes) -> Finding:
    try:
        text = AESGCM(plain).decrypt(sealed[:NONCE], sealed[NONCE:], None)
    except (InvalidTag, ValueError):
        return not_right(
            "It does not open with the data key in plans.key.",
            "The first 12 bytes are the nonce, the rest is what `AESGCM(key).encrypt(nonce, text, None)` gives; and "
            "the key "
            "has to be of the same call of `generate-data-key` as plans.key.",
        )
    if text != given(world, "plans.txt"):
        return not_right("It opens, and holds something else.", "Encrypt `material/guard/plans.txt`.")
    return holds(f"{len(sealed)} bytes that open to plans.txt")


def _envelope(kept: str, context: str = "PLANS") -> str:
    return (
        "import os\n"
        "from cryptography.hazmat.primitives.ciphers.aead import AESGCM\n"
        "from labsupport import home, lab\n\n"
        'PLANS = {"document": "plans"}\n'
        'text = (home.folder() / "material/guard/plans.txt").read_bytes()\n'
        'key = lab.client("kms").generate_data_key(KeyId="alias/guard", KeySpec="AES_256", '
        f"EncryptionContext={context})\n"
        "nonce = os.urandom(12)\n"
        'sealed = nonce + AESGCM(key["Plaintext"]).encrypt(nonce, text, None)\n'
        's3, account = lab.client("s3"), lab.client("sts").get_caller_identity()["Account"]\n'
        f's3.put_object(Bucket=f"guard-vault-{{account}}", Key="plans.key", Body=key["{kept}"])\n'
        's3.put_object(Bucket=f"guard-vault-{account}", Key="plans.enc", Body=sealed)\n'
    )


ENVELOPE = Exercise(
    id="guard.7",
    title="An envelope",
    task=f"""
KMS takes 4 KiB at most, and `material/guard/plans.txt` is larger. So it gives you a key instead: a **data key**,
once in plain to encrypt with, once encrypted to keep beside the data. That is how S3, EBS and CodePipeline's artifacts
do it.

- Ask for a 256-bit data key of `{ALIAS}`, with the context `document=plans`.
- Encrypt the file with it yourself: AES-256-GCM, a nonce of 12 bytes in front of the result. (Python's
  `cryptography` is there.)
- Put the result as **`plans.enc`** and the **encrypted** data key as **`plans.key`** into the vault.
""",
    objectives=("DVA-C02 2.2", "DOP-C02 6.2"),
    hints=(
        "`generate-data-key` answers with the same key twice: `Plaintext` and `CiphertextBlob`. Which one may be "
        "stored?",
        "To read it later: fetch plans.key, let KMS decrypt it (with the context), and decrypt plans.enc with what it "
        "gives.",
        "`AESGCM(key).encrypt(nonce, text, None)` from `cryptography.hazmat.primitives.ciphers.aead`; store `nonce + "
        "result`.",
    ),
    check=(data_key, envelope),
    solutions=(
        Solution(
            "boto3",
            python(_envelope("CiphertextBlob")),
            "The plaintext key lives only while the program runs. Whoever has the bucket has nothing without KMS's "
            "`Decrypt`; "
            "and to change who may read, the key's policy is changed, not the data.",
        ),
    ),
    wrong=(
        Wrong("plain key", python(_envelope("Plaintext")), Outcome.NOT_RIGHT, "the key in plain"),
        Wrong(
            "other context",
            python(_envelope("CiphertextBlob", '{"document": "other"}')),
            Outcome.NOT_RIGHT,
            "KMS refuses it: InvalidCiphertextException",
        ),
    ),
    breaks=(
        bash(_VAULT + "aws s3 rm s3://$vault/plans.key\n"),
        bash(_VAULT + "aws s3 cp s3://$vault/launch-code.bin s3://$vault/plans.enc\n"),
    ),
)
