"""The policy simulator, through boto3 and as AWS documents it."""

import itertools
import json
from typing import Any

import pytest
from services_help import ACCOUNT, code_of, may, policy, refused

from labsupport.cloud.core.organization import Control, Membership

OTHER = "210987654321"
BOX = "arn:aws:s3:::box/key"
CALLER = f"arn:aws:iam::{ACCOUNT}:user/somebody"
LIMITED = (
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":'
    '{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}'
)
_numbers = itertools.count()


@pytest.fixture(scope="module")
def iam(shared_cloud: Any) -> Any:
    return shared_cloud.client("iam")


def simulated(iam: Any, *texts: str, action: str = "s3:GetObject", **more: Any) -> dict[str, Any]:
    answer = iam.simulate_custom_policy(PolicyInputList=list(texts), ActionNames=[action], **more)
    (result,) = answer["EvaluationResults"]
    return dict(result)


def entry(name: str, *values: str, kind: str = "string") -> dict[str, Any]:
    return {"ContextKeyName": name, "ContextKeyValues": list(values), "ContextKeyType": kind}


def test_the_cli_s_documented_example(iam: Any) -> None:
    given = entry("aws:CurrentTime", "2019-04-25T11:00:00Z", kind="date")
    found = simulated(iam, LIMITED, action="dynamodb:CreateBackup", ContextEntries=[given])
    assert (found["EvalActionName"], found["EvalResourceName"]) == ("dynamodb:CreateBackup", "*")
    assert found["EvalDecision"] == "allowed"
    assert found["MissingContextValues"] == []
    (statement,) = found["MatchedStatements"]
    assert statement["SourcePolicyId"] == "PolicyInputList.1"
    assert statement["StartPosition"] == {"Line": 1, "Column": 38}
    assert statement["EndPosition"] == {"Line": 1, "Column": 167}
    earlier = entry("aws:CurrentTime", "2014-04-25T11:00:00Z", kind="date")
    found = simulated(iam, LIMITED, action="dynamodb:CreateBackup", ContextEntries=[earlier])
    assert (found["EvalDecision"], found["MatchedStatements"]) == ("implicitDeny", [])


def test_a_key_that_is_not_given_is_missing(iam: Any) -> None:
    found = simulated(iam, LIMITED, action="dynamodb:CreateBackup")
    assert (found["EvalDecision"], found["MissingContextValues"]) == ("implicitDeny", ["aws:CurrentTime"])
    found = simulated(
        iam, LIMITED, action="dynamodb:CreateBackup", ResourceArns=["arn:aws:dynamodb:us-east-1:1:table/x"]
    )
    assert found["MissingContextValues"] == []
    assert found["ResourceSpecificResults"][0]["MissingContextValues"] == ["aws:CurrentTime"]


def test_the_denying_statement_alone_is_shown(iam: Any) -> None:
    text = json.dumps(json.loads(policy(may("s3:*"), may("s3:GetObject", effect="Deny"))), indent=1)
    found = simulated(iam, text, policy(may("*")))
    assert found["EvalDecision"] == "explicitDeny"
    (statement,) = found["MatchedStatements"]
    lines = text.split("\n")
    start = statement["StartPosition"]
    assert lines[start["Line"] - 1][start["Column"] - 1] == "{"
    assert '"Deny"' in lines[start["Line"]]
    assert lines[statement["EndPosition"]["Line"] - 1].strip() == "}"


