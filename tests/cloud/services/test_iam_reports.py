"""What IAM tells about use: the credential report, service last accessed details, and the policies that give access."""

import csv
import io
from typing import Any

import pytest
from identity_help import ACCOUNT, PLACE, assume, enabled_device, new_role, trusts
from services_help import code_of, may, person, policy, trusting


def report(cloud: Any) -> dict[str, dict[str, str]]:
    iam = cloud.client("iam")
    if iam.generate_credential_report()["State"] != "COMPLETE":
        cloud.settle("iam")
    found = iam.get_credential_report()
    assert found["ReportFormat"] == "text/csv"
    return {row["user"]: row for row in csv.DictReader(io.StringIO(found["Content"].decode()))}


def test_the_credential_report(cloud: Any) -> None:
    iam = cloud.client("iam")
    assert code_of(iam.get_credential_report) == "ReportNotPresent"
    user = person(cloud, "ana", may("ssm:*"))
    user("ssm", region_name="eu-west-1").describe_parameters()
    iam.create_login_profile(UserName="ana", Password="Correct-Horse-7")
    iam.update_account_password_policy(MaxPasswordAge=90)
    enabled_device(iam, "ana")
    assert iam.generate_credential_report()["State"] == "STARTED"
    cloud.settle("iam")
    found = report(cloud)
    assert set(found) == {"<root_account>", "learner", "ana"}
    ana, root = found["ana"], found["<root_account>"]
    assert len(ana) == 22
    assert (ana["password_enabled"], ana["mfa_active"], ana["access_key_1_active"]) == ("true", "true", "true")
    assert (ana["access_key_1_last_used_service"], ana["access_key_1_last_used_region"]) == ("ssm", "eu-west-1")
    assert (ana["access_key_2_active"], ana["access_key_2_last_rotated"]) == ("false", "N/A")
    assert ana["password_next_rotation"] > ana["password_last_changed"]
    assert (found["learner"]["password_enabled"], found["learner"]["password_last_used"]) == ("false", "N/A")
    assert (root["arn"], root["password_enabled"]) == (PLACE + "root", "not_supported")
    person(cloud, "late")
    assert "late" not in report(cloud)  # a report is made anew after four hours
    cloud.advance(4 * 3600 + 60)
    assert code_of(iam.get_credential_report) == "ReportExpired"
    assert "late" in report(cloud)


def accessed(cloud: Any, arn: str, **more: Any) -> dict[str, Any]:
    iam = cloud.client("iam")
    job = iam.generate_service_last_accessed_details(Arn=arn, **more)["JobId"]
    found = iam.get_service_last_accessed_details(JobId=job)
    assert found["JobStatus"] == "COMPLETED"
    return {one["ServiceNamespace"]: one for one in found["ServicesLastAccessed"]}


def test_what_a_user_used(shared_cloud: Any) -> None:
    user = person(shared_cloud, "uses", may("ssm:*", "sns:*"))
    user("ssm").describe_parameters()
    user("ssm", region_name="eu-west-1").put_parameter(Name="/used", Value="x", Type="String")
    found = accessed(shared_cloud, PLACE + "user/uses", Granularity="ACTION_LEVEL")
    assert set(found) == {"ssm", "sns"}
    ssm = found["ssm"]
    assert (ssm["LastAuthenticatedEntity"], ssm["LastAuthenticatedRegion"]) == (PLACE + "user/uses", "eu-west-1")
    assert [one["ActionName"] for one in ssm["TrackedActionsLastAccessed"]] == ["DescribeParameters", "PutParameter"]
    assert "LastAuthenticated" not in found["sns"]
    assert ssm["ServiceName"].startswith("Amazon Simple Systems Manager")


