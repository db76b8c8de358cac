"""Virtual MFA devices: seed, QR code, two codes in a row, out of step; and what a code opens."""

import base64
from typing import Any

import pytest
from identity_help import ACCOUNT, PLACE, Device, assume, enabled_device, new_device, new_role, trusts
from services_help import code_of, may, person, refused, trail

WRONG = "MultiFactorAuthentication failed with invalid MFA one time pass code. "


@pytest.fixture
def iam(shared_cloud: Any) -> Any:
    return shared_cloud.client("iam")


def test_a_new_device(iam: Any, shared_cloud: Any) -> None:
    params = {"VirtualMFADeviceName": "ana", "Path": "/team/", "Tags": [{"Key": "a", "Value": "1"}]}
    made = iam.create_virtual_mfa_device(**params)["VirtualMFADevice"]
    assert made["SerialNumber"] == PLACE + "mfa/team/ana"
    assert len(base64.b32decode(made["Base32StringSeed"])) == 40
    assert made["QRCodePNG"].startswith(b"\x89PNG")
    assert refused(iam.create_virtual_mfa_device, **params) == (
        "EntityAlreadyExists",
        "MFADevice entity at the same path and name already exists.",
    )
    (listed,) = [one for one in iam.list_virtual_mfa_devices()["VirtualMFADevices"] if "/ana" in one["SerialNumber"]]
    assert listed == {"SerialNumber": made["SerialNumber"], "Tags": params["Tags"]}  # the seed is shown once
    serial = {"SerialNumber": made["SerialNumber"]}
    iam.tag_mfa_device(**serial, Tags=[{"Key": "b", "Value": "2"}])
    iam.untag_mfa_device(**serial, TagKeys=["a"])
    assert iam.list_mfa_device_tags(**serial)["Tags"] == [{"Key": "b", "Value": "2"}]
    iam.delete_virtual_mfa_device(**serial)
    assert code_of(iam.delete_virtual_mfa_device, **serial) == "NoSuchEntity"
    assert made["Base32StringSeed"].decode() not in str(trail(shared_cloud, "CreateVirtualMFADevice"))


def test_the_life_of_a_device(iam: Any) -> None:
    iam.create_user(UserName="holder")
    device = new_device(iam, "holder")
    where = {"UserName": "holder", "SerialNumber": device.serial}
    twice = {"AuthenticationCode1": device.code(), "AuthenticationCode2": device.code()}
    for codes in (twice, device.pair(200), {"AuthenticationCode1": "000000", "AuthenticationCode2": "000001"}):
        assert refused(iam.enable_mfa_device, **where, **codes) == (
            "InvalidAuthenticationCode",
            "Authentication code for device is not valid.",
        )
    assert iam.list_mfa_devices(UserName="holder")["MFADevices"] == []
    iam.enable_mfa_device(**where, **device.pair())
    assert code_of(iam.enable_mfa_device, **where, **device.pair(1)) == "EntityAlreadyExists"
    (listed,) = iam.list_mfa_devices(UserName="holder")["MFADevices"]
    assert (listed["UserName"], listed["SerialNumber"]) == ("holder", device.serial)
    assert iam.get_mfa_device(**where)["UserName"] == "holder"
    assigned = iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]
    assert "holder" in [one["User"]["UserName"] for one in assigned]
    unassigned = iam.list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"]
    assert device.serial not in [one["SerialNumber"] for one in unassigned]
    assert refused(iam.delete_virtual_mfa_device, SerialNumber=device.serial) == (
        "DeleteConflict",
        "MFA VirtualDevice in use. Must deactivate first.",
    )
    assert refused(iam.delete_user, UserName="holder") == (
        "DeleteConflict",
        "Cannot delete entity, must delete MFA device first.",
    )
    iam.deactivate_mfa_device(**where)
    assert code_of(iam.deactivate_mfa_device, **where) == "NoSuchEntity"
    iam.delete_virtual_mfa_device(SerialNumber=device.serial)
    iam.delete_user(UserName="holder")


def test_the_same_pair_opens_once(iam: Any) -> None:
    iam.create_user(UserName="again")
    device = new_device(iam, "again")
    where = {"UserName": "again", "SerialNumber": device.serial}
    pair = device.pair()
    iam.enable_mfa_device(**where, **pair)
    assert code_of(iam.resync_mfa_device, **where, **pair) == "InvalidAuthenticationCode"
    iam.deactivate_mfa_device(**where)
    assert code_of(iam.enable_mfa_device, **where, **pair) == "InvalidAuthenticationCode"


def test_a_device_out_of_step(shared_cloud: Any) -> None:
    """Its clock is five minutes ahead: its codes are refused until it is brought back into step."""
    iam, user = shared_cloud.client("iam"), person(shared_cloud, "ahead")
    device = enabled_device(iam, "ahead")
    sts = user("sts")
    assert refused(sts.get_session_token, **device.given(10)) == ("AccessDenied", WRONG)
    iam.resync_mfa_device(UserName="ahead", SerialNumber=device.serial, **device.pair(10))
    assert code_of(sts.get_session_token, **device.given()) == "AccessDenied"
    assert sts.get_session_token(**device.given(11))["Credentials"]