def test_each_action_meets_each_resource(iam: Any) -> None:
    text = policy(may("s3:GetObject", resource=BOX))
    arns = [BOX, f"{BOX}2"]
    pages = iam.get_paginator("simulate_custom_policy").paginate(
        PolicyInputList=[text], ActionNames=["s3:GetObject", "s3:PutObject"], ResourceArns=arns, MaxItems=3
    )
    found = [result for page in pages for result in page["EvaluationResults"]]
    assert [(one["EvalActionName"], one["EvalResourceName"], one["EvalDecision"]) for one in found] == [
        ("s3:GetObject", arns[0], "allowed"),
        ("s3:GetObject", arns[1], "implicitDeny"),
        ("s3:PutObject", arns[0], "implicitDeny"),
        ("s3:PutObject", arns[1], "implicitDeny"),
    ]
    assert [one["ResourceSpecificResults"][0]["EvalResourceDecision"] for one in found] == [
        one["EvalDecision"] for one in found
    ]


@pytest.mark.parametrize(
    ("boundary", "decision", "allowed"),
    [
        (may("s3:*"), "allowed", True),
        (may("ec2:*"), "implicitDeny", False),
        (may("*", effect="Deny"), "explicitDeny", False),
    ],
)
def test_a_boundary(iam: Any, boundary: dict[str, Any], decision: str, allowed: bool) -> None:
    found = simulated(iam, policy(may("*")), PermissionsBoundaryPolicyInputList=[policy(boundary)])
    assert found["EvalDecision"] == decision
    assert found["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": allowed}
    assert len(found["MatchedStatements"]) == allowed, "statements of a boundary are not listed"


@pytest.mark.parametrize(
    ("levels", "decision", "allowed"),
    [
        ([[may("*")], [may("s3:*")]], "allowed", True),
        ([[may("*")], [may("ec2:*")]], "implicitDeny", False),
        ([[may("*"), may("s3:*", effect="Deny")]], "explicitDeny", False),
    ],
)
def test_service_control_policies(iam: Any, levels: list[Any], decision: str, allowed: bool) -> None:
    given = [{"ServiceControlPolicyInputList": [policy(*level)]} for level in levels]
    found = simulated(iam, policy(may("*")), OrderedOrganizationPolicyInputList=given, ResourceArns=[BOX])
    assert found["EvalDecision"] == decision
    assert found["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": allowed}
    assert len(found["MatchedStatements"]) == allowed, "statements of an SCP are not listed"


GRANT = {"Effect": "Allow", "Principal": {"AWS": CALLER}, "Action": "s3:GetObject", "Resource": BOX}


@pytest.mark.parametrize(
    ("identity", "resource", "owner", "decision", "details"),
    [
        (may("ec2:*"), GRANT, ACCOUNT, "allowed", {}),
        (may("s3:*"), {**GRANT, "Effect": "Deny"}, ACCOUNT, "explicitDeny", {}),
        (may("s3:*"), GRANT, OTHER, "allowed", {"IAM Policy": "allowed", "Resource Policy": "allowed"}),
        (may("ec2:*"), GRANT, OTHER, "implicitDeny", {"IAM Policy": "implicitDeny", "Resource Policy": "allowed"}),
        (
            may("s3:*"),
            {**GRANT, "Action": "s3:PutObject"},
            f"arn:aws:iam::{OTHER}:root",
            "implicitDeny",
            {"IAM Policy": "allowed", "Resource Policy": "implicitDeny"},
        ),
    ],
)
def test_a_resource_s_policy(
    iam: Any, identity: Any, resource: Any, owner: str, decision: str, details: dict[str, str]
) -> None:
    found = simulated(
        iam,
        policy(identity),
        ResourcePolicy=policy(resource),
        ResourceArns=[BOX],
        CallerArn=CALLER,
        ResourceOwner=owner,
    )
    assert (found["EvalDecision"], found["EvalDecisionDetails"]) == (decision, details)
    if decision == "explicitDeny":
        assert found["MatchedStatements"][0]["SourcePolicyId"] == "ResourcePolicy"
        assert found["MatchedStatements"][0]["SourcePolicyType"] == "Resource Policy"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"PolicyInputList": ["{"]}, "Syntax errors in policy."),
        ({"PolicyInputList": [policy({**may("*"), "Principal": "*"})]}, "should not specify a principal"),
        ({"ActionNames": ["s3:*"]}, "wildcard"),
        ({"ActionNames": ["GetObject"]}, "iam:CreateUser"),
        ({"CallerArn": f"arn:aws:sts::{ACCOUNT}:assumed-role/x/y"}, "Only the ARN of an IAM user, group, or role"),
        ({"CallerArn": "ec2.amazonaws.com"}, "Only the ARN of an IAM user, group, or role"),
        ({"CallerArn": f"arn:aws:iam::{ACCOUNT}:role/x", "ResourcePolicy": policy(GRANT)}, "IAM roles"),
        ({"ResourcePolicy": policy(GRANT)}, "CallerArn"),
    ],
)
def test_what_cannot_be_simulated(iam: Any, more: dict[str, Any], says: str) -> None:
    given = {"PolicyInputList": [policy(may("*"))], "ActionNames": ["s3:GetObject"], **more}
    code, message = refused(iam.simulate_custom_policy, **given)
    assert (code, says in message) == ("InvalidInput", True)


