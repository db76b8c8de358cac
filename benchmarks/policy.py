"""Decisions a second under 50 statements, and what enforcing costs a call against `--auth open`."""

import json
import os
import statistics
import time

from rich.table import Table

from benchmarks.servers import Server, running
from benchmarks.shown import show
from benchmarks.wire import Call, client, prepared, rate
from labsupport.cloud.policy.document import parse
from labsupport.cloud.policy.evaluate import evaluate
from labsupport.cloud.policy.records import Policies, Policy, Principal, Request

ROUNDS = int(os.environ.get("LAB_BENCH_ROUNDS", "3"))
ACCOUNT = "123456789012"
ANN = Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ann", "user", name="ann", unique_id="AIDAEXAMPLE")
CONTEXT = {
    "aws:username": "ann",
    "aws:requestedregion": "us-east-1",
    "aws:sourceip": "10.1.1.1",
    "kms:viaservice": "s3.us-east-1.amazonaws.com",
}
REQUESTS = {
    "an object under a variable": ("s3:GetObject", "arn:aws:s3:::box9/ann/key"),
    "a push to a repository": ("codecommit:GitPush", f"arn:aws:codecommit:us-east-1:{ACCOUNT}:team9-site"),
    "a key, with a condition": ("kms:Decrypt", f"arn:aws:kms:us-east-1:{ACCOUNT}:key/a"),
    "an address's range": ("logs:PutLogEvents", f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:site"),
    "nothing allows it": ("ec2:RunInstances", "*"),
}
A_SECOND = 20_000
LONGER = 1.25  # times as long as a call that is not checked


def run() -> bool:
    """Print both tables; whether every figure reaches its limit."""
    fast = _decisions()
    return _calls() and fast


def _statements(number: int) -> list[dict[str, object]]:
    """Five statements as teams write them: wildcards, variables, conditions, and a denial that every call meets."""
    regions = {"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "eu-west-1"]}}
    through_s3 = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    at_home = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    repositories = f"arn:aws:codecommit:*:{ACCOUNT}:team{number}-*"
    objects = [f"arn:aws:s3:::box{number}/${{aws:username}}/*", f"arn:aws:s3:::shared{number}/*"]
    return [
        {"Effect": "Allow", "Action": ["codecommit:Git*", "codecommit:Get*"], "Resource": repositories},
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": objects},
        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Condition": through_s3},
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": regions},
        {"Effect": "Allow", "Action": ["logs:*", "codebuild:BatchGet*"], "Resource": "*", "Condition": at_home},
    ]


def held() -> Policies:
    """Ten policies of five statements, compiled."""
    documents = [{"Version": "2012-10-17", "Statement": _statements(number)} for number in range(10)]
    return Policies(
        Policy("identity", f"p{place}", None, "user/ann", parse(json.dumps(one), "identity"))
        for place, one in enumerate(documents)
    )


def a_second(policies: Policies, request: Request, count: int = 5000) -> float:
    """Decisions in a second of this process's own time, the best of the rounds: others use the machine too."""
    best = 0.0
    for _ in range(ROUNDS):
        begin = time.process_time()
        for _ in range(count):
            evaluate(request, policies)
        best = max(best, count / (time.process_time() - begin))
    return best


def _decisions() -> bool:
    table = Table("Decisions, 10 policies of 5 statements", "outcome", "a second", "at least", "")
    policies, good = held(), True
    for name, (action, resource) in REQUESTS.items():
        request = Request(action, resource, CONTEXT, ANN)
        found = a_second(policies, request)
        good = good and found >= A_SECOND
        verdict = "ok" if found >= A_SECOND else "MISSED"
        table.add_row(name, evaluate(request, policies).effect, f"{found:.0f}", str(A_SECOND), verdict)
    show(table)
    return good


def _calls() -> bool:
    """The same calls by the same user, who holds those ten policies, checked and not checked."""
    found: dict[str, list[float]] = {"lab": [], "lab-open": []}
    for _ in range(ROUNDS):
        for name, rates in found.items():
            with running(name) as server:
                _give_policies(server)
                rate(server.url, [prepared(server, _reads(20))])
                rates.append(rate(server.url, [prepared(server, _reads(400))]))
    checked, unchecked = (statistics.median(found[name]) for name in ("lab", "lab-open"))
    fits = unchecked / checked <= LONGER
    table = Table("GetParameter under 50 statements", "a second", "open, a second", "times as long", "at most", "")
    verdict = "ok" if fits else "MISSED"
    table.add_row("", f"{checked:.0f}", f"{unchecked:.0f}", f"{unchecked / checked:.2f}", f"{LONGER}", verdict)
    show(table)
    return fits


def _give_policies(server: Server) -> None:
    iam, ssm = client(server, "iam"), client(server, "ssm")
    ssm.put_parameter(Name="bench", Value="value", Type="String")
    iam.create_group(GroupName="bench")
    for number in range(10):
        document = json.dumps({"Version": "2012-10-17", "Statement": _statements(number)})
        arn = iam.create_policy(PolicyName=f"bench{number}", PolicyDocument=document)["Policy"]["Arn"]
        iam.attach_group_policy(GroupName="bench", PolicyArn=arn)
    iam.add_user_to_group(GroupName="bench", UserName="learner")


def _reads(count: int) -> list[Call]:
    return [("ssm", "get_parameter", {"Name": "bench"})] * count
