"""Which documents are refused, with which of AWS's reasons, and which are taken."""

import json
from typing import Any

import pytest
from policy_help import ME, allow, document, granting

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.policy.document import Kind, parse

SYNTAX = "Syntax errors in policy."
LEGACY = "The policy failed legacy parsing"
VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
NO_ACTIONS = "Policy statement must contain actions."
NO_RESOURCES = "Policy statement must contain resources."
IAM_PATHS = (
    'IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, '
    "mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/."
)
BOX = "arn:aws:s3:::box"


def refusal(text: Any, kind: Kind, **options: bool) -> str:
    with pytest.raises(AwsError) as caught:
        parse(text, kind, **options)
    assert (caught.value.code, caught.value.status) == ("MalformedPolicyDocument", 400)
    return caught.value.message


def changed(**elements: Any) -> dict[str, Any]:
    """A good statement with elements replaced, or taken out where they are None."""
    statement = {**allow("s3:ListBucket", BOX), **elements}
    return {name: value for name, value in statement.items() if value is not None}


TEXTS = [
    ("", SYNTAX),
    ("not json", SYNTAX),
    ("[]", SYNTAX),
    ("null", SYNTAX),
    ('"text"', SYNTAX),
    ("{", SYNTAX),
    ("{}", SYNTAX),
    ('{"Statement": NaN}', SYNTAX),
    (" " + json.dumps(document(allow())), LEGACY),
    ("\n" + json.dumps(document(allow())), LEGACY),
    ('{"Version":"2012-10-17","Statement":{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}}', SYNTAX),
    ("[" * 100_000, SYNTAX),
    ('{"a":' * 5_000 + "1" + "}" * 5_000, SYNTAX),
    (json.dumps(document(allow())) + " " * 140_000, SYNTAX),
    ('{"Statement": ' + "9" * 6000 + "}", SYNTAX),
]


@pytest.mark.parametrize(("text", "reason"), TEXTS, ids=range(len(TEXTS)))
def test_texts(text: str, reason: str) -> None:
    assert refusal(text, "identity") == reason


DOCUMENTS = [
    ({"Version": "2012-10-17"}, SYNTAX),
    ({"Version": "2012-10-17", "Statement": []}, SYNTAX),
    ({"Version": "2012-10-17", "Statement": ["x"]}, SYNTAX),
    ({"Version": "2012-10-17", "Statement": "x"}, SYNTAX),
    ({"Version": "2012-10-17", "Statement": [[]]}, SYNTAX),
    ({"Version": "2013-10-17", "Statement": allow()}, SYNTAX),
    ({"Version": 2012, "Statement": allow()}, SYNTAX),
    ({"Version": ["2012-10-17"], "Statement": allow()}, SYNTAX),
    ({**document(allow()), "Extra": 1}, SYNTAX),
    ({**document(allow()), "Id": ["x"]}, SYNTAX),
    ({**document(allow()), "Id": {}}, SYNTAX),
]


@pytest.mark.parametrize(("source", "reason"), DOCUMENTS)
def test_documents(source: dict[str, Any], reason: str) -> None:
    assert refusal(json.dumps(source), "identity") == reason


