"""Which further actions an operation asks for, against AWS's Service Authorization Reference and the API's own pages.

Who may do everything but one of them is refused. (iam:PassRole of all operations: test_gateway_passrole.)"""

import itertools
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from identity_help import SECOND
from lambda_help import role_for_functions, zipped
from services_help import ACCOUNT, code_of, may, person, policy, refused, service_role

REFERENCE = json.loads((Path(__file__).parent / "access_reference.json").read_text())["services"]
NEEDS = {f"{prefix}:{name}": set(one["needs"].split()) for prefix, actions in REFERENCE.items()
         for name, one in actions.items() if "needs" in one}  # fmt: skip
NOT_ASKED = {
    "kms:CreateCustomKeyStore": "a custom key store is not simulated",
    "kms:UpdateCustomKeyStore": "a custom key store is not simulated",
    "sns:CreateTopic": "only for roles that log deliveries, which is not simulated",
    "lambda:CreateFunction lambda:PassCapacityProvider": "capacity providers are not simulated",
    "sns:SetTopicAttributes": "only for roles that log deliveries, which is not simulated",
    "organizations:AcceptHandshake": "asked for below, in an account that is in no organization",
    "ec2:RunInstances ssm:GetParameters": "only for an image id that a parameter holds, which is not simulated",
}
OWN_POLICY = policy(
    {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
)
TAGS, KMS_TAGS = [{"Key": "team", "Value": "blue"}], [{"TagKey": "team", "TagValue": "blue"}]
TRUST = policy({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})


class Row(NamedTuple):
    """A call, and what it needs beyond its own action; `source` says where that stands, if not in the reference."""

    service: str
    call: str
    params: dict[str, Any]
    needs: tuple[str, ...]
    source: str = ""


_TAGS_PAGE = "API page: who tags what is made needs both permissions"
_IAM_TAGS = "IAM User Guide, 'Create new users only with specific tags'; IAM's refusals name iam:Tag…"
ROWS = [
    Row("iam", "add_role_to_instance_profile", {"InstanceProfileName": "web", "RoleName": "web"}, ("iam:PassRole",)),
    Row("kms", "create_key", {"Policy": OWN_POLICY, "Tags": KMS_TAGS, "MultiRegion": True},
        ("iam:CreateServiceLinkedRole", "kms:PutKeyPolicy", "kms:TagResource")),
    Row("kms", "replicate_key", {"KeyId": "{primary}", "ReplicaRegion": "eu-west-1", "Policy": OWN_POLICY,
        "Tags": KMS_TAGS}, ("iam:CreateServiceLinkedRole", "kms:CreateKey", "kms:PutKeyPolicy", "kms:TagResource")),
    Row("ec2", "run_instances", {"ImageId": "{image}", "MinCount": 1, "MaxCount": 1,
        "IamInstanceProfile": {"Name": "ready"}, "TagSpecifications": [{"ResourceType": "instance", "Tags": TAGS}]},
        ("ec2:CreateTags", "iam:PassRole")),
    Row("cloudformation", "describe_stacks", {}, ("cloudformation:ListStacks",)),
    Row("organizations", "create_organization", {}, ("iam:CreateServiceLinkedRole",)),
    Row("iam", "create_user", {"UserName": "tagged", "Tags": TAGS}, ("iam:TagUser",), _IAM_TAGS),
    Row("iam", "create_role", {"RoleName": "tagged", "AssumeRolePolicyDocument": TRUST, "Tags": TAGS}, ("iam:TagRole",),
        _IAM_TAGS),
    Row("iam", "create_policy", {"PolicyName": "tagged", "PolicyDocument": policy(may("s3:*")), "Tags": TAGS},
        ("iam:TagPolicy",), _IAM_TAGS),
    Row("iam", "create_instance_profile", {"InstanceProfileName": "tagged", "Tags": TAGS}, ("iam:TagInstanceProfile",),
        _IAM_TAGS),
    Row("iam", "create_virtual_mfa_device", {"VirtualMFADeviceName": "tagged", "Tags": TAGS}, ("iam:TagMFADevice",),
        _IAM_TAGS),
    Row("sns", "create_topic", {"Name": "tagged", "Tags": TAGS}, ("sns:TagResource",), _TAGS_PAGE),
    Row("lambda", "create_function", {"FunctionName": "tagged", "Runtime": "python3.12", "Handler": "index.handler",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/functions", "Code": {"ZipFile": zipped()}, "Tags": {"team": "blue"}},
        ("iam:PassRole", "lambda:TagResource"), _TAGS_PAGE),
    Row("sqs", "create_queue", {"QueueName": "tagged", "tags": {"team": "blue"}}, ("sqs:TagQueue",), _TAGS_PAGE),
    Row("logs", "create_log_group", {"logGroupName": "tagged", "tags": {"team": "blue"}}, ("logs:TagResource",),
        _TAGS_PAGE),
    Row("events", "put_rule", {"Name": "tagged", "EventPattern": '{"source": ["x"]}', "Tags": TAGS},
        ("events:TagResource",), _TAGS_PAGE),
    Row("ssm", "put_parameter", {"Name": "/tagged", "Value": "x", "Type": "SecureString", "Tags": TAGS},
        ("ssm:AddTagsToResource", "kms:Encrypt"), "AWS::SSM::Parameter's page; Parameter Store and KMS"),
    Row("ssm", "get_parameter", {"Name": "/secret", "WithDecryption": True}, ("kms:Decrypt",),
        "Systems Manager User Guide: Parameter Store and KMS"),
    Row("s3", "create_bucket", {"Bucket": "tagged-0", "ObjectLockEnabledForBucket": True,
        "CreateBucketConfiguration": {"Tags": TAGS}},
        ("s3:TagResource", "s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"),
        "API page of CreateBucket"),
    Row("s3", "put_object", {"Bucket": "needs", "Key": "k", "Body": b"x", "Tagging": "a=b",
        "ServerSideEncryption": "aws:kms"}, ("s3:PutObjectTagging", "kms:GenerateDataKey"), "API page of PutObject"),
    Row("s3", "get_object", {"Bucket": "needs", "Key": "sealed"}, ("kms:Decrypt",), "API page of GetObject"),
    Row("s3", "copy_object", {"Bucket": "needs", "Key": "copy", "CopySource": "needs/sealed",
        "ServerSideEncryption": "aws:kms"}, ("s3:GetObject", "kms:Decrypt", "kms:GenerateDataKey"),
        "API page of CopyObject"),
]  # fmt: skip
UNNAMED = {  # the answer is an error of the service's own, which does not name the action
    "kms:PutKeyPolicy": "MalformedPolicyDocumentException",
}
numbers = itertools.count()


@pytest.fixture(scope="module")
def things(shared_cloud: Any) -> dict[str, str]:
    """What the calls are about, and the ids that they name."""
    iam, s3 = shared_cloud.client("iam"), shared_cloud.client("s3")
    for name in ("web", "ready"):
        service_role(shared_cloud, name, "ec2")
        iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName="ready", RoleName="ready")
    shared_cloud.client("ssm").put_parameter(Name="/secret", Value="x", Type="SecureString")
    role_for_functions(shared_cloud)
    s3.create_bucket(Bucket="needs")
    s3.put_object(Bucket="needs", Key="sealed", Body=b"x", ServerSideEncryption="aws:kms")
    primary = shared_cloud.client("kms").create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    iam.delete_service_linked_role(RoleName="AWSServiceRoleForKeyManagementServiceMultiRegionKeys")
    shared_cloud.settle("iam")
    return {
        "primary": primary,
        "image": shared_cloud.client("ec2").describe_images(Owners=["amazon"])["Images"][0]["ImageId"],
    }


def action_of(row: Row) -> str:
    if row.call == "copy_object":
        return "s3:PutObject"
    return f"{row.service}:{''.join(part.capitalize() for part in row.call.split('_'))}"


def test_each_difference_has_a_reason() -> None:
    assert all(len(reason) > 12 for reason in NOT_ASKED.values())
    assert all(len(row.source) > 12 for row in ROWS if action_of(row) not in NEEDS)


def test_every_action_with_further_ones_is_looked_at() -> None:
    rows = {action_of(row): set(row.needs) for row in ROWS}
    for action, needs in NEEDS.items():
        left = {need for need in needs if f"{action} {need}" in NOT_ASKED}
        assert action in NOT_ASKED or needs - left <= rows.get(action, set()), action


def filled(params: dict[str, Any], things: dict[str, str]) -> dict[str, Any]:
    return {name: things.get(value.strip("{}"), value) if isinstance(value, str) else value
            for name, value in params.items()}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "need"),
    [pytest.param(row, need, id=f"{row.call} {need}") for row in ROWS for need in row.needs],
)
def test_without_it_the_call_is_refused(shared_cloud: Any, things: dict[str, str], row: Row, need: str) -> None:
    somebody = person(shared_cloud, f"but-{next(numbers)}", may("*"), may(need, effect="Deny"))
    code, message = refused(getattr(somebody(row.service), row.call), **filled(row.params, things))
    if need in UNNAMED:
        assert code == UNNAMED[need]
    else:
        assert need.lower() in message.lower() or code == "UnauthorizedOperation", (code, message)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.call)
