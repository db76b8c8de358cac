"""Encryption at rest: what lies on the disk, whose keys protect it, and who may read."""

import base64
import json
from typing import Any

import pytest
from s3_help import events, new_bucket, new_user, on_disk, refused, statement

NEEDLE = b"the content that nobody else may see"


def new_key(cloud: Any) -> str:
    arn: str = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    return arn


def default_to(cloud: Any, bucket: str, key: str = "", bucket_key: bool = False) -> None:
    rule: dict[str, Any] = {"SSEAlgorithm": "aws:kms", **({"KMSMasterKeyID": key} if key else {})}
    cloud.client("s3").put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": rule, "BucketKeyEnabled": bucket_key}]
        },
    )


@pytest.mark.parametrize("size", [1, 1000, 100_000])
@pytest.mark.parametrize("kms", [False, True])
def test_what_lies_on_the_disk_is_ciphertext(cloud: Any, size: int, kms: bool) -> None:
    s3, name = cloud.client("s3"), new_bucket(cloud)
    more = {"ServerSideEncryption": "aws:kms"} if kms else {}
    s3.put_object(Bucket=name, Key="k", Body=NEEDLE * size, **more)
    upload = s3.create_multipart_upload(Bucket=name, Key="parts", **more)["UploadId"]
    s3.upload_part(Bucket=name, Key="parts", UploadId=upload, PartNumber=1, Body=NEEDLE * size)
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == NEEDLE * size
    assert on_disk(cloud, NEEDLE, base64.b64encode(NEEDLE * size)[:40]) == []


def test_sse_s3_is_the_default(shared_cloud: Any) -> None:
    s3, name = shared_cloud.client("s3"), new_bucket(shared_cloud)
    answer = s3.put_object(Bucket=name, Key="k", Body=b"x")
    assert answer["ServerSideEncryption"] == "AES256"
    rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_a_bucket_default_and_what_a_request_says_instead(shared_cloud: Any) -> None:
    s3, name, key, other = (
        shared_cloud.client("s3"), new_bucket(shared_cloud), new_key(shared_cloud), new_key(shared_cloud)
    )  # fmt: skip
    default_to(shared_cloud, name, key, bucket_key=True)
    answer = s3.put_object(Bucket=name, Key="k", Body=b"x")
    assert (answer["SSEKMSKeyId"], answer["BucketKeyEnabled"]) == (key, True)
    told = s3.put_object(Bucket=name, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=other)
    assert told["SSEKMSKeyId"] == other
    aws = s3.put_object(Bucket=name, Key="k", Body=b"x", ServerSideEncryption="aws:kms")
    managed = shared_cloud.client("kms").describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert (aws["SSEKMSKeyId"], managed["KeyManager"]) == (managed["Arn"], "AWS")
    plain = s3.put_object(Bucket=name, Key="k", Body=b"x", ServerSideEncryption="AES256")
    assert "SSEKMSKeyId" not in plain
    s3.delete_bucket_encryption(Bucket=name)
    assert s3.put_object(Bucket=name, Key="k", Body=b"x")["ServerSideEncryption"] == "AES256"


def test_kms_hides_the_md5_and_sees_the_context(shared_cloud: Any) -> None:
    s3, name, key = shared_cloud.client("s3"), new_bucket(shared_cloud), new_key(shared_cloud)
    more = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    etags = {s3.put_object(Bucket=name, Key="k", Body=b"x", **more)["ETag"] for _ in range(2)}
    assert len(etags) == 2
    own = base64.b64encode(json.dumps({"team": "shop"}).encode()).decode()
    s3.put_object(Bucket=name, Key="k", Body=b"x", **more, SSEKMSEncryptionContext=own)
    asked = events(shared_cloud, name="GenerateDataKey")[0]["requestParameters"]
    assert asked["encryptionContext"] == {"team": "shop", "aws:s3:arn": f"arn:aws:s3:::{name}/k"}
    s3.put_object(Bucket=name, Key="k", Body=b"x", **more, BucketKeyEnabled=True)
    asked = events(shared_cloud, name="GenerateDataKey")[0]
    assert asked["requestParameters"]["encryptionContext"] == {"aws:s3:arn": f"arn:aws:s3:::{name}"}
    assert asked["userIdentity"]["invokedBy"] == "s3.amazonaws.com"
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"x"
    with refused("InvalidArgument", status=400):
        s3.put_object(Bucket=name, Key="k", Body=b"x", **more, SSEKMSEncryptionContext="no base64")