STATEMENTS = [
    (changed(Extra="x"), SYNTAX),
    (changed(Effect=None), SYNTAX),
    (changed(Effect="Perhaps"), SYNTAX),
    (changed(Effect=["Allow"]), SYNTAX),
    (changed(Effect="allow"), LEGACY),
    (changed(Effect="denY"), LEGACY),
    (changed(Sid={}), SYNTAX),
    (changed(Sid=[]), SYNTAX),
    (
        changed(Sid="with-dash"),
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression "
        "[0-9A-Za-z]*",
    ),
    (changed(Principal="*"), "Policy document should not specify a principal."),
    (changed(NotPrincipal={"AWS": ME}), "Policy document should not specify a principal."),
    (changed(Action=None), NO_ACTIONS),
    (changed(Action=[]), NO_ACTIONS),
    (changed(Action=None, Resource=None), NO_ACTIONS),
    (changed(Action={}), SYNTAX),
    (changed(Action=[[]]), SYNTAX),
    (changed(Action=7), SYNTAX),
    (changed(Action="ListBucket"), VENDOR),
    (changed(Action="ListBucket", Resource=None), VENDOR),
    (changed(Action=None, NotAction=""), VENDOR),
    (changed(Action="s3:List:Bucket"), "Actions/Condition can contain only one colon."),
    (changed(Action="a b:ListBucket"), "Vendor a b is not valid"),
    (changed(Action=":ListBucket"), "Vendor  is not valid"),
    (changed(NotAction="s3:GetObject"), SYNTAX),
    (changed(NotAction=[]), SYNTAX),
    (changed(Resource=None), NO_RESOURCES),
    (changed(Resource=[]), NO_RESOURCES),
    (changed(Resource={"a": BOX}), SYNTAX),
    (changed(Resource=[BOX, {}]), SYNTAX),
    (changed(NotResource="*"), SYNTAX),
    (changed(Resource=""), 'Resource  must be in ARN format or "*".'),
    (changed(Resource="some box"), 'Resource some box must be in ARN format or "*".'),
    (changed(Resource=["box"]), 'Resource box must be in ARN format or "*".'),
    (changed(Action="s:3:ListBucket", Resource="box"), 'Resource box must be in ARN format or "*".'),
    (changed(Resource="a:nowhere"), 'Partition "nowhere" is not valid for resource "arn:nowhere:*:*:*:*".'),
    (changed(Resource="a:b:c"), 'Partition "b" is not valid for resource "arn:b:c:*:*:*".'),
    (changed(Resource="a:b:c:d:e:f:g:h"), 'Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h".'),
    (changed(Resource="aws:s3:::box"), 'Partition "s3" is not valid for resource "arn:s3:::box:*".'),
    (
        changed(Resource=["arn:error:s3:::box", "arn:error:s3::box"]),
        'Partition "error" is not valid for resource "arn:error:s3:::box".',
    ),
    (changed(Resource="arn:aws"), "Resource vendor must be fully qualified and cannot contain regexes."),
    (changed(Resource="arn:aws:*:::x"), "Resource vendor must be fully qualified and cannot contain regexes."),
    (changed(Resource="arn:aws:s?:::x"), "Resource vendor must be fully qualified and cannot contain regexes."),
    (changed(Resource="arn:aws:s3::box"), LEGACY),
    (changed(Resource="arn:aws::box"), LEGACY),
    (changed(Resource="arn:aws::::box"), LEGACY),
    (changed(Resource=None, NotResource="arn:aws:s3::box"), LEGACY),
    (changed(Resource="arn:aws:s3::box", Action=None), LEGACY),
    (changed(Resource="arn:aws:iam:::box"), IAM_PATHS),
    (
        changed(Resource="arn:aws:iam:us-east-1::user/x"),
        "IAM resource arn:aws:iam:us-east-1::user/x cannot contain region information.",
    ),
    (
        changed(Resource="arn:aws:s3:us-east-1::box"),
        "Resource arn:aws:s3:us-east-1::box can not contain region information.",
    ),
    (changed(Condition=[]), SYNTAX),
    (changed(Condition="a"), SYNTAX),
    (changed(Condition={"a": "b"}), SYNTAX),
    (changed(Condition={"Sounds": {"a": "b"}}), SYNTAX),
    (changed(Condition={"StringEquals": []}), SYNTAX),
    (changed(Condition={"StringEquals": {"a": {}}}), SYNTAX),
    (changed(Condition={"StringEquals": {"a": None}}), SYNTAX),
    (changed(Condition={"StringEquals": {"a": [["b"]]}}), SYNTAX),
    (changed(Condition={"ForAnyValue::StringEquals": {"a": "b"}}), SYNTAX),
    (changed(Condition={"ForSomeValue:StringEquals": {"a": "b"}}), SYNTAX),
    (changed(Condition={"NullIfExists": {"a": "true"}}), SYNTAX),
    (changed(Condition={"StringEquals": {"a": "\x01"}}), SYNTAX),
    (changed(Condition={"DateGreaterThan": {"a": "sdfdsf"}}), LEGACY),
    (changed(Condition={"DateLessThanEquals": {"a": "234-13"}}), LEGACY),
    (changed(Condition={"DateLessThanEquals": {"a": "2016-12-13t2:00:00.593194+1"}}), LEGACY),
    (changed(Condition={"DateLessThanEquals": {"a": "2016-12-13t2:00:00.1999999999+10:59"}}), LEGACY),
    (changed(Condition={"DateLessThan": {"a": "9223372036854775808"}}), LEGACY),
    (changed(Condition={"DateGreaterThan": {"a": "x"}}, Resource="arn:error:s3:::box"), LEGACY),
    (changed(Condition={"DateGreaterThan": {"a": "x"}}, Action=None), LEGACY),
]


