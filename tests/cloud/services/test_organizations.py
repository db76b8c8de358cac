"""Organizations: accounts, units, invitations, and service control policies that really bind."""

import json
import re
from typing import Any

import pytest
from identity_help import ACCOUNT, SECOND, assume, new_role, trusts
from services_help import code_of, may, person, policy, refused, trail

ROLE = "OrganizationAccountAccessRole"
FULL = "p-FullAWSAccess"
SCP = "SERVICE_CONTROL_POLICY"


def settled_status(cloud: Any, orgs: Any, request: str) -> Any:
    cloud.settle("organizations")
    return orgs.describe_create_account_status(CreateAccountRequestId=request)["CreateAccountStatus"]


def new_account(cloud: Any, name: str) -> str:
    orgs = cloud.client("organizations")
    request = orgs.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"]
    status = settled_status(cloud, orgs, request["Id"])
    assert status["State"] == "SUCCEEDED", status
    return str(status["AccountId"])


def inside(cloud: Any, account: str) -> Any:
    """Clients of an account that was made here, by the role that it came with."""
    keys = assume(cloud.client("sts"), f"arn:aws:iam::{account}:role/{ROLE}")["Credentials"]
    return lambda service: cloud.client(service, credentials=keys)


def new_scp(orgs: Any, name: str, *statements: dict[str, Any]) -> str:
    made = orgs.create_policy(Name=name, Description="", Type=SCP, Content=policy(*statements))
    return str(made["Policy"]["PolicySummary"]["Id"])


def attached(orgs: Any, target: str) -> list[str]:
    return sorted(one["Name"] for one in orgs.list_policies_for_target(TargetId=target, Filter=SCP)["Policies"])


@pytest.fixture(scope="module")
def orgs(shared_cloud: Any) -> Any:
    client = shared_cloud.client("organizations")
    client.create_organization(FeatureSet="ALL")
    return client


@pytest.fixture(scope="module")
def root(orgs: Any) -> str:
    return str(orgs.list_roots()["Roots"][0]["Id"])


@pytest.fixture(scope="module")
def dev(shared_cloud: Any, orgs: Any) -> str:
    """An account made in the organization."""
    return new_account(shared_cloud, "dev")


@pytest.fixture(scope="module")
def second(shared_cloud: Any, orgs: Any) -> str:
    """The lab's second account, invited and joined."""
    theirs = shared_cloud.client("organizations", "second")
    assert code_of(theirs.describe_organization) == "AWSOrganizationsNotInUseException"
    invited = orgs.invite_account_to_organization(Target={"Id": SECOND, "Type": "ACCOUNT"}, Notes="come")["Handshake"]
    twice = {"Target": {"Id": SECOND, "Type": "ACCOUNT"}}
    assert code_of(orgs.invite_account_to_organization, **twice) == "DuplicateHandshakeException"
    (seen,) = theirs.list_handshakes_for_account()["Handshakes"]
    assert (seen["Id"], seen["State"], seen["Action"]) == (invited["Id"], "OPEN", "INVITE")
    assert code_of(orgs.accept_handshake, HandshakeId=invited["Id"]) == "HandshakeNotFoundException"
    assert theirs.accept_handshake(HandshakeId=invited["Id"])["Handshake"]["State"] == "ACCEPTED"
    assert code_of(theirs.accept_handshake, HandshakeId=invited["Id"]) == "HandshakeAlreadyInStateException"
    assert code_of(theirs.decline_handshake, HandshakeId=invited["Id"]) == "InvalidHandshakeTransitionException"
    return SECOND


def test_a_new_organization(orgs: Any, root: str) -> None:
    found = orgs.describe_organization()["Organization"]
    assert re.fullmatch(r"o-[a-z0-9]{10}", found["Id"])
    assert found["Arn"] == f"arn:aws:organizations::{ACCOUNT}:organization/{found['Id']}"
    assert (found["MasterAccountId"], found["FeatureSet"]) == (ACCOUNT, "ALL")
    shown = orgs.list_roots()["Roots"][0]
    assert shown["PolicyTypes"] == [{"Type": SCP, "Status": "ENABLED"}]
    assert attached(orgs, root) == ["FullAWSAccess"]
    assert code_of(orgs.create_organization) == "AlreadyInOrganizationException"