@pytest.mark.parametrize("more", [{"SSEKMSKeyId": "k"}, {"SSEKMSKeyId": "k", "ServerSideEncryption": "AES256"}])
def test_a_key_needs_its_algorithm(shared_cloud: Any, more: dict[str, str]) -> None:
    with refused("InvalidArgument", status=400):
        shared_cloud.client("s3").put_object(Bucket=new_bucket(shared_cloud), Key="k", Body=b"x", **more)


def test_reading_needs_the_key_and_writing_does_too(shared_cloud: Any) -> None:
    name, key = new_bucket(shared_cloud), new_key(shared_cloud)
    default_to(shared_cloud, name, key)
    shared_cloud.client("s3").put_object(Bucket=name, Key="k", Body=b"x")
    user = new_user(shared_cloud, statement("s3:*"))
    s3 = shared_cloud.client("s3", credentials=user["keys"])
    sentence = (
        f"User: {user['arn']} is not authorized to perform: kms:Decrypt on resource: {key} "
        "because no identity-based policy allows the kms:Decrypt action"
    )
    with refused("AccessDenied", sentence, 403):
        s3.get_object(Bucket=name, Key="k")
    assert s3.head_object(Bucket=name, Key="k")["SSEKMSKeyId"] == key
    for call in (
        lambda: s3.put_object(Bucket=name, Key="n", Body=b"x"),
        lambda: s3.create_multipart_upload(Bucket=name, Key="n"),
    ):
        with refused("AccessDenied", "kms:GenerateDataKey", 403):
            call()
    with refused("AccessDenied", "kms:Decrypt", 403):
        s3.copy_object(Bucket=name, Key="n", CopySource=f"{name}/k", ServerSideEncryption="AES256")
    through = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    shared_cloud.client("iam").put_user_policy(
        UserName=user["name"], PolicyName="kms",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
            statement(["kms:Decrypt", "kms:GenerateDataKey"], key, Condition=through)]}),
    )  # fmt: skip
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"x"
    s3.put_object(Bucket=name, Key="n", Body=b"x")
    with refused("AccessDeniedException"):
        shared_cloud.client("kms", credentials=user["keys"]).generate_data_key(KeyId=key, KeySpec="AES_256")


def test_the_aws_managed_key_serves_all_of_the_account_through_s3(shared_cloud: Any) -> None:
    name = new_bucket(shared_cloud)
    default_to(shared_cloud, name)
    user = new_user(shared_cloud, statement("s3:*"))
    s3 = shared_cloud.client("s3", credentials=user["keys"])
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"x"
    with refused("AccessDeniedException"):
        shared_cloud.client("kms", credentials=user["keys"]).encrypt(KeyId="alias/aws/s3", Plaintext=b"x")


def test_keys_that_do_not_serve(shared_cloud: Any) -> None:
    s3, kms = shared_cloud.client("s3"), shared_cloud.client("kms")
    name, key = new_bucket(shared_cloud), new_key(shared_cloud)
    default_to(shared_cloud, name, key)
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    kms.disable_key(KeyId=key)
    for call in (lambda: s3.get_object(Bucket=name, Key="k"), lambda: s3.put_object(Bucket=name, Key="n", Body=b"x")):
        with refused("KMS.DisabledException", "is disabled", 400):
            call()
    kms.enable_key(KeyId=key)
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"x"
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with refused("KMS.KMSInvalidStateException", "pending deletion", 400):
        s3.get_object(Bucket=name, Key="k")
    with refused("KMS.NotFoundException", status=400):
        s3.put_object(Bucket=name, Key="n", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/none")
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=name)["Contents"]] == ["k"]
