"""Server access logging: lines of the documented form, brought to a bucket that lets the log service in."""

import re
import urllib.request
from typing import Any

import pytest
from botocore.config import Config
from s3_help import FIRST, new_bucket, policy, refused, statement

LINE = re.compile(
    r"(?P<owner>\S+) (?P<bucket>\S+) \[(?P<time>[^\]]+)\] (?P<ip>\S+) (?P<requester>\S+) (?P<id>\S+) "
    r'(?P<operation>\S+) (?P<key>\S+) "(?P<uri>[^"]*)" (?P<status>\S+) (?P<error>\S+) (?P<sent>\S+) (?P<size>\S+) '
    r'\S+ \S+ "(?P<referer>[^"]*)" "(?P<agent>[^"]*)" (?P<version>\S+) (?P<host_id>\S+) (?P<signature>\S+) \S+ '
    r"(?P<auth>\S+) (?P<host>\S+) \S+ \S+ \S+ (?P<region>\S+)"
)


def logged(cloud: Any, *, lets_in: bool = True, **more: Any) -> tuple[str, str]:
    """A bucket that is logged, and the one that gets the logs."""
    name, target, s3 = new_bucket(cloud), new_bucket(cloud), cloud.client("s3")
    if lets_in:
        condition = {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{name}"}, "StringEquals": {"aws:SourceAccount": FIRST}}
        sender = {"Service": "logging.s3.amazonaws.com"}
        allowed = statement("s3:PutObject", f"arn:aws:s3:::{target}/*", Principal=sender, Condition=condition)
        s3.put_bucket_policy(Bucket=target, Policy=policy(allowed))
    wanted = {"TargetBucket": target, "TargetPrefix": "logs/", **more}
    s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={"LoggingEnabled": wanted})
    return name, target


def lines(cloud: Any, target: str) -> list[dict[str, str]]:
    cloud.advance(61)
    cloud.settle("s3")
    s3 = cloud.client("s3")
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=target).get("Contents", [])]
    text = "".join(s3.get_object(Bucket=target, Key=key)["Body"].read().decode() for key in keys)
    found = [LINE.fullmatch(line) for line in text.splitlines()]
    assert all(found), text
    return [one.groupdict() for one in found if one]


def test_each_request_is_a_line(shared_cloud: Any) -> None:
    name, target = logged(shared_cloud)
    s3 = shared_cloud.client("s3")
    assert s3.get_bucket_logging(Bucket=name)["LoggingEnabled"] == {"TargetBucket": target, "TargetPrefix": "logs/"}
    made = s3.put_object(Bucket=name, Key="a b/ü", Body=b"12345")
    s3.get_object(Bucket=name, Key="a b/ü", Range="bytes=1-2")
    s3.list_objects_v2(Bucket=name)
    with refused("NoSuchKey"):
        s3.get_object(Bucket=name, Key="missing")
    url = shared_cloud.client("s3", config=Config(signature_version="s3v4")).generate_presigned_url(
        "get_object", {"Bucket": name, "Key": "a b/ü"}, 60
    )
    asked = urllib.request.Request(url, headers={"Referer": 'http://page/"x"', "User-Agent": "own"})
    with urllib.request.urlopen(asked, timeout=10):
        pass
    with pytest.raises(urllib.request.HTTPError):
        urllib.request.urlopen(f"{shared_cloud.url}/{name}/a", timeout=10)
    s3.delete_object(Bucket=name, Key="a b/ü")
    found = lines(shared_cloud, target)
    assert [(one["operation"], one["status"], one["error"]) for one in found[1:]] == [
        ("REST.GET.LOGGING_STATUS", "200", "-"),
        ("REST.PUT.OBJECT", "200", "-"),
        ("REST.GET.OBJECT", "206", "-"),
        ("REST.GET.BUCKET", "200", "-"),
        ("REST.GET.OBJECT", "404", "NoSuchKey"),
        ("REST.GET.OBJECT", "200", "-"),
        ("REST.GET.OBJECT", "403", "AccessDenied"),
        ("REST.DELETE.OBJECT", "204", "-"),
    ]
    put, ranged, _, _, signed, stranger, _ = found[2:]
    assert (put["id"], put["key"]) == (made["ResponseMetadata"]["RequestId"], "a+b/%C3%BC")
    assert put["requester"] == f"arn:aws:iam::{FIRST}:user/learner"
    assert put["uri"] == f"PUT /{name}/a%20b/%C3%BC HTTP/1.1"
    assert (ranged["sent"], ranged["size"], ranged["region"]) == ("2", "5", "us-east-1")
    assert (signed["auth"], signed["signature"], signed["agent"]) == ("QueryString", "SigV4", "own")
    assert signed["referer"] == "http://page/%22x%22"
    assert (stranger["requester"], stranger["auth"]) == ("-", "-")


