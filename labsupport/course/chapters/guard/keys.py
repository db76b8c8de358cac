"""guard.8 and guard.9: a grant to one who reads, and a key that was switched off."""

from botocore.exceptions import ClientError

from labsupport.course.chapters.guard.sealing import ALIAS
from labsupport.course.chapters.guard.seeing import Document, arn, bucket, code, key
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

READER, CONTEXT = "guard-reader", {"document": "plans"}
_ID = f'"$(aws kms describe-key --key-id {ALIAS} --query KeyMetadata.KeyId --output text)"'
LIST = f"`aws kms list-grants --key-id {_ID}` lists them."


@expect(f"a grant on {ALIAS} lets {READER} decrypt, and nothing else")
def granted(world: World) -> Finding:
    mine = _grants(world)
    if isinstance(mine, Finding):
        return mine
    if not mine:
        return not_yet(f"The key has no grant for {READER}.", f"`aws kms create-grant help`. {LIST}")
    more = sorted({name for one in mine for name in one["Operations"]} - {"Decrypt"})
    if more:
        return not_right(
            f"It may also {', '.join(more)}.", f"A reader needs Decrypt alone. `aws kms revoke-grant`. {LIST}"
        )
    return holds(f"grant {mine[0]['GrantId'][:12]}…: Decrypt")


@expect("and only with the context document=plans")
def constrained(world: World) -> Finding:
    mine = _grants(world)
    if isinstance(mine, Finding):
        return mine
    if not mine:
        return not_yet("There is no grant to look at yet.", LIST)
    for one in mine:
        limits = one.get("Constraints", {})
        if CONTEXT not in (limits.get("EncryptionContextEquals"), limits.get("EncryptionContextSubset")):
            return not_right(
                f"The grant {one['GrantId'][:12]}… holds for {limits or 'every context'}.",
                "It would open launch-code.bin, too. A grant is not changed: revoke it, and make one with "
                f"`--constraints EncryptionContextEquals={{document=plans}}`. {LIST}",
            )
    return holds("EncryptionContextEquals document=plans")


def _grants(world: World) -> list[Document] | Finding:
    found = key(world, ALIAS)
    if found is None:
        return not_yet(f"There is no key {ALIAS} yet.", "Exercise guard.6 makes it.")
    listed = world.client("kms").list_grants(KeyId=found["KeyId"])["Grants"]
    return [one for one in listed if one["GranteePrincipal"] == arn(world, f"role/{READER}")]


_REVOKE = (
    f"key=$(aws kms describe-key --key-id {ALIAS} --query KeyMetadata.KeyId --output text)\n"
    'for grant in $(aws kms list-grants --key-id "$key" --query "Grants[].GrantId" --output text); do\n'
    '    aws kms revoke-grant --key-id "$key" --grant-id "$grant"\n'
    "done\n"
)


def _grant(operations: str, constraints: str) -> str:
    return (
        "account=$(aws sts get-caller-identity --query Account --output text)\n"
        'aws kms create-grant --key-id "$key" --operations ' + operations + " \\\n"
        f"    --grantee-principal arn:aws:iam::$account:role/{READER}{constraints}\n"
    )


_ONLY = " \\\n    --constraints EncryptionContextEquals={document=plans}"

GRANT = Exercise(
    id="guard.8",
    title="A grant for the reader",
    task=f"""
The role `{READER}` is there and has no policy that names KMS. It shall read the plans and nothing else.

Give it a **grant** on `{ALIAS}`: the operation `Decrypt`, with the **constraint** that the encryption context is
`document=plans`. So it can open `plans.key`, and not `launch-code.bin`.
""",
    objectives=("DVA-C02 2.2", "DOP-C02 6.2"),
    hints=(
        "Policies are for people who stay; grants are how services get the use of a key for as long as they need it.",
        "`aws kms create-grant` takes the key, the grantee's ARN, the operations, and constraints on the context.",
        "`--constraints EncryptionContextEquals={document=plans}`. A grant can't be changed: `aws kms revoke-grant` "
        "ends one.",
    ),
    check=(granted, constrained),
    solutions=(
        Solution(
            "the AWS CLI",
            bash(_REVOKE + _grant("Decrypt", _ONLY)),
            "A grant allows; it can't deny. `EncryptionContextEquals` wants exactly this context, "
            "`EncryptionContextSubset` "
            "would let more pairs stand beside it.",
        ),
    ),
    wrong=(
        Wrong("any context", bash(_REVOKE + _grant("Decrypt", "")), Outcome.NOT_RIGHT, "every context"),
        Wrong(
            "too much",
            bash(_REVOKE + _grant("Decrypt Encrypt GenerateDataKey", _ONLY)),
            Outcome.NOT_RIGHT,
            "A reader needs Decrypt alone",
        ),
    ),
    breaks=(bash(_REVOKE),),
)