@pytest.mark.parametrize(("statement", "reason"), STATEMENTS)
def test_statements(statement: dict[str, Any], reason: str) -> None:
    assert refusal(json.dumps(document(statement)), "identity") == reason
    assert refusal(document(statement), "session") == reason


def test_statement_ids_are_unique() -> None:
    reason = "Statement IDs (SID) in a single policy must be unique."
    assert refusal(document(changed(Sid="A"), {"Sid": "A", "Effect": "Allow"}), "identity") == reason


@pytest.mark.parametrize("version", [{}, {"Version": "2008-10-17"}])
def test_managed_policies_need_the_newer_version(version: dict[str, str]) -> None:
    source = {**version, "Statement": allow()}
    reason = "Policy document must be version 2012-10-17 or greater."
    assert refusal(source, "identity", managed=True) == reason
    assert parse(source, "identity").version == "2008-10-17"


TAKEN = [
    changed(),
    changed(Sid=""),
    changed(Sid="A1"),
    changed(Action="s3:*", Resource=[BOX, "*"]),
    changed(Action="service-prefix:action-name"),
    changed(Action="s3.s:List"),
    changed(Action="iam: odd but taken "),
    changed(Resource="arn:aws:iam:::user/x"),
    changed(Resource="arn:aws:iam::*:r*"),
    changed(Resource="arn:aws:iam::*:*"),
    changed(Resource="arn:aws:iam::*:root"),
    changed(Resource="arn:aws:iam::*:user/${aws:username}"),
    changed(Resource="arn:aws:nowhere"),
    changed(Resource="arn:aws-cn:s3:::box"),
    changed(Resource="arn:*:s3:::box"),
    changed(Resource="arn:aws:nowhere:us-east-1::box"),
    changed(Resource="arn:aws:s3:us-west-2:123456789012:accesspoint/x"),
    changed(Resource="arn:aws:s3:*:*:job/*"),
    changed(Resource="arn:aws:s3:::${aws:username}-box"),
    changed(Condition={}),
    changed(Condition={"StringEquals": {}}),
    changed(Condition={"DateGreaterThan": {"a": []}}),
    changed(Condition={"DateGreaterThan": {"a": 1500000000}}),
    changed(Condition={"DateLessThan": {"a": "-292275054"}}),
    changed(Condition={"DateLessThan": {"a": "2016-12-13t2:00:00.593194+23"}}),
    changed(Condition={"Bool": {"a": True}}),
    changed(Condition={"NumericEquals": {"a": 1.5}}),
    changed(Condition={"ForAnyValue:StringEqualsIfExists": {"a": "b"}}),
    {"Effect": "Deny", "NotAction": "s3:ListBucket", "NotResource": "*"},
]


@pytest.mark.parametrize("statement", TAKEN)
@pytest.mark.parametrize("kind", ["identity", "boundary", "session", "scp"])
def test_taken(statement: dict[str, Any], kind: Kind) -> None:
    assert len(parse(json.dumps(document(statement)), kind).statements) == 1
    assert len(parse({"Version": "2012-10-17", "Statement": statement}, kind).statements) == 1


@pytest.mark.parametrize("text", ["x", json.dumps(document(changed(Principal="*"))), json.dumps(document())])
def test_service_control_policies_have_one_reason(text: str) -> None:
    reason = "The provided policy document does not meet the requirements of the specified policy type."
    assert refusal(text, "scp") == reason


def trusting(**elements: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"AWS": ME}, "Action": "sts:AssumeRole", **elements}
    return {name: value for name, value in statement.items() if value is not None}