def test_eight_devices(iam: Any) -> None:
    iam.create_user(UserName="many")
    devices = [new_device(iam, f"many-{number}") for number in range(9)]
    for device in devices[:8]:
        iam.enable_mfa_device(UserName="many", SerialNumber=device.serial, **device.pair())
    last = {"UserName": "many", "SerialNumber": devices[8].serial, **devices[8].pair()}
    assert refused(iam.enable_mfa_device, **last) == ("LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 8")
    pages = iam.get_paginator("list_mfa_devices").paginate(UserName="many", PaginationConfig={"PageSize": 5})
    assert [len(page["MFADevices"]) for page in pages] == [5, 3]


# What a code opens


def with_mfa(cloud: Any, name: str, *statements: dict[str, Any]) -> tuple[Any, Device]:
    return person(cloud, name, *statements), enabled_device(cloud.client("iam"), name)


def test_a_session_with_mfa(shared_cloud: Any) -> None:
    only = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    user, device = with_mfa(shared_cloud, "careful", may("iam:ListUsers", "ssm:*", **only))
    assert code_of(user("iam").list_users) == "AccessDenied"
    plain = user("sts").get_session_token()["Credentials"]
    assert code_of(shared_cloud.client("ssm", credentials=plain).describe_parameters) == "AccessDeniedException"
    code = device.given()
    keys = user("sts").get_session_token(**code)["Credentials"]
    assert shared_cloud.client("iam", credentials=keys).list_users()["Users"]
    assert shared_cloud.client("ssm", credentials=keys).describe_parameters()["Parameters"] == []
    entry = trail(shared_cloud, "ListUsers")[-1]["userIdentity"]
    assert entry["sessionContext"]["attributes"]["mfaAuthenticated"] == "true"
    assert refused(user("sts").get_session_token, **code) == ("AccessDenied", WRONG)  # replayed
    assert user("sts").get_session_token(**device.given(1))["Credentials"]
    assert code_of(user("sts").get_session_token, **code) == "AccessDenied"  # an earlier one, after a later one


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"TokenCode": "123456"}, "MultiFactorAuthentication failed, must provide both MFA serial number and one time"),
        ({"SerialNumber": PLACE + "mfa/nobodys", "TokenCode": "123456"}, "unable to validate MFA code.  Please verify"),
        (
            {"SerialNumber": PLACE + "mfa/of-owner", "TokenCode": "123456"},
            "unable to validate MFA code.  Please verify",
        ),
    ],
)
def test_codes_that_are_refused(shared_cloud: Any, params: dict[str, str], message: str) -> None:
    iam = shared_cloud.client("iam")
    if "owner" not in {one["UserName"] for one in iam.list_users()["Users"]}:
        with_mfa(shared_cloud, "owner")
    code, found = refused(shared_cloud.client("sts").get_session_token, **params)
    assert (code, message in found) == ("AccessDenied", True)


def test_somebody_elses_device(shared_cloud: Any) -> None:
    _, device = with_mfa(shared_cloud, "victim")
    assert code_of(shared_cloud.client("sts").get_session_token, **device.given()) == "AccessDenied"
    assert code_of(shared_cloud.client("sts", "second").get_session_token, **device.given()) == "AccessDenied"


def test_a_role_that_wants_mfa(shared_cloud: Any) -> None:
    """The code may come with the call, or the caller's session has it already; the role's session does not carry it."""
    with_code = {"Bool": {"aws:MultiFactorAuthPresent": "true"}, "NumericLessThan": {"aws:MultiFactorAuthAge": "60"}}
    arn = new_role(shared_cloud, "guarded", trusts(ACCOUNT, **with_code), may("ssm:*", **with_code), may("sns:*"))
    user, device = with_mfa(shared_cloud, "guard", may("sts:AssumeRole"))
    sts = user("sts")
    params = {"RoleArn": arn, "RoleSessionName": "me"}
    assert code_of(sts.assume_role, **params) == "AccessDenied"
    assert refused(sts.assume_role, **params, SerialNumber=device.serial, TokenCode="000000") == ("AccessDenied", WRONG)
    keys = sts.assume_role(**params, **device.given())["Credentials"]
    assert refused(sts.assume_role, **params, **device.given()) == ("AccessDenied", WRONG)
    assert shared_cloud.client("sns", credentials=keys).list_topics()["Topics"] is not None
    assert code_of(shared_cloud.client("ssm", credentials=keys).describe_parameters) == "AccessDeniedException"
    session = sts.get_session_token(**device.given(1))["Credentials"]
    assert assume(shared_cloud.client("sts", credentials=session), arn)["Credentials"]


def test_a_refused_call_takes_no_code(shared_cloud: Any) -> None:
    """The trust policy says no for another reason: the code can still be used."""
    condition = {"StringEquals": {"sts:ExternalId": "42"}, "Bool": {"aws:MultiFactorAuthPresent": "true"}}
    arn = new_role(shared_cloud, "both", trusts(ACCOUNT, **condition))
    user, device = with_mfa(shared_cloud, "both", may("sts:AssumeRole"))
    code = device.given()
    assert code_of(user("sts").assume_role, RoleArn=arn, RoleSessionName="me", **code) == "AccessDenied"
    assert assume(user("sts"), arn, ExternalId="42", **code)["Credentials"]


def test_the_age_of_a_code(cloud: Any) -> None:
    fresh = {"NumericLessThan": {"aws:MultiFactorAuthAge": "300"}}
    user, device = with_mfa(cloud, "aging", may("ssm:*", **fresh))
    ssm = cloud.client("ssm", credentials=user("sts").get_session_token(**device.given())["Credentials"])
    assert ssm.describe_parameters()["Parameters"] == []
    cloud.advance(301)
    assert code_of(ssm.describe_parameters) == "AccessDeniedException"
