"""The quiz, its second half: keys, resources, and services that act for somebody."""

from labsupport.course.chapters.guard.proofs import allow, simulated, with_key, with_role
from labsupport.course.declare import Option, Question

SIZE = Question(
    id="guard.q9",
    text="A program has to encrypt files of 20 MB under a KMS key. What does it call?",
    options=(
        Option(
            "`GenerateDataKey`, and encrypts each file itself with the plaintext key",
            True,
            "Envelope encryption: the encrypted data key lies beside the file, the plaintext key is forgotten.",
            with_key('assert len(kms.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"]) == 32'),
        ),
        Option(
            "`Encrypt`, with the file as the plaintext",
            False,
            "`Encrypt` takes 4,096 bytes at most.",
            with_key('kms.encrypt(KeyId=key, Plaintext=b"x" * 4097)', says="ValidationException"),
        ),
        Option(
            "`GetPublicKey`, and encrypts each file with the public key",
            False,
            "A symmetric key has no public half, and RSA takes even less than `Encrypt` does.",
            with_key("kms.get_public_key(KeyId=key)", says="UnsupportedOperationException"),
        ),
    ),
    objectives=("DVA-C02 2.2", "DOP-C02 6.2"),
)

_SEALED = 'blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"app": "shop"})["CiphertextBlob"]\n'
CONTEXT = Question(
    id="guard.q10",
    text="Something was encrypted with the encryption context `app=shop`. Which of these is true? (Choose two.)",
    options=(
        Option(
            "`Decrypt` needs exactly the same context",
            True,
            "It is bound to the ciphertext as additional authenticated data.",
            with_key(_SEALED + 'kms.decrypt(CiphertextBlob=blob, EncryptionContext={"app": "shop"})'),
        ),
        Option(
            "`Decrypt` works without a context for the key's administrators",
            False,
            "Nobody is excepted: without it the ciphertext is invalid.",
            with_key(_SEALED + "kms.decrypt(CiphertextBlob=blob)", says="InvalidCiphertextException"),
        ),
        Option(
            "The context appears in plain text in CloudTrail",
            True,
            "So it must hold no secret; and it tells what each key was used for.",
        ),
        Option(
            "The context is a second password, to be kept secret",
            False,
            "It is no secret. What protects the data is who may use the key.",
        ),
    ),
    objectives=("DVA-C02 2.2", "DVA-C02 2.3", "DOP-C02 6.2"),
)

_BLOB = 'blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]\n'
DISABLE = Question(
    id="guard.q11",
    text=(
        "Data under a KMS key must be unreadable from now on, at once, and perhaps readable again next week. "
        "What is done with the key?"
    ),
    options=(
        Option(
            "It is disabled, and enabled when the time has come",
            True,
            "It counts at once, and nothing is lost.",
            with_key(
                _BLOB
                + "kms.disable_key(KeyId=key)\n"
                + "try:\n    kms.decrypt(CiphertextBlob=blob)\n    sys.exit('it was decrypted')\n"
                + "except kms.exceptions.DisabledException:\n    pass\n"
                + "kms.enable_key(KeyId=key)\nkms.decrypt(CiphertextBlob=blob)"
            ),
        ),
        Option(
            "It is deleted, and made anew next week",
            False,
            "A new key is another key: what the old one encrypted stays closed for ever.",
            with_key(
                _BLOB
                + 'new = kms.create_key()["KeyMetadata"]["KeyId"]\n'
                + "kms.schedule_key_deletion(KeyId=new, PendingWindowInDays=7)\n"
                + "kms.decrypt(KeyId=new, CiphertextBlob=blob)",
                says="Exception",
            ),
        ),
        Option(
            "It is deleted at once, and the deletion cancelled next week",
            False,
            "A deletion waits for 7 to 30 days; no key can be deleted at once.",
            with_key("kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=1)", says="ValidationException"),
        ),
        Option(
            "It is rotated",
            False,
            "After a rotation old data can still be decrypted: the old key material is kept.",
        ),
    ),
    objectives=("DVA-C02 2.2", "DOP-C02 6.2"),
)

ROTATION = Question(
    id="guard.q12",
    text="A KMS key is rotated. What has to be done with the data that it has encrypted before?",
    options=(
        Option(
            "Nothing",
            True,
            "KMS keeps all earlier key material, and knows by the ciphertext which one it takes.",
            with_key(_BLOB + "kms.rotate_key_on_demand(KeyId=key)\nkms.decrypt(CiphertextBlob=blob)"),
        ),
        Option(
            "It is decrypted and encrypted again, before the old material is deleted",
            False,
            "The old material is not deleted as long as the key is there.",
        ),
        Option(
            "The key's ARN is changed wherever it stands",
            False,
            "The key's id and ARN stay as they are; only its material is new.",
        ),
    ),
    objectives=("DVA-C02 2.2", "DOP-C02 6.2"),
)

