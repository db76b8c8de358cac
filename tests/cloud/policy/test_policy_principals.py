"""Every form of a principal, in resource policies."""

from dataclasses import replace
from typing import Any

import pytest
from policy_help import (
    ANONYMOUS,
    FEDERATED,
    FEDERATED_ARN,
    ME,
    OTHER,
    ROLE_ARN,
    ROOT,
    SERVICE,
    SESSION,
    SESSION_ARN,
    STRANGER,
    USER,
    USER_ARN,
    WEB,
)

from labsupport.cloud.policy.principals import ACCOUNT, DIRECT, NO_MATCH, ROLE, compile_principals, grade
from labsupport.cloud.policy.records import Principal

SAML = f"arn:aws:iam::{ME}:saml-provider/corp"
OWNER = replace(USER, canonical_id="79a59df9")
FORMS = [
    ("*", USER, DIRECT),
    ("*", SERVICE, DIRECT),
    ("*", ANONYMOUS, DIRECT),
    ({"AWS": "*"}, USER, DIRECT),
    ({"AWS": "*"}, ANONYMOUS, DIRECT),
    ({"AWS": ME}, USER, ACCOUNT),
    ({"AWS": ME}, SESSION, ACCOUNT),
    ({"AWS": ME}, ROOT, DIRECT - 2),
    ({"AWS": ME}, STRANGER, NO_MATCH),
    ({"AWS": ME}, ANONYMOUS, NO_MATCH),
    ({"AWS": ME}, SERVICE, NO_MATCH),
    ({"AWS": f"arn:aws:iam::{ME}:root"}, USER, ACCOUNT),
    ({"AWS": f"arn:aws:iam::{OTHER}:root"}, USER, NO_MATCH),
    ({"AWS": [OTHER, ME]}, USER, ACCOUNT),
    ({"AWS": USER_ARN}, USER, DIRECT),
    ({"AWS": USER_ARN}, STRANGER, NO_MATCH),
    ({"AWS": USER_ARN.upper()}, USER, NO_MATCH),
    ({"AWS": USER_ARN}, FEDERATED, ROLE),
    ({"AWS": FEDERATED_ARN}, FEDERATED, DIRECT),
    ({"AWS": ROLE_ARN}, SESSION, ROLE),
    ({"AWS": SESSION_ARN}, SESSION, DIRECT),
    ({"AWS": [ROLE_ARN, SESSION_ARN]}, SESSION, DIRECT),
    ({"AWS": [ME, ROLE_ARN]}, SESSION, ROLE),
    ({"AWS": f"arn:aws:sts::{ME}:assumed-role/build/other"}, SESSION, NO_MATCH),
    ({"AWS": f"arn:aws:iam::{ME}:role/other"}, SESSION, NO_MATCH),
    ({"AWS": "AIDAEXAMPLE"}, USER, DIRECT),
    ({"AWS": "AROAEXAMPLE"}, SESSION, ROLE),
    ({"AWS": "AROAEXAMPLE:run"}, SESSION, DIRECT),
    ({"AWS": "AROASOMEBODY"}, SESSION, NO_MATCH),
    ({"Service": "codepipeline.amazonaws.com"}, SERVICE, DIRECT),
    ({"Service": ["codebuild.amazonaws.com", "codepipeline.amazonaws.com"]}, SERVICE, DIRECT),
    ({"Service": "codebuild.amazonaws.com"}, SERVICE, NO_MATCH),
    ({"Service": "codepipeline.amazonaws.com"}, USER, NO_MATCH),
    ({"Federated": "accounts.google.com"}, WEB, DIRECT),
    ({"Federated": SAML}, replace(WEB, provider=SAML), DIRECT),
    ({"Federated": "www.amazon.com"}, WEB, NO_MATCH),
    ({"Federated": "accounts.google.com"}, USER, NO_MATCH),
    ({"CanonicalUser": "79a59df9"}, OWNER, ACCOUNT),
    ({"CanonicalUser": "79a59df9"}, USER, NO_MATCH),
    ({"AWS": OTHER, "Service": "codepipeline.amazonaws.com"}, SERVICE, DIRECT),
]


@pytest.mark.parametrize(("written", "who", "expected"), FORMS)
def test_forms(written: Any, who: Principal, expected: int) -> None:
    assert grade(compile_principals(written), who) == expected