def test_many_deleted_keys_are_a_line_each(shared_cloud: Any) -> None:
    name, target = logged(shared_cloud)
    s3 = shared_cloud.client("s3")
    denied = statement("s3:DeleteObject", f"arn:aws:s3:::{name}/kept", "Deny", Principal="*")
    s3.put_bucket_policy(Bucket=name, Policy=policy(denied))
    s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": "a"}, {"Key": "kept"}], "Quiet": True})
    found = [(one["operation"], one["key"], one["status"], one["error"]) for one in lines(shared_cloud, target)]
    assert found[-3:] == [
        ("REST.POST.MULTI_OBJECT_DELETE", "-", "200", "-"),
        ("BATCH.DELETE.OBJECT", "a", "204", "-"),
        ("BATCH.DELETE.OBJECT", "kept", "403", "AccessDenied"),
    ]


def test_logs_go_by_the_targets_policy(shared_cloud: Any) -> None:
    name, target = logged(shared_cloud, lets_in=False)
    shared_cloud.client("s3").put_object(Bucket=name, Key="k", Body=b"x")
    assert lines(shared_cloud, target) == []


def test_logs_by_date_and_source(shared_cloud: Any) -> None:
    format_ = {"PartitionedPrefix": {"PartitionDateSource": "DeliveryTime"}}
    name, target = logged(shared_cloud, TargetObjectKeyFormat=format_)
    assert lines(shared_cloud, target)
    key = shared_cloud.client("s3").list_objects_v2(Bucket=target)["Contents"][0]["Key"]
    pattern = rf"logs/{FIRST}/us-east-1/{name}/(\d+)/(\d+)/(\d+)/\1-\2-\3-\d\d-\d\d-\d\d-[0-9A-F]{{16}}"
    assert re.fullmatch(pattern, key)


def test_logging_ends_when_it_is_switched_off(shared_cloud: Any) -> None:
    name, target = logged(shared_cloud)
    s3 = shared_cloud.client("s3")
    s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    assert "REST.PUT.OBJECT" not in [one["operation"] for one in lines(shared_cloud, target)]


def test_logging_goes_on_after_a_restart(start_cloud: Any, tmp_path: Any) -> None:
    first = start_cloud(home=tmp_path / "home")
    name, target = logged(first)
    first.stop()
    second = start_cloud(home=tmp_path / "home")
    second.client("s3").put_object(Bucket=name, Key="k", Body=b"x")
    assert [one["operation"] for one in lines(second, target)] == ["REST.PUT.OBJECT"]


@pytest.mark.parametrize("whose", ["nobody's", "second"])
def test_targets_that_are_refused(shared_cloud: Any, whose: str) -> None:
    name = new_bucket(shared_cloud)
    target = "nowhere-at-all" if whose == "nobody's" else new_bucket(shared_cloud, whose)
    wanted = {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": ""}}
    with refused("InvalidTargetBucketForLogging", status=400):
        shared_cloud.client("s3").put_bucket_logging(Bucket=name, BucketLoggingStatus=wanted)
