"""Documents written by AWS and by others."""

import json
from pathlib import Path

import pytest

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.policy.document import parse
from labsupport.cloud.policy.evaluate import evaluate
from labsupport.cloud.policy.records import Policy, Principal, Request

WHO = Principal("111111111111", "arn:aws:iam::111111111111:user/ann", "user")


def _kind(path: Path) -> tuple[str, bool]:
    """What a file is, by its content: with principals a resource policy, from organizations an SCP."""
    if '"Principal":' in path.read_text():
        return "resource", False
    return ("scp" if "service-control" in path.name or "SCP" in path.name else "identity"), True


def test_every_policy_of_the_corpus_is_taken(corpus: Path) -> None:
    files = sorted((corpus / "iam").glob("*.json"))
    assert len(files) >= 20
    for path in files:
        kind, resource_required = _kind(path)
        document = parse(path.read_text(), kind, resource_required=resource_required)  # type: ignore[arg-type]
        assert document.statements, path.name


def test_every_policy_of_the_corpus_can_decide(corpus: Path) -> None:
    for path in sorted((corpus / "iam").glob("*.json")):
        kind, resource_required = _kind(path)
        text = path.read_text()
        held = Policy(kind, path.name, None, "user/ann", parse(text, kind, resource_required=resource_required))  # type: ignore[arg-type]
        decision = evaluate(Request("s3:PutObject", "arn:aws:s3:::box/key", {}, WHO), [held])
        assert json.dumps(decision.as_dict())


def test_every_policy_that_aws_publishes_is_taken(corpus: Path) -> None:
    path = corpus.parent / "data" / "aws_managed_policies.json"
    if not path.is_file():
        pytest.skip(f"AWS's managed policies are not at {path}")
    policies = json.loads(path.read_text())
    assert len(policies) == 183
    refused = []
    for name, entry in policies.items():
        try:
            parse(json.dumps(entry["Document"]), "identity", managed=True)
        except AwsError as error:
            refused.append((name, error.message))
    assert refused == []


def test_administrators_may_do_anything_and_readers_may_not(corpus: Path) -> None:
    path = corpus.parent / "data" / "aws_managed_policies.json"
    if not path.is_file():
        pytest.skip(f"AWS's managed policies are not at {path}")
    policies = json.loads(path.read_text())
    asked = Request("codecommit:DeleteRepository", "arn:aws:codecommit:eu-west-1:111111111111:repo", {}, WHO)
    for name, expected in [("AdministratorAccess", True), ("AWSCodeCommitReadOnly", False)]:
        document = parse(policies[name]["Document"], "identity")
        assert evaluate(asked, [Policy("identity", name, None, "user/ann", document)]).allowed is expected