def test_an_account_of_ones_own(shared_cloud: Any, orgs: Any, dev: str, root: str) -> None:
    """It is empty but for the role by which the management account comes in."""
    found = orgs.describe_account(AccountId=dev)["Account"]
    assert (found["Name"], found["Email"], found["Status"]) == ("dev", "dev@example.com", "ACTIVE")
    assert found["JoinedMethod"] == "CREATED"
    assert orgs.list_parents(ChildId=dev)["Parents"] == [{"Id": root, "Type": "ROOT"}]
    assert attached(orgs, dev) == ["FullAWSAccess"]
    there = inside(shared_cloud, dev)
    assert there("sts").get_caller_identity()["Account"] == dev
    roles = there("iam").list_roles()["Roles"]
    assert [one["RoleName"] for one in roles] == ["AWSServiceRoleForOrganizations", ROLE]
    assert roles[0]["Path"] == "/aws-service-role/organizations.amazonaws.com/"
    assert there("iam").list_users()["Users"] == []
    stranger = shared_cloud.client("sts", "second")
    params = {"RoleArn": f"arn:aws:iam::{dev}:role/{ROLE}", "RoleSessionName": "me"}
    assert code_of(stranger.assume_role, **params) == "AccessDenied"
    again = orgs.create_account(AccountName="dev2", Email="DEV@example.com")["CreateAccountStatus"]
    assert again["State"] == "IN_PROGRESS"
    status = settled_status(shared_cloud, orgs, again["Id"])
    assert (status["State"], status["FailureReason"]) == ("FAILED", "EMAIL_ALREADY_EXISTS")
    failed = orgs.list_create_account_status(States=["FAILED"])["CreateAccountStatuses"]
    assert [one["Id"] for one in failed] == [again["Id"]]
    missing = {"CreateAccountRequestId": "car-" + "a" * 32}
    assert code_of(orgs.describe_create_account_status, **missing) == "CreateAccountStatusNotFoundException"
    assert code_of(orgs.remove_account_from_organization, AccountId=dev) == "ConstraintViolationException"
    assert code_of(orgs.describe_account, AccountId="999999999999") == "AccountNotFoundException"


def test_members_manage_nothing(shared_cloud: Any, second: str) -> None:
    theirs = shared_cloud.client("organizations", "second")
    assert theirs.describe_organization()["Organization"]["MasterAccountId"] == ACCOUNT
    for operation, params in (
        (theirs.list_accounts, {}),
        (theirs.create_account, {"AccountName": "x", "Email": "x@example.com"}),
        (theirs.create_policy, {"Name": "x", "Description": "", "Type": SCP, "Content": policy(may("*"))}),
        (theirs.attach_policy, {"PolicyId": FULL, "TargetId": second}),
        (theirs.delete_organization, {}),
    ):
        assert refused(operation, **params) == (
            "AccessDeniedException",
            "You don't have permissions to access this resource.",
        )


def test_units(shared_cloud: Any, orgs: Any, root: str, dev: str) -> None:
    unit = orgs.create_organizational_unit(ParentId=root, Name="teams")["OrganizationalUnit"]
    assert re.fullmatch(rf"ou-{root[2:]}-[a-z0-9]{{8}}", unit["Id"])
    child = orgs.create_organizational_unit(ParentId=unit["Id"], Name="shop")["OrganizationalUnit"]
    assert (
        code_of(orgs.create_organizational_unit, ParentId=root, Name="Teams") == "DuplicateOrganizationalUnitException"
    )
    assert attached(orgs, child["Id"]) == ["FullAWSAccess"]
    orgs.move_account(AccountId=dev, SourceParentId=root, DestinationParentId=child["Id"])
    assert orgs.list_parents(ChildId=dev)["Parents"] == [{"Id": child["Id"], "Type": "ORGANIZATIONAL_UNIT"}]
    assert orgs.list_children(ParentId=child["Id"], ChildType="ACCOUNT")["Children"] == [{"Id": dev, "Type": "ACCOUNT"}]
    assert [one["Id"] for one in orgs.list_accounts_for_parent(ParentId=child["Id"])["Accounts"]] == [dev]
    nested = orgs.list_organizational_units_for_parent(ParentId=unit["Id"])["OrganizationalUnits"]
    assert [one["Name"] for one in nested] == ["shop"]
    for wrong, code in (
        ({"SourceParentId": root, "DestinationParentId": root}, "SourceParentNotFoundException"),
        ({"SourceParentId": child["Id"], "DestinationParentId": child["Id"]}, "DuplicateAccountException"),
        ({"SourceParentId": "r-zzzz", "DestinationParentId": root}, "SourceParentNotFoundException"),
        ({"SourceParentId": child["Id"], "DestinationParentId": "r-zzzz"}, "DestinationParentNotFoundException"),
    ):
        assert code_of(orgs.move_account, AccountId=dev, **wrong) == code
    for full in (unit["Id"], child["Id"]):
        code = code_of(orgs.delete_organizational_unit, OrganizationalUnitId=full)
        assert code == "OrganizationalUnitNotEmptyException"
    orgs.update_organizational_unit(OrganizationalUnitId=child["Id"], Name="bank")
    found = orgs.describe_organizational_unit(OrganizationalUnitId=child["Id"])["OrganizationalUnit"]
    assert (found["Name"], found["Path"].count("/")) == ("bank", 4)
    orgs.tag_resource(ResourceId=child["Id"], Tags=[{"Key": "team", "Value": "bank"}])
    assert orgs.list_tags_for_resource(ResourceId=child["Id"])["Tags"] == [{"Key": "team", "Value": "bank"}]
    orgs.untag_resource(ResourceId=child["Id"], TagKeys=["team"])
    orgs.move_account(AccountId=dev, SourceParentId=child["Id"], DestinationParentId=root)
    for empty in (child["Id"], unit["Id"]):
        orgs.delete_organizational_unit(OrganizationalUnitId=empty)
    gone = {"OrganizationalUnitId": unit["Id"]}
    assert code_of(orgs.describe_organizational_unit, **gone) == "OrganizationalUnitNotFoundException"