ARCHIVE, REPORT = "alias/guard-archive", "2025/report.txt"


@expect("the key of the archive is enabled")
def enabled(world: World) -> Finding:
    found = key(world, ARCHIVE)
    show = f"`aws kms describe-key --key-id {ARCHIVE} --query KeyMetadata.KeyState` shows its state."
    if found is None:
        return not_right(f"The alias {ARCHIVE} is gone.", "lab.reset('guard') brings the chapter's beginning back.")
    if found["KeyState"] == "Enabled":
        return holds(found["KeyState"])
    if found["KeyState"] == "PendingDeletion":
        return not_right(
            "It is about to be deleted, and with it all that it has ever encrypted.",
            f"`aws kms cancel-key-deletion` stops that; the key is disabled then. {show}",
        )
    return not_yet(f"It is {found['KeyState']}.", show)


@expect("the report in the archive can be read")
def readable(world: World) -> Finding:
    try:
        text = world.client("s3").get_object(Bucket=bucket(world, "archive"), Key=REPORT)["Body"].read()
    except ClientError as error:
        said = f"{code(error)}: {error.response['Error']['Message']}"
        return not_yet(said, f"`aws s3 cp s3://{bucket(world, 'archive')}/{REPORT} -` asks for it.")
    return holds(f"{len(text)} bytes")


_ARCHIVED = "key=$(aws kms describe-key --key-id alias/guard-archive --query KeyMetadata.KeyId --output text)\n"

DISABLED = Exercise(
    id="guard.9",
    title="It was readable yesterday",
    task=f"""
`aws s3 cp s3://guard-archive-ACCOUNT/{REPORT} -` says that something is wrong. You are the administrator, the object
is there, and no policy has changed. Find out what has, and make the report readable again.
""",
    objectives=("DVA-C02 4.1", "DVA-C02 2.2", "DOP-C02 5.3", "DOP-C02 6.2"),
    hints=(
        "Read the refusal's code aloud: which service says it? `aws s3api head-object` tells with which key the "
        "object rests.",
        "S3 asks KMS for the object's data key each time. A key has states; in which of them does it answer?",
        "`aws kms describe-key --key-id …` shows the state, `aws kms enable-key --key-id …` changes it.",
    ),
    check=(enabled, readable),
    solutions=(
        Solution(
            "the AWS CLI",
            bash(
                _ARCHIVED
                + 'aws kms cancel-key-deletion --key-id "$key" 2> /dev/null || true\naws kms enable-key --key-id '
                '"$key"\n'
            ),
            "Disabling a key takes the data away from everybody at once, and gives it back as quickly. Deleting it is "
            "for ever, "
            "which is why that waits for 7 to 30 days.",
        ),
        Solution(
            "boto3",
            python(
                "from labsupport import lab\n\n"
                'kms = lab.client("kms")\n'
                'key = kms.describe_key(KeyId="alias/guard-archive")["KeyMetadata"]\n'
                'if key["KeyState"] == "PendingDeletion":\n'
                '    kms.cancel_key_deletion(KeyId=key["KeyId"])\n'
                'kms.enable_key(KeyId=key["KeyId"])\n'
            ),
            "The key's metadata has its state; `enable_key` takes the key's id or ARN, no alias.",
        ),
    ),
    wrong=(
        Wrong(
            "deleted",
            bash(_ARCHIVED + 'aws kms schedule-key-deletion --key-id "$key" --pending-window-in-days 7\n'),
            Outcome.NOT_RIGHT,
            "about to be deleted",
            bash(_ARCHIVED + 'aws kms cancel-key-deletion --key-id "$key"\n'),
        ),
        Wrong(
            "a new key",
            bash(
                _ARCHIVED
                + "new=$(aws kms create-key --query KeyMetadata.KeyId --output text)\n"
                + f'aws kms update-alias --alias-name {ARCHIVE} --target-key-id "$new"\n'
            ),
            Outcome.NOT_RIGHT,
            "can be read",
            bash(
                "key=$(aws s3api head-object --bucket guard-archive-$(aws sts get-caller-identity --query Account "
                f"--output text) --key {REPORT} --query SSEKMSKeyId --output text)\naws kms update-alias --alias-name "
                f"{ARCHIVE} "
                '--target-key-id "${key##*/}"\n'
            ),
        ),
    ),
    breaks=(bash(_ARCHIVED + 'aws kms disable-key --key-id "$key"\n'),),
)
