"""The credential report: every user's password, keys, certificates and MFA, as CSV
(IAM User Guide: "Generate credential reports for your AWS account")."""

import csv
import io
from datetime import timedelta
from typing import Any

from labsupport.cloud.core import mfa
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import AccessKey, Account, User
from labsupport.cloud.services.iam.account import settings_of
from labsupport.cloud.services.iam.base import Params, service, time
from labsupport.cloud.services.iam.records import Login, PasswordPolicy, SigningCertificate
from labsupport.cloud.services.iam.users import last_use

FRESH = 4 * 3600  # seconds for which a report is not made anew
_KEY = ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")
COLUMNS = [
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    *(f"access_key_{number}_{name}" for number in (1, 2) for name in _KEY),
    "cert_1_active",
    "cert_1_last_rotated",
    "cert_2_active",
    "cert_2_last_rotated",
]


@service.operation()
def generate_credential_report(call: Call, params: Params) -> Params:
    settings = settings_of(call)
    if settings.report and call.epoch < settings.report_made + FRESH:
        return {"State": "COMPLETE"}
    call.start("credential-report", "")
    return {"State": "STARTED", "Description": "No report exists. Starting a new report generation task"}


@service.task("credential-report")
async def make_report(call: Call, _: str) -> float | None:
    with call.transaction():
        settings = settings_of(call)
        settings.report, settings.report_made = _csv(call), call.epoch
        call.store.put(settings)
    return None


@service.operation()
def get_credential_report(call: Call, params: Params) -> Params:
    settings = settings_of(call)
    if not settings.report:
        message = "No report is present. Generate one with GenerateCredentialReport."
        raise AwsError("CredentialReportNotPresentException", message, 410)
    if call.epoch > settings.report_made + FRESH:
        message = "The report has expired. Generate a new one with GenerateCredentialReport."
        raise AwsError("CredentialReportExpiredException", message, 410)
    made = time(settings.report_made)
    return {"Content": settings.report.encode(), "ReportFormat": "text/csv", "GeneratedTime": made}


def _csv(call: Call) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerow(_row(_root(call)))
    for user in call.store.list(User, call.account):
        writer.writerow(_row(_user(call, user)))
    return text.getvalue().rstrip("\n")


def _row(values: dict[str, Any]) -> list[str]:
    return [_written(values.get(name, "N/A")) for name in COLUMNS]


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _stamp(epoch: float) -> str:
    return time(epoch).isoformat()


def _root(call: Call) -> dict[str, Any]:
    account = call.store.get(Account, call.account)
    nothing = dict.fromkeys(("cert_1_active", "cert_2_active"), False)
    return {
        "user": "<root_account>",
        "arn": f"arn:aws:iam::{call.account}:root",
        "user_creation_time": _stamp(account.created if account else 0),
        "password_enabled": "not_supported",
        "password_last_used": "no_information",
        "password_last_changed": "not_supported",
        "password_next_rotation": "not_supported",
        "mfa_active": False,
        **nothing,
        **_keys(call, ""),
    }


def _user(call: Call, user: User) -> dict[str, Any]:
    return {
        "user": user.name,
        "arn": user.arn,
        "user_creation_time": _stamp(user.created),
        **_password(call, user),
        "mfa_active": bool(mfa.of_user(call.cloud, call.account, user.name)),
        **_keys(call, user.name),
        **_certificates(call, user),
    }


def _password(call: Call, user: User) -> dict[str, Any]:
    login = call.store.get(Login, call.account, user.name)
    if login is None:
        return {"password_enabled": False}
    policy = call.store.get(PasswordPolicy, call.account)
    found = {"password_enabled": True, "password_last_used": "no_information"}
    found["password_last_changed"] = _stamp(login.changed)
    if policy and policy.max_age:
        found["password_next_rotation"] = (time(login.changed) + timedelta(days=policy.max_age)).isoformat()
    return found


def _keys(call: Call, user: str) -> dict[str, Any]:
    found: dict[str, Any] = {f"access_key_{number}_active": False for number in (1, 2)}
    keys = [key for key in call.store.list(AccessKey) if (key.account, key.user) == (call.account, user)]
    for number, key in enumerate(sorted(keys, key=lambda one: one.created), start=1):
        place = f"access_key_{number}_"
        found |= {place + "active": key.active, place + "last_rotated": _stamp(key.created)}
        used = last_use(call, key)
        if used:
            found |= {
                place + "last_used_date": _stamp(used.time),
                place + "last_used_region": used.region,
                place + "last_used_service": used.source.partition(".")[0],
            }
    return found


def _certificates(call: Call, user: User) -> dict[str, Any]:
    found: dict[str, Any] = {f"cert_{number}_active": False for number in (1, 2)}
    for number, one in enumerate(call.store.list(SigningCertificate, call.account, user.name), start=1):
        found |= {f"cert_{number}_active": one.active, f"cert_{number}_last_rotated": _stamp(one.uploaded)}
    return found