EC2 = f"arn:aws:ec2:us-east-1:{ACCOUNT}:"
KINDS = {
    kind: f"{EC2}{kind}/x" for kind in ("instance", "image", "security-group", "network-interface", "subnet", "volume")
}


@pytest.mark.parametrize(
    ("option", "kinds", "lacking"),
    [
        ("EC2-VPC-InstanceStore", "instance image security-group network-interface", ""),
        ("EC2-VPC-InstanceStore", "instance image security-group", "network-interface"),
        ("EC2-VPC-InstanceStore-Subnet", "instance image security-group network-interface", "subnet"),
        ("EC2-VPC-EBS", "instance image security-group network-interface subnet", "volume"),
        ("EC2-VPC-EBS-Subnet", "instance image security-group network-interface subnet volume", ""),
        ("EC2-VPC-EBS-Subnet", "", "instance, image, security-group, network-interface, subnet, volume"),
        ("EC2-Classic-EBS", "instance", "EC2-VPC-EBS"),
    ],
)
def test_a_scenario_wants_its_resources(iam: Any, option: str, kinds: str, lacking: str) -> None:
    arns = [KINDS[kind] for kind in kinds.split()]
    given = {"ActionNames": ["ec2:RunInstances"], "ResourceArns": arns, "ResourceHandlingOption": option}
    allowed = [policy(may("ec2:RunInstances", resource=f"{EC2}instance/*"))]
    if lacking:
        code, message = refused(iam.simulate_custom_policy, PolicyInputList=allowed, **given)
        assert (code, lacking in message) == ("InvalidInput", True)
    else:
        found = iam.simulate_custom_policy(PolicyInputList=allowed, **given)["EvaluationResults"]
        assert [one["EvalDecision"] for one in found] == ["allowed"] + ["implicitDeny"] * (len(arns) - 1)


@pytest.mark.parametrize(
    ("kind", "values", "good"),
    [
        ("string", ("anything",), True),
        ("string", ("one", "two"), False),
        ("stringList", ("one", "two"), True),
        ("numeric", ("12.5",), True),
        ("numeric", ("twelve",), False),
        ("numericList", ("1", "2", "x"), False),
        ("boolean", ("true",), True),
        ("boolean", ("yes",), False),
        ("ip", ("10.0.0.0/8",), True),
        ("ip", ("10.0.0",), False),
        ("binary", ("QQ==",), True),
        ("binary", ("?",), False),
        ("date", ("2030-01-01T00:00:00Z",), True),
        ("dateList", ("2030-01-01", "tomorrow"), False),
    ],
)
def test_context_values_are_of_their_type(iam: Any, kind: str, values: tuple[str, ...], good: bool) -> None:
    given = {"PolicyInputList": [policy(may("*"))], "ActionNames": ["s3:GetObject"]}
    given["ContextEntries"] = [entry("s3:prefix", *values, kind=kind)]
    if good:
        assert iam.simulate_custom_policy(**given)["EvaluationResults"][0]["EvalDecision"] == "allowed"
    else:
        assert code_of(iam.simulate_custom_policy, **given) == "InvalidInput"