TRUST = [
    (trusting(Effect=None), "Missing required field Effect"),
    (trusting(Effect="Maybe"), "Invalid effect: Maybe"),
    (trusting(Principal=None), "Missing required field Principal"),
    (trusting(Principal={}), "Missing required field Principal cannot be empty!"),
    (trusting(Principal="*"), "Principal must be a JSON object."),
    (trusting(Principal=["a"]), "Syntax error in policy."),
    (trusting(Principal={"CanonicalUser": "a"}), 'Invalid principal in policy: "CanonicalUser"'),
    (trusting(Principal={"Martian": "a"}), "Syntax error in policy."),
    (trusting(Principal={"AWS": "bob"}), 'Invalid principal in policy: "AWS":"bob"'),
    (
        trusting(Principal={"AWS": f"arn:aws:iam::{ME}:role/*"}),
        f'Invalid principal in policy: "AWS":"arn:aws:iam::{ME}:role/*"',
    ),
    (trusting(Principal={"Service": "pipeline"}), 'Invalid principal in policy: "SERVICE":"pipeline"'),
    (trusting(Principal=None, NotPrincipal={"AWS": ME}), "Allow with NotPrincipal is not allowed."),
    (
        trusting(Principal=None, NotPrincipal={"AWS": ME}, Effect="Deny"),
        "AssumeRole policy must not contain NotPrincipal field.",
    ),
    (trusting(Action=None), "Missing required field Action"),
    (trusting(Action="*"), "AssumeRole policy may only specify STS AssumeRole actions."),
    (trusting(Action="s3:GetObject"), "AssumeRole policy may only specify STS AssumeRole actions."),
    (trusting(Resource="*"), "Has prohibited field Resource"),
    (trusting(NotResource="*"), "AssumeRole policy must not contain resources."),
    (trusting(Condition={"Sounds": {"a": "b"}}), "Syntax error in policy."),
    (trusting(Extra=1), "Unknown field Extra"),
]


@pytest.mark.parametrize(("statement", "reason"), TRUST)
def test_trust_policies(statement: dict[str, Any], reason: str) -> None:
    assert refusal(json.dumps(document(statement)), "trust") == reason


TRUST_TEXTS = [
    ("{", "This policy contains invalid Json"),
    (" {}", "JSON strings must not have leading spaces"),
    ("{}", "Could not parse the policy: Statement is empty!"),
    ('{"Version": "2020-01-01", "Statement": []}', "The policy must contain a valid version string"),
    ('{"Version": "2012-10-17", "Statement": []}', "Could not parse the policy: Statement is empty!"),
    (json.dumps(document(trusting(Sid="A"), trusting(Sid="A"))), "The Statement Ids in the policy are not unique"),
]


@pytest.mark.parametrize(("text", "reason"), TRUST_TEXTS)
def test_trust_policies_as_text(text: str, reason: str) -> None:
    assert refusal(text, "trust") == reason


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "*"},
        {"AWS": [ME, f"arn:aws:iam::{ME}:root", f"arn:aws:iam::{ME}:user/path/ann", "AIDAEXAMPLE"]},
        {"AWS": f"arn:aws:sts::{ME}:assumed-role/build/run"},
        {"Service": ["codepipeline.amazonaws.com", "states.eu-west-1.amazonaws.com", "ec2.amazonaws.com.cn"]},
        {"Federated": "accounts.google.com"},
        {"Federated": f"arn:aws:iam::{ME}:saml-provider/corp"},
    ],
)
def test_trusted_principals_that_are_taken(principal: Any) -> None:
    assert parse(document(trusting(Principal=principal)), "trust").statements[0].principals


RESOURCE = [
    (allow(), "Missing required field Principal"),
    (granting({"AWS": "bob"}), "Invalid principal in policy"),
    (granting("bob"), "Invalid policy syntax."),
    ({"Effect": "Allow", "Principal": "*", "Resource": "*"}, "Missing required field Action"),
    ({"Effect": "Allow", "Principal": "*", "Action": "*"}, "Missing required field Resource"),
    (granting("*", resource="box"), "Policy has invalid resource"),
    (granting("*", Effect="allow"), "Invalid effect: allow"),
    (granting("*", NotPrincipal={"AWS": ME}), "Invalid policy syntax."),
    (granting("*", Sid=1), "Invalid policy syntax."),
    ("x", "Invalid policy syntax."),
]


@pytest.mark.parametrize(("statement", "reason"), RESOURCE)
def test_resource_policies(statement: Any, reason: str) -> None:
    assert refusal(json.dumps(document(statement)), "resource") == reason


def test_some_services_name_no_resource() -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}
    assert parse(document(statement), "resource", resource_required=False).statements[0].resources == ()


def test_a_resource_policy_starts_with_its_brace() -> None:
    assert refusal("  {}", "resource") == "Policies must be valid JSON and the first byte must be '{'"


def test_the_compiled_document_knows_the_keys_it_reads() -> None:
    conditions = {"StringLike": {"s3:prefix": "home/${aws:username}"}, "Bool": {"aws:SecureTransport": "true"}}
    source = document(allow("s3:*", "arn:aws:s3:::${aws:PrincipalTag/Team}-box", Condition=conditions))
    expected = {"s3:prefix", "aws:username", "aws:securetransport", "aws:principaltag/team"}
    assert parse(source, "identity").keys == expected