def test_five_levels(orgs: Any, root: str) -> None:
    parent, made = root, []
    for level in range(5):
        unit = orgs.create_organizational_unit(ParentId=parent, Name=f"level-{level}")["OrganizationalUnit"]
        parent = unit["Id"]
        made.append(parent)
    assert code_of(orgs.create_organizational_unit, ParentId=parent, Name="six") == "ConstraintViolationException"
    for unit_id in made[::-1]:
        orgs.delete_organizational_unit(OrganizationalUnitId=unit_id)


# Service control policies


def test_a_policy(orgs: Any, second: str) -> None:
    wanted = policy(may("s3:*", effect="Deny"))
    made = orgs.create_policy(Name="no-s3", Description="d", Type=SCP, Content=wanted)["Policy"]
    summary = made["PolicySummary"]
    assert summary["Arn"].endswith(f"/service_control_policy/{summary['Id']}")
    assert (made["Content"], summary["AwsManaged"], summary["Type"]) == (wanted, False, SCP)
    same = {"Name": "no-s3", "Description": "", "Type": SCP, "Content": wanted}
    assert code_of(orgs.create_policy, **same) == "DuplicatePolicyException"
    which = {"PolicyId": summary["Id"]}
    orgs.attach_policy(**which, TargetId=second)
    assert attached(orgs, second) == ["FullAWSAccess", "no-s3"]
    (target,) = orgs.list_targets_for_policy(**which)["Targets"]
    assert (target["TargetId"], target["Type"], target["Name"]) == (second, "ACCOUNT", "second")
    assert code_of(orgs.attach_policy, **which, TargetId=second) == "DuplicatePolicyAttachmentException"
    assert code_of(orgs.delete_policy, **which) == "PolicyInUseException"
    orgs.detach_policy(**which, TargetId=second)
    assert code_of(orgs.detach_policy, **which, TargetId=second) == "PolicyNotAttachedException"
    last = {"PolicyId": FULL, "TargetId": second}
    assert code_of(orgs.detach_policy, **last) == "ConstraintViolationException"
    assert code_of(orgs.delete_policy, PolicyId=FULL) == "InvalidInputException"
    assert code_of(orgs.attach_policy, **which, TargetId="999999999999") == "TargetNotFoundException"
    updated = orgs.update_policy(**which, Name="none", Content=policy(may("sns:*", effect="Deny")))["Policy"]
    assert json.loads(updated["Content"])["Statement"][0]["Action"] == ["sns:*"]
    orgs.delete_policy(**which)
    assert code_of(orgs.describe_policy, **which) == "PolicyNotFoundException"
    listed = orgs.list_policies(Filter=SCP)["Policies"]
    assert ("FullAWSAccess", True) in [(one["Name"], one["AwsManaged"]) for one in listed]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", "MalformedPolicyDocumentException"),
        ("{}", "MalformedPolicyDocumentException"),
        (policy({**may("s3:*"), "Principal": "*"}), "MalformedPolicyDocumentException"),
        (policy(may("s3:*")) + " " * 5120, "ConstraintViolationException"),
    ],
)
def test_policies_that_are_refused(orgs: Any, content: str, code: str) -> None:
    params = {"Name": "bad", "Description": "", "Type": SCP, "Content": content}
    assert code_of(orgs.create_policy, **params) == code
    assert code_of(orgs.create_policy, **{**params, "Type": "TAG_POLICY"}) == "NotSimulated"