@pytest.mark.parametrize("kind", ["user", "role", "group"])
def test_who_calls_may_be_a_user_a_role_or_a_group(iam: Any, kind: str) -> None:
    """A policy of the account's own sees it as the caller; a role by a session."""
    arn = f"arn:aws:iam::{ACCOUNT}:{kind}/caller"
    found = simulated(iam, policy(may("s3:GetObject", ArnLike={"aws:PrincipalArn": arn})), CallerArn=arn,
                      ContextEntries=[entry("aws:PrincipalArn", arn)])  # fmt: skip
    assert found["EvalDecision"] == "allowed"


@pytest.fixture
def ann(iam: Any) -> str:
    """A user with an inline policy, a managed one, and a group's; its ARN."""
    name = f"simulated-{next(_numbers)}"
    arn: str = iam.create_user(UserName=name, Path="/team/")["User"]["Arn"]
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(may("sns:Publish")))
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    iam.create_group(GroupName=f"{name}-group")
    text = policy(may("ssm:GetParameter", resource="arn:aws:ssm:*:*:parameter/${aws:username}/*"))
    iam.put_group_policy(GroupName=f"{name}-group", PolicyName="shared", PolicyDocument=text)
    iam.add_user_to_group(GroupName=f"{name}-group", UserName=name)
    return arn


def principal(iam: Any, arn: str, action: str, **more: Any) -> dict[str, Any]:
    answer = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=[action], **more)
    return dict(answer["EvaluationResults"][0])


def test_a_user_s_policies(iam: Any, ann: str) -> None:
    name = ann.rsplit("/", 1)[-1]
    sources = {}
    for action in ("sns:Publish", "s3:GetObject"):
        found = principal(iam, ann, action)
        sources[action] = [(one["SourcePolicyId"], one["SourcePolicyType"]) for one in found["MatchedStatements"]]
    assert sources == {
        "sns:Publish": [(f"user_{name}_own", "IAM Policy")],
        "s3:GetObject": [("AmazonS3ReadOnlyAccess", "IAM Policy")],
    }
    parameter = ["arn:aws:ssm:us-east-1:1:parameter/ann/x"]
    found = principal(iam, ann, "ssm:GetParameter", ResourceArns=parameter)
    assert found["ResourceSpecificResults"][0]["MissingContextValues"] == ["aws:username"]
    given = [entry("aws:username", "ann")]
    found = principal(iam, ann, "ssm:GetParameter", ResourceArns=parameter, ContextEntries=given)
    assert found["EvalDecision"] == "allowed"
    assert found["MatchedStatements"][0]["SourcePolicyId"] == f"group_{name}-group_shared"