KEY_POLICY = Question(
    id="guard.q13",
    text=(
        "A user's policy allows `kms:Decrypt` on a key of the same account, and KMS refuses all the same. "
        "The key's policy names one other role, and nothing else. What helps?"
    ),
    options=(
        Option(
            "A statement of the key's policy for the account's principal (`arn:aws:iam::ACCOUNT:root`)",
            True,
            "It hands the decision to IAM's policies. The key policy decides, and only what it says counts.",
            with_role(
                'kms = lab.client("kms")\n'
                'key = kms.create_key()["KeyMetadata"]["KeyId"]\n'
                'blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]\n'
                'try:\n    someone.client("kms").decrypt(CiphertextBlob=blob)\n'
                "finally:\n    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)",
                profile="learner",
                allowed='["kms:Decrypt"]',
            ),
        ),
        Option(
            "`AdministratorAccess` for the user",
            False,
            "No policy of IAM helps where the key's own policy doesn't let IAM decide.",
            with_role(
                'kms = lab.client("kms")\n'
                'mine = lab.client("sts").get_caller_identity()["Arn"]\n'
                'only = {"Effect": "Allow", "Principal": {"AWS": mine}, "Action": "kms:*", "Resource": "*"}\n'
                'policy = json.dumps({"Version": "2012-10-17", "Statement": [only]})\n'
                'key = kms.create_key(Policy=policy)["KeyMetadata"]["KeyId"]\n'
                'blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]\n'
                'try:\n    someone.client("kms").decrypt(CiphertextBlob=blob)\n'
                "finally:\n    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)",
                profile="learner",
                allowed='["*"]',
                says="is not authorized to perform: kms:Decrypt",
            ),
        ),
        Option(
            "An alias for the key",
            False,
            "An alias is another name; it changes no permission.",
        ),
    ),
    objectives=("DVA-C02 2.2", "DVA-C02 4.1", "DOP-C02 5.3", "DOP-C02 6.2"),
)

_OBJECTS, _BUCKET = "arn:aws:s3:::reports/*", "arn:aws:s3:::reports"
RESOURCES = Question(
    id="guard.q14",
    text="A role shall list the objects of the bucket `reports`, and read them. What does it need? (Choose two.)",
    options=(
        Option(
            f"`s3:ListBucket` on `{_BUCKET}`",
            True,
            "To list is to act on the bucket.",
            simulated(allow("s3:ListBucket", _BUCKET), action="s3:ListBucket", resource=_BUCKET),
        ),
        Option(
            f"`s3:GetObject` on `{_OBJECTS}`",
            True,
            "To read is to act on an object.",
            simulated(allow("s3:GetObject", _OBJECTS), action="s3:GetObject", resource=f"{_BUCKET}/2026.csv"),
        ),
        Option(
            f"`s3:ListBucket` on `{_OBJECTS}`",
            False,
            "The resource has to be the bucket: this statement matches no call.",
            simulated(allow("s3:ListBucket", _OBJECTS), action="s3:ListBucket", resource=_BUCKET, says="implicitDeny"),
        ),
        Option(
            f"`s3:GetObject` on `{_BUCKET}`",
            False,
            "The bucket's ARN names no object.",
            simulated(
                allow("s3:GetObject", _BUCKET),
                action="s3:GetObject",
                resource=f"{_BUCKET}/2026.csv",
                says="implicitDeny",
            ),
        ),
    ),
    objectives=("DVA-C02 2.1", "DOP-C02 6.1"),
)

_PROJECT = """\
codebuild = someone.client("codebuild")
codebuild.create_project(
    name="quiz-guard", artifacts={{"type": "NO_ARTIFACTS"}},
    source={{"type": "NO_SOURCE", "buildspec": "version: 0.2"}},
    environment={{"type": "LINUX_CONTAINER", "computeType": "BUILD_GENERAL1_SMALL",
                 "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0"}}, serviceRole=arn)
lab.client("codebuild").delete_project(name="quiz-guard")"""
BUILDS = '{"Service": "codebuild.amazonaws.com"}'
PASS_ROLE = Question(
    id="guard.q15",
    text="A developer may call `codebuild:CreateProject`. What else does a project with a service role need?",
    options=(
        Option(
            "`iam:PassRole` on that role",
            True,
            "Who hands a role to a service lets the service act with its rights: that needs a permission of its own.",
            with_role(
                _PROJECT.format(),
                profile="learner",
                principal=BUILDS,
                allowed='["codebuild:CreateProject", "iam:PassRole"]',
            ),
        ),
        Option(
            "Nothing",
            False,
            "Else anybody who may make projects could build with the rights of any role.",
            with_role(
                _PROJECT.format(),
                profile="learner",
                principal=BUILDS,
                allowed='["codebuild:CreateProject"]',
                says="is not authorized to perform: iam:PassRole",
            ),
        ),
        Option(
            "`sts:AssumeRole` on that role",
            False,
            "It is CodeBuild that assumes it; the developer only hands it over.",
            with_role(
                _PROJECT.format(),
                profile="learner",
                principal=BUILDS,
                allowed='["codebuild:CreateProject", "sts:AssumeRole"]',
                says="is not authorized to perform: iam:PassRole",
            ),
        ),
    ),
    objectives=("DVA-C02 2.1", "DVA-C02 3.4", "DOP-C02 1.1", "DOP-C02 6.1"),
)

SCP = Question(
    id="guard.q16",
    text=(
        "A service control policy of the organization allows `s3:*` and nothing else for an account. "
        "A user there has no policy. What may the user do?"
    ),
    options=(
        Option(
            "Nothing",
            True,
            "A service control policy sets the most that an account's users can have; it gives nothing.",
        ),
        Option("Everything in S3", False, "That would need a policy of the user's that allows it as well."),
        Option(
            "Everything: it counts for the root user only",
            False,
            "It counts for all users and roles of the account, its root user too; not for the management account.",
        ),
    ),
    objectives=("DVA-C02 2.1", "DOP-C02 6.1", "DOP-C02 2.2"),
)

QUESTIONS = (SIZE, CONTEXT, DISABLE, ROTATION, KEY_POLICY, RESOURCES, PASS_ROLE, SCP)