def test_five_policies_at_a_place(orgs: Any, second: str) -> None:
    made = [new_scp(orgs, f"five-{number}", may("a4b:*", effect="Deny")) for number in range(5)]
    for one in made[:4]:
        orgs.attach_policy(PolicyId=one, TargetId=second)
    assert code_of(orgs.attach_policy, PolicyId=made[4], TargetId=second) == "ConstraintViolationException"
    for one in made[:4]:
        orgs.detach_policy(PolicyId=one, TargetId=second)
    for one in made:
        orgs.delete_policy(PolicyId=one)


def test_a_denial_binds_everybody_in_the_account(shared_cloud: Any, orgs: Any, second: str) -> None:
    """Users with all rights and the root; at once, and no longer once it is detached."""
    user, theirs_root = (shared_cloud.client("sns", profile) for profile in ("second", "second-root"))
    assert user.list_topics()["Topics"] == []
    denial = new_scp(orgs, "no-sns", may("sns:*", effect="Deny"))
    orgs.attach_policy(PolicyId=denial, TargetId=second)
    code, message = refused(user.list_topics)
    assert (code, "with an explicit deny in a service control policy" in message) == ("AuthorizationError", True)
    assert code_of(theirs_root.list_topics) == "AuthorizationError"
    assert shared_cloud.client("sns").list_topics() is not None  # the management account is not bound
    orgs.update_policy(PolicyId=denial, Content=policy(may("sqs:*", effect="Deny")))
    assert user.list_topics()["Topics"] == []
    orgs.update_policy(PolicyId=denial, Content=policy(may("sns:*", effect="Deny")))
    assert code_of(user.list_topics) == "AuthorizationError"
    orgs.detach_policy(PolicyId=denial, TargetId=second)
    assert user.list_topics()["Topics"] == []
    orgs.delete_policy(PolicyId=denial)


def test_every_level_has_to_allow(shared_cloud: Any, orgs: Any, root: str, dev: str) -> None:
    """A unit that allows less than its parent limits the accounts below it; moving an account changes it at once."""
    unit = orgs.create_organizational_unit(ParentId=root, Name="only-ssm")["OrganizationalUnit"]["Id"]
    only = new_scp(orgs, "only-ssm", may("ssm:*", "sts:*"))
    orgs.attach_policy(PolicyId=only, TargetId=unit)
    orgs.detach_policy(PolicyId=FULL, TargetId=unit)
    there = inside(shared_cloud, dev)
    assert there("sns").list_topics()["Topics"] == []
    orgs.move_account(AccountId=dev, SourceParentId=root, DestinationParentId=unit)
    assert there("ssm").describe_parameters()["Parameters"] == []
    code, message = refused(there("sns").list_topics)
    assert code == "AuthorizationError"
    assert "because no service control policy allows the sns:ListTopics action" in message
    orgs.move_account(AccountId=dev, SourceParentId=unit, DestinationParentId=root)
    assert there("sns").list_topics()["Topics"] == []


def test_the_type_as_a_whole(shared_cloud: Any, orgs: Any, root: str, second: str) -> None:
    user, which = shared_cloud.client("sns", "second"), {"RootId": root, "PolicyType": SCP}
    denial = new_scp(orgs, "switched", may("sns:*", effect="Deny"))
    orgs.attach_policy(PolicyId=denial, TargetId=root)
    assert code_of(user.list_topics) == "AuthorizationError"
    assert code_of(orgs.enable_policy_type, **which) == "PolicyTypeAlreadyEnabledException"
    orgs.disable_policy_type(**which)
    assert user.list_topics()["Topics"] == []
    assert code_of(orgs.attach_policy, PolicyId=denial, TargetId=root) == "PolicyTypeNotEnabledException"
    orgs.enable_policy_type(**which)
    assert (attached(orgs, root), attached(orgs, second)) == (["FullAWSAccess"], ["FullAWSAccess"])
    assert user.list_topics()["Topics"] == []