def test_with_them_and_its_own_it_goes_through(shared_cloud: Any, things: dict[str, str], row: Row) -> None:
    """No more is asked for than is listed."""
    also = {"iam:CreateServiceLinkedRole", action_of(row), *row.needs}
    somebody = person(shared_cloud, f"with-{next(numbers)}", may(*also))
    getattr(somebody(row.service), row.call)(**filled(row.params, things))


def test_in_an_organization(cloud: Any) -> None:
    """Who accepts an invitation makes the account's service-linked role; who makes a unit with tags tags it."""
    manager, theirs = cloud.client("organizations"), cloud.client("organizations", "second")
    manager.create_organization()
    invited = manager.invite_account_to_organization(Target={"Type": "ACCOUNT", "Id": SECOND})["Handshake"]["Id"]
    iam = cloud.client("iam", "second")
    iam.attach_user_policy(UserName="learner", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    denied = policy(may("iam:CreateServiceLinkedRole", effect="Deny"))
    iam.put_user_policy(UserName="learner", PolicyName="own", PolicyDocument=denied)
    assert code_of(theirs.accept_handshake, HandshakeId=invited) == "AccessDeniedForDependencyException"
    iam.delete_user_policy(UserName="learner", PolicyName="own")
    theirs.accept_handshake(HandshakeId=invited)
    assert iam.get_role(RoleName="AWSServiceRoleForOrganizations")["Role"]["Path"].startswith("/aws-service-role/")
    somebody = person(cloud, "units", may("organizations:CreateOrganizationalUnit"))("organizations")
    unit = {"ParentId": manager.list_roots()["Roots"][0]["Id"], "Name": "u"}
    assert code_of(somebody.create_organizational_unit, **unit, Tags=TAGS) == "AccessDeniedException"
    somebody.create_organizational_unit(**unit)
