"""Keys of every kind for the tests of KMS: made once for a module, as RSA's take long."""

from typing import Any

from s3_help import new_user


class Keys:
    """`keys("RSA_2048", "SIGN_VERIFY")` is the ARN of such a key, the same whenever it is asked for."""

    def __init__(self, kms: Any) -> None:
        self.kms = kms
        self.made: dict[tuple[str, str], str] = {}

    def __call__(self, spec: str = "SYMMETRIC_DEFAULT", usage: str = "ENCRYPT_DECRYPT") -> str:
        kind = (spec, usage)
        if kind not in self.made:
            self.made[kind] = self.kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["Arn"]
        return self.made[kind]


def user_of(cloud: Any, *statements: Any, profile: str = "learner", region: str = "us-east-1") -> Any:
    """Somebody's client of KMS who may do just this."""
    return cloud.client("kms", credentials=new_user(cloud, *statements, profile=profile)["keys"], region_name=region)