def test_the_organization_as_a_condition(shared_cloud: Any, orgs: Any, dev: str) -> None:
    """A role for everybody in the organization, and for nobody else."""
    organization = orgs.describe_organization()["Organization"]["Id"]
    arn = new_role(shared_cloud, "for-members", trusts("*", StringEquals={"aws:PrincipalOrgID": organization}))
    assert assume(inside(shared_cloud, dev)("sts"), arn)["Credentials"]
    none = new_role(shared_cloud, "for-others", trusts("*", StringEquals={"aws:PrincipalOrgID": "o-aaaaaaaaaa"}))
    member = inside(shared_cloud, dev)("sts")
    assert code_of(member.assume_role, RoleArn=none, RoleSessionName="me") == "AccessDenied"


def test_trusted_access(orgs: Any) -> None:
    orgs.enable_aws_service_access(ServicePrincipal="iam.amazonaws.com")
    found = orgs.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
    assert [one["ServicePrincipal"] for one in found] == ["iam.amazonaws.com"]
    orgs.disable_aws_service_access(ServicePrincipal="iam.amazonaws.com")
    assert orgs.list_aws_service_access_for_organization()["EnabledServicePrincipals"] == []
    assert code_of(orgs.enable_aws_service_access, ServicePrincipal="nonsense") == "InvalidInputException"


def test_who_may(shared_cloud: Any, orgs: Any, root: str) -> None:
    user = person(shared_cloud, "org-reader", may("organizations:List*", "organizations:Describe*"))("organizations")
    assert user.list_accounts()["Accounts"]
    code, message = refused(user.create_organizational_unit, ParentId=root, Name="x")
    assert (code, "organizations:CreateOrganizationalUnit" in message) == ("AccessDeniedException", True)
    assert trail(shared_cloud, "CreateOrganizationalUnit")[-1]["errorCode"] == "AccessDenied"


def test_leaving(cloud: Any) -> None:
    orgs, theirs = cloud.client("organizations"), cloud.client("organizations", "second")
    orgs.create_organization()
    root = orgs.list_roots()["Roots"][0]["Id"]
    target = {"Target": {"Id": SECOND, "Type": "ACCOUNT"}}
    for end in (theirs.decline_handshake, orgs.cancel_handshake):
        end(HandshakeId=orgs.invite_account_to_organization(**target)["Handshake"]["Id"])
    late = orgs.invite_account_to_organization(**target)["Handshake"]["Id"]
    cloud.advance(16 * 86_400)
    assert code_of(theirs.accept_handshake, HandshakeId=late) == "InvalidHandshakeTransitionException"
    states = [one["State"] for one in orgs.list_handshakes_for_organization()["Handshakes"]]
    assert sorted(states) == ["CANCELED", "DECLINED", "EXPIRED"]
    theirs.accept_handshake(HandshakeId=orgs.invite_account_to_organization(**target)["Handshake"]["Id"])
    denial = new_scp(orgs, "no-sns", may("sns:*", effect="Deny"))
    orgs.attach_policy(PolicyId=denial, TargetId=root)
    sns = cloud.client("sns", "second")
    assert code_of(sns.list_topics) == "AuthorizationError"
    assert code_of(orgs.leave_organization) == "MasterCannotLeaveOrganizationException"
    theirs.leave_organization()
    assert sns.list_topics()["Topics"] == []
    assert code_of(theirs.describe_organization) == "AWSOrganizationsNotInUseException"
    assert code_of(orgs.delete_organization) == "OrganizationNotEmptyException"
    orgs.detach_policy(PolicyId=denial, TargetId=root)
    orgs.delete_policy(PolicyId=denial)
    orgs.delete_organization()
    assert code_of(orgs.describe_organization) == "AWSOrganizationsNotInUseException"
    unknown = {"Target": {"Id": "999999999999", "Type": "ACCOUNT"}}
    orgs.create_organization()
    assert code_of(orgs.invite_account_to_organization, **unknown) == "InvalidInputException"


def test_an_account_can_leave_after_a_week(cloud: Any) -> None:
    orgs = cloud.client("organizations")
    orgs.create_organization()
    account = new_account(cloud, "short")
    assert code_of(orgs.remove_account_from_organization, AccountId=account) == "ConstraintViolationException"
    cloud.advance(7 * 86_400 + 60)
    orgs.remove_account_from_organization(AccountId=account)
    assert [one["Id"] for one in orgs.list_accounts()["Accounts"]] == [ACCOUNT]