def test_who_used_a_policy(shared_cloud: Any) -> None:
    """A policy of a group and of a role: both of whom used it are named."""
    iam = shared_cloud.client("iam")
    arn = iam.create_policy(PolicyName="shared", PolicyDocument=policy(may("ssm:*")))["Policy"]["Arn"]
    iam.create_group(GroupName="sharing")
    iam.attach_group_policy(GroupName="sharing", PolicyArn=arn)
    user = person(shared_cloud, "shares")
    iam.add_user_to_group(GroupName="sharing", UserName="shares")
    user("ssm").describe_parameters()
    role = new_role(shared_cloud, "shares-too", trusts(ACCOUNT))
    iam.attach_role_policy(RoleName="shares-too", PolicyArn=arn)
    keys = assume(shared_cloud.client("sts"), role)["Credentials"]
    shared_cloud.client("ssm", credentials=keys).describe_parameters()
    job = {"JobId": iam.generate_service_last_accessed_details(Arn=arn)["JobId"]}
    (ssm,) = iam.get_service_last_accessed_details(**job)["ServicesLastAccessed"]
    assert (ssm["TotalAuthenticatedEntities"], ssm["LastAuthenticatedEntity"]) == (2, role)
    by_entity = iam.get_service_last_accessed_details_with_entities(**job, ServiceNamespace="ssm")
    kinds = {one["EntityInfo"]["Name"]: one["EntityInfo"]["Type"] for one in by_entity["EntityDetailsList"]}
    assert kinds == {"shares": "USER", "shares-too": "ROLE"}
    (of_group,) = accessed(shared_cloud, PLACE + "group/sharing").values()
    assert of_group["TotalAuthenticatedEntities"] == 1


@pytest.mark.parametrize(
    ("arn", "code"),
    [(PLACE + "user/nobody", "NoSuchEntity"), ("arn:aws:s3:::some-bucket", "InvalidInput")],
)
def test_reports_that_are_refused(shared_cloud: Any, arn: str, code: str) -> None:
    iam = shared_cloud.client("iam")
    assert code_of(iam.generate_service_last_accessed_details, Arn=arn) == code
    assert code_of(iam.list_policies_granting_service_access, Arn=arn, ServiceNamespaces=["s3"]) == code
    assert code_of(iam.get_service_last_accessed_details, JobId="0" * 36) == "NoSuchEntity"


def test_policies_that_give_access(shared_cloud: Any) -> None:
    iam = shared_cloud.client("iam")
    person(shared_cloud, "granted", may("s3:GetObject"), may("sns:*", effect="Deny"))
    iam.attach_user_policy(UserName="granted", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.create_group(GroupName="granting")
    iam.put_group_policy(GroupName="granting", PolicyName="g", PolicyDocument=policy(may("s3:*")))
    iam.add_user_to_group(GroupName="granting", UserName="granted")
    found = iam.list_policies_granting_service_access(Arn=PLACE + "user/granted", ServiceNamespaces=["s3", "sns"])
    names = {
        one["ServiceNamespace"]: [(each["PolicyName"], each["PolicyType"]) for each in one["Policies"]]
        for one in found["PoliciesGrantingServiceAccess"]
    }
    admin = ("AdministratorAccess", "MANAGED")
    assert names == {"s3": [("own", "INLINE"), admin, ("g", "INLINE")], "sns": [admin]}


def test_a_roles_earlier_namesake_is_not_meant(cloud: Any) -> None:
    iam, sts = cloud.client("iam"), cloud.client("sts")
    arn = new_role(cloud, "twice", trusts(ACCOUNT), may("ssm:*"))
    cloud.client("ssm", credentials=assume(sts, arn)["Credentials"]).describe_parameters()
    assert "LastAuthenticated" in accessed(cloud, arn)["ssm"]
    iam.delete_role_policy(RoleName="twice", PolicyName="own")
    iam.delete_role(RoleName="twice")
    new_role(cloud, "twice", trusting("ec2.amazonaws.com"), may("ssm:*"))
    assert "LastAuthenticated" not in accessed(cloud, arn)["ssm"]