def test_policies_are_added_to_a_user_s_and_left_out(iam: Any, ann: str) -> None:
    assert principal(iam, ann, "ec2:StopInstances")["EvalDecision"] == "implicitDeny"
    more = [policy(may("ec2:*"))]
    assert principal(iam, ann, "ec2:StopInstances", PolicyInputList=more)["EvalDecision"] == "allowed"
    own = {"PolicyName": "own", "AttachmentType": "user", "AttachmentName": ann.rsplit("/", 1)[-1]}
    for without in ({"InlinePolicyIdentifier": own}, {"PolicyType": "inline"}):
        assert principal(iam, ann, "sns:Publish", PolicyExclusionList=[without])["EvalDecision"] == "implicitDeny"
        assert principal(iam, ann, "s3:GetObject", PolicyExclusionList=[without])["EvalDecision"] == "allowed"
    for without in ({"PolicyArn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}, {"PolicyType": "aws-managed"}):
        assert principal(iam, ann, "s3:GetObject", PolicyExclusionList=[without])["EvalDecision"] == "implicitDeny"
        assert principal(iam, ann, "sns:Publish", PolicyExclusionList=[without])["EvalDecision"] == "allowed"


def test_a_user_s_boundary_and_its_account_s_controls(shared_cloud: Any, iam: Any, ann: str) -> None:
    iam.put_user_permissions_boundary(
        UserName=ann.rsplit("/", 1)[-1], PermissionsBoundary="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    )
    found = principal(iam, ann, "sns:Publish")
    assert found["EvalDecision"] == "implicitDeny"
    assert found["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    wider = [policy(may("*"))]
    assert principal(iam, ann, "sns:Publish", PermissionsBoundaryPolicyInputList=wider)["EvalDecision"] == "allowed"
    control = Control(name="c", arn="arn:x", target="r-1", document=policy(may("iam:*")))
    member = Membership(account=ACCOUNT, organization="o-1", path="o-1/r-1/", levels=[[control]])
    shared_cloud.on_loop(lambda cloud: cloud.store.put(member))
    found = principal(iam, ann, "s3:GetObject")
    shared_cloud.on_loop(lambda cloud: cloud.store.delete(member))
    assert found["EvalDecision"] == "implicitDeny"
    assert found["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": False}
    freed = principal(iam, ann, "sns:Publish", PolicyExclusionList=[{"PolicyType": "permission-boundary"}])
    assert freed["EvalDecision"] == "allowed"


def test_a_role_and_a_group(iam: Any, ann: str) -> None:
    name = ann.rsplit("/", 1)[-1]
    trust = policy({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(may("sns:Publish")))
    assert principal(iam, role, "sns:Publish")["MatchedStatements"][0]["SourcePolicyId"] == f"role_{name}_own"
    group = f"arn:aws:iam::{ACCOUNT}:group/{name}-group"
    assert principal(iam, group, "sns:Publish")["EvalDecision"] == "implicitDeny"


@pytest.mark.parametrize("arn", [f"arn:aws:iam::{ACCOUNT}:user/nobody", f"arn:aws:iam::{ACCOUNT}:user/x/learner"])
def test_somebody_who_is_not_there(iam: Any, arn: str) -> None:
    assert code_of(iam.simulate_principal_policy, PolicySourceArn=arn, ActionNames=["s3:GetObject"]) == "NoSuchEntity"
    assert code_of(iam.get_context_keys_for_principal_policy, PolicySourceArn=arn) == "NoSuchEntity"


def test_another_account_s_users_are_not_simulated(iam: Any) -> None:
    arn = f"arn:aws:iam::{OTHER}:user/learner"
    assert code_of(iam.simulate_principal_policy, PolicySourceArn=arn, ActionNames=["s3:GetObject"]) == "AccessDenied"


def test_something_that_holds_no_policies(iam: Any) -> None:
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/a/b"
    assert code_of(iam.simulate_principal_policy, PolicySourceArn=arn, ActionNames=["s3:GetObject"]) == "InvalidInput"


def test_context_keys(iam: Any, ann: str) -> None:
    text = policy(
        may("s3:*", resource=["arn:aws:s3:::${aws:username}/*", "arn:aws:s3:::${aws:PrincipalTag/team, 'x'}"]),
        may("sns:*", DateLessThan={"AWS:currenttime": "2030-01-01"}, StringLike={"aws:PrincipalTag/Team": "${*}"}),
    )
    found = iam.get_context_keys_for_custom_policy(PolicyInputList=[text])["ContextKeyNames"]
    assert found == ["aws:username", "aws:PrincipalTag/team", "AWS:currenttime"]
    found = iam.get_context_keys_for_principal_policy(PolicySourceArn=ann, PolicyInputList=[text])["ContextKeyNames"]
    assert sorted(found) == ["AWS:currenttime", "aws:PrincipalTag/team", "aws:username"]
