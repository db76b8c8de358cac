"""Functions as resources: made, changed, published, pointed to, shared and deleted."""

import base64
import hashlib
import io
import json
import urllib.error
import urllib.request
import zipfile
from typing import Any

import pytest
from identity_help import SECOND
from lambda_help import HELLO, function, invoked, role_for_functions, there, zipped
from services_help import ACCOUNT, code_of, may, person, refused, service_role, trail

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/functions"


@pytest.fixture(scope="module")
def cloud(shared_cloud: Any) -> Any:
    role_for_functions(shared_cloud)
    service_role(shared_cloud, "not-for-lambda", "ec2")
    return shared_cloud


def asked(name: str, **more: Any) -> dict[str, Any]:
    usual = {"Runtime": "python3.12", "Handler": "index.handler", "Role": ROLE, "Code": {"ZipFile": zipped()}}
    return {"FunctionName": name, **usual, **more}


def test_a_new_function_is_pending_and_then_active(cloud: Any) -> None:
    client, package = cloud.client("lambda"), zipped()
    made = client.create_function(**asked("made", Code={"ZipFile": package}, Description="mine", Tags={"team": "a"}))
    assert (made["State"], made["StateReasonCode"], made.get("LastUpdateStatus")) == ("Pending", "Creating", None)
    assert made["FunctionArn"] == ARN + "made"
    assert made["Version"] == "$LATEST"
    assert made["CodeSha256"] == base64.b64encode(hashlib.sha256(package).digest()).decode()
    assert made["CodeSize"] == len(package)
    client.get_waiter("function_active_v2").wait(FunctionName="made")
    found = client.get_function(FunctionName="made")
    assert (found["Configuration"]["State"], found["Configuration"]["LastUpdateStatus"]) == ("Active", "Successful")
    assert found["Tags"] == {"team": "a"}
    with urllib.request.urlopen(found["Code"]["Location"]) as answer:
        assert answer.read() == package


def test_a_link_to_the_code_can_not_be_made_up_and_ends(cloud: Any) -> None:
    there(cloud, "linked")
    link = cloud.client("lambda").get_function(FunctionName="linked")["Code"]["Location"]
    forged = link[:-1] + ("0" if link[-1] != "0" else "1")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(forged)
    assert caught.value.code == 403
    caught.value.close()
    cloud.advance(601)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(link)
    assert caught.value.code == 403
    caught.value.close()


def outside() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("../outside.py", "x = 1")
    return buffer.getvalue()


def symbolic_link() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        info = zipfile.ZipInfo("index.py")
        info.external_attr = 0o120777 << 16
        file.writestr(info, "/etc/passwd")
    return buffer.getvalue()


REFUSED = {
    "taken": ({"FunctionName": "linked"}, "ResourceConflictException", "Function already exist: linked"),
    "wrong role": ({"Role": f"arn:aws:iam::{ACCOUNT}:role/not-for-lambda"}, "InvalidParameterValueException",
                   "The role defined for the function cannot be assumed by Lambda."),
    "no role": ({"Role": f"arn:aws:iam::{ACCOUNT}:role/nobody"}, "InvalidParameterValueException",
                "The role defined for the function cannot be assumed by Lambda."),
    "foreign role": (
        {"Role": f"arn:aws:iam::{SECOND}:role/functions"}, "AccessDeniedException", None,
    ),
    "no zip": ({"Code": {"ZipFile": b"text"}}, "InvalidParameterValueException",
               "Could not unzip uploaded file. Please check your file, then try to upload again."),
    "outside": ({"Code": {"ZipFile": outside()}}, "InvalidParameterValueException",
                "Could not unzip uploaded file. Please check your file, then try to upload again."),
    "symbolic link": ({"Code": {"ZipFile": symbolic_link()}}, "InvalidParameterValueException",
                      "Could not unzip uploaded file. Please check your file, then try to upload again."),
    "no bucket": ({"Code": {"S3Bucket": "not-there-at-all", "S3Key": "k"}}, "InvalidParameterValueException",
                  "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket "
                  "does not exist"),
    "runtime": ({"Runtime": "java21"}, "NotSimulated", None),
    "old runtime": ({"Runtime": "python3.6"}, "InvalidParameterValueException", None),
    "layers": ({"Layers": [f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:x:1"]}, "NotSimulated", None),
    "reserved name": ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "InvalidParameterValueException", None),
    "large variables": ({"Environment": {"Variables": {"LONG": "x" * 4096}}}, "InvalidParameterValueException", None),
    "long": ({"Timeout": 901}, "ValidationException", None),
    "no handler": ({"Handler": ""}, "ValidationException", None),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_function(cloud: Any, case: str) -> None:
    there(cloud, "linked")
    params, code, message = REFUSED[case]
    found = refused(cloud.client("lambda").create_function, **asked("refused", **params))
    assert found[0] == code
    if message:
        assert found[1] == message
    assert code_of(cloud.client("lambda").get_function, FunctionName="refused") == "ResourceNotFoundException"


def test_code_from_s3_is_read_as_the_caller(cloud: Any) -> None:
    s3, client = cloud.client("s3"), cloud.client("lambda")
    s3.create_bucket(Bucket="packages")
    s3.put_object(Bucket="packages", Key="f.zip", Body=zipped("def handler(e, c): return 's3'"))
    client.create_function(**asked("from-s3", Code={"S3Bucket": "packages", "S3Key": "f.zip"}))
    cloud.settle("lambda")
    assert invoked(cloud, "from-s3")[0] == "s3"
    nobody = person(cloud, "no-reader", may("lambda:*"), may("iam:PassRole"))("lambda")
    code, message = refused(nobody.create_function, **asked("denied", Code={"S3Bucket": "packages", "S3Key": "f.zip"}))
    assert code == "AccessDeniedException"
    assert "S3 Error Code: AccessDenied" in message


def test_whoever_makes_a_function_has_to_be_allowed_to_pass_its_role(cloud: Any) -> None:
    client = person(cloud, "no-passer", may("lambda:*"))("lambda")
    code, message = refused(client.create_function, **asked("unpassed"))
    assert code == "AccessDeniedException"
    assert f"iam:PassRole on resource: {ROLE}" in message


def test_code_and_configuration_change(cloud: Any) -> None:
    client = cloud.client("lambda")
    function(cloud, "changes")
    before = client.get_function_configuration(FunctionName="changes")
    package = zipped("def handler(e, c): return 'new'")
    dry = client.update_function_code(FunctionName="changes", ZipFile=package, DryRun=True)
    assert dry["CodeSha256"] != before["CodeSha256"]
    assert client.get_function_configuration(FunctionName="changes")["CodeSha256"] == before["CodeSha256"]
    wrong = {"FunctionName": "changes", "RevisionId": "other"}
    assert code_of(client.update_function_code, ZipFile=package, **wrong) == "PreconditionFailedException"
    made = client.update_function_code(FunctionName="changes", ZipFile=package, RevisionId=before["RevisionId"])
    assert made["LastUpdateStatus"] == "InProgress"
    assert made["RevisionId"] != before["RevisionId"]
    client.get_waiter("function_updated_v2").wait(FunctionName="changes")
    assert invoked(cloud, "changes")[0] == "new"
    changed = client.update_function_configuration(
        FunctionName="changes", Timeout=7, MemorySize=512, Environment={"Variables": {"AA": "1"}}, Description="d"
    )
    assert (changed["Timeout"], changed["MemorySize"], changed["Environment"]) == (7, 512, {"Variables": {"AA": "1"}})
    cloud.settle("lambda")
    client.update_function_configuration(FunctionName="changes", Environment={"Variables": {}})
    assert "Environment" not in client.get_function_configuration(FunctionName="changes")


NAMES = ["forms", ARN + "forms", f"{ACCOUNT}:function:forms", "function:forms", "forms:$LATEST", ARN + "forms:$LATEST"]


@pytest.mark.parametrize("name", NAMES)
def test_every_form_of_a_name(cloud: Any, name: str) -> None:
    there(cloud, "forms")
    assert cloud.client("lambda").get_function_configuration(FunctionName=name)["FunctionName"] == "forms"
    assert invoked(cloud, name)[0] == {"hello": "world"}


def test_names_that_do_not_fit(cloud: Any) -> None:
    client = cloud.client("lambda")
    function(cloud, "fits")
    other = ARN.replace("us-east-1", "eu-west-1") + "fits"
    assert refused(client.get_function, FunctionName=other) == (
        "ResourceNotFoundException", "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
    )  # fmt: skip
    message = "The derived qualifier from the function name does not match the specified qualifier."
    assert refused(client.get_function, FunctionName="fits:1", Qualifier="2")[1] == message
    assert refused(client.get_function, FunctionName="nowhere")[1] == f"Function not found: {ARN}nowhere"


def test_versions_are_what_latest_was(cloud: Any) -> None:
    client = cloud.client("lambda")
    function(cloud, "numbered", "def handler(e, c): return c.function_version")
    first = client.publish_version(FunctionName="numbered", Description="first")
    assert (first["Version"], first["FunctionArn"], first["Description"]) == ("1", f"{ARN}numbered:1", "first")
    assert client.publish_version(FunctionName="numbered")["Version"] == "1"
    package = zipped("def handler(e, c): return 'second ' + c.function_version")
    second = client.update_function_code(FunctionName="numbered", ZipFile=package, Publish=True)
    assert second["Version"] == "2"
    cloud.settle("lambda")
    assert [invoked(cloud, "numbered", Qualifier=one)[0] for one in ("1", "2")] == ["1", "second 2"]
    assert invoked(cloud, "numbered")[0] == "second $LATEST"
    wrong = {"FunctionName": "numbered", "CodeSha256": "x"}
    assert code_of(client.publish_version, **wrong) == "InvalidParameterValueException"
    listed = client.list_versions_by_function(FunctionName="numbered", MaxItems=2)
    assert [one["Version"] for one in listed["Versions"]] == ["$LATEST", "1"]
    rest = client.list_versions_by_function(FunctionName="numbered", Marker=listed["NextMarker"])["Versions"]
    assert [one["FunctionArn"] for one in rest] == [f"{ARN}numbered:2"]
    client.delete_function(FunctionName="numbered", Qualifier="1")
    assert code_of(client.get_function, FunctionName="numbered:1") == "ResourceNotFoundException"
    assert invoked(cloud, "numbered", Qualifier="2")[0] == "second 2"
    client.delete_function(FunctionName="numbered")
    assert code_of(client.get_function, FunctionName="numbered:2") == "ResourceNotFoundException"


def test_aliases_point_to_versions_and_share_calls_out(cloud: Any) -> None:
    client = cloud.client("lambda")
    function(cloud, "aliased", "def handler(e, c): return [c.function_version, c.invoked_function_arn]")
    client.publish_version(FunctionName="aliased")
    client.update_function_configuration(FunctionName="aliased", Description="2")
    cloud.settle("lambda")
    client.update_function_code(FunctionName="aliased", ZipFile=zipped("def handler(e, c): return 2"), Publish=True)
    cloud.settle("lambda")
    made = client.create_alias(FunctionName="aliased", Name="live", FunctionVersion="1")
    assert made["AliasArn"] == f"{ARN}aliased:live"
    assert invoked(cloud, "aliased:live")[0] == ["1", f"{ARN}aliased:live"]
    assert code_of(client.delete_function, FunctionName="aliased:1") == "ResourceConflictException"
    assert code_of(client.create_alias, FunctionName="aliased", Name="live", FunctionVersion="1") == (
        "ResourceConflictException"
    )
    both = {"AdditionalVersionWeights": {"2": 1.0}}
    changed = client.update_alias(FunctionName="aliased", Name="live", RoutingConfig=both)
    assert changed["RoutingConfig"] == both
    assert changed["RevisionId"] != made["RevisionId"]
    answer = client.invoke(FunctionName="aliased", Qualifier="live")
    assert (answer["ExecutedVersion"], json.loads(answer["Payload"].read())) == ("2", 2)
    client.update_alias(FunctionName="aliased", Name="live", FunctionVersion="2",
                        RoutingConfig={"AdditionalVersionWeights": {}})  # fmt: skip
    assert "RoutingConfig" not in client.get_alias(FunctionName="aliased", Name="live")
    assert [one["Name"] for one in client.list_aliases(FunctionName="aliased", FunctionVersion="2")["Aliases"]] == (
        ["live"]
    )
    client.delete_alias(FunctionName="aliased", Name="live")
    assert refused(client.get_alias, FunctionName="aliased", Name="live") == (
        "ResourceNotFoundException", f"Cannot find alias arn: {ARN}aliased:live",
    )  # fmt: skip


def test_a_policy_lets_another_account_call(cloud: Any) -> None:
    client, other = cloud.client("lambda"), cloud.client("lambda", "second")
    function(cloud, "shared")
    code, message = refused(other.invoke, FunctionName=f"{ARN}shared")
    assert code == "AccessDeniedException"
    assert f"is not authorized to perform: lambda:InvokeFunction on resource: {ARN}shared" in message
    made = client.add_permission(
        FunctionName="shared", StatementId="other", Action="lambda:InvokeFunction", Principal=SECOND
    )
    assert json.loads(made["Statement"]) == {
        "Sid": "other", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{SECOND}:root"},
        "Action": "lambda:InvokeFunction", "Resource": f"{ARN}shared",
    }  # fmt: skip
    assert json.loads(other.invoke(FunctionName=f"{ARN}shared")["Payload"].read()) == {"hello": "world"}
    assert code_of(other.get_function, FunctionName=f"{ARN}shared") == "AccessDeniedException"
    again = {"FunctionName": "shared", "StatementId": "other", "Action": "lambda:*", "Principal": SECOND}
    assert code_of(client.add_permission, **again) == "ResourceConflictException"
    found = client.get_policy(FunctionName="shared")
    assert [one["Sid"] for one in json.loads(found["Policy"])["Statement"]] == ["other"]
    client.remove_permission(FunctionName="shared", StatementId="other", RevisionId=found["RevisionId"])
    assert code_of(client.get_policy, FunctionName="shared") == "ResourceNotFoundException"
    assert code_of(other.invoke, FunctionName=f"{ARN}shared") == "AccessDeniedException"


def test_conditions_of_a_permission(cloud: Any) -> None:
    function(cloud, "conditioned")
    made = cloud.client("lambda").add_permission(
        FunctionName="conditioned", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com",
        SourceArn="arn:aws:s3:::b", SourceAccount=ACCOUNT,
    )  # fmt: skip
    statement = json.loads(made["Statement"])
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"AWS:SourceAccount": ACCOUNT}, "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"},
    }  # fmt: skip


def test_a_policy_of_an_alias_is_its_own(cloud: Any) -> None:
    client, other = cloud.client("lambda"), cloud.client("lambda", "second")
    function(cloud, "parts")
    client.publish_version(FunctionName="parts")
    client.create_alias(FunctionName="parts", Name="live", FunctionVersion="1")
    client.add_permission(
        FunctionName="parts", Qualifier="live", StatementId="a", Action="lambda:InvokeFunction", Principal=SECOND
    )
    assert other.invoke(FunctionName=f"{ARN}parts:live")["StatusCode"] == 200
    assert code_of(other.invoke, FunctionName=f"{ARN}parts:1") == "AccessDeniedException"
    assert code_of(other.invoke, FunctionName=f"{ARN}parts") == "AccessDeniedException"
    wrong = {"FunctionName": "parts", "StatementId": "b", "Action": "lambda:*", "Principal": SECOND}
    assert code_of(client.add_permission, Qualifier="$LATEST", **wrong) == "InvalidParameterValueException"
    assert code_of(client.add_permission, Qualifier="nothing", **wrong) == "ResourceNotFoundException"


def test_tags(cloud: Any) -> None:
    client = cloud.client("lambda")
    arn = function(cloud, "tagged", Tags={"a": "1"})
    client.tag_resource(Resource=arn, Tags={"b": "2"})
    client.untag_resource(Resource=arn, TagKeys=["a"])
    assert client.list_tags(Resource=arn)["Tags"] == {"b": "2"}
    assert code_of(client.tag_resource, Resource=arn, Tags={"aws:x": "1"}) == "InvalidParameterValueException"


def test_concurrency_is_taken_from_what_the_account_has(cloud: Any) -> None:
    client = cloud.client("lambda")
    function(cloud, "reserving")
    client.put_function_concurrency(FunctionName="reserving", ReservedConcurrentExecutions=100)
    assert client.get_function_concurrency(FunctionName="reserving")["ReservedConcurrentExecutions"] == 100
    assert client.get_function(FunctionName="reserving")["Concurrency"] == {"ReservedConcurrentExecutions": 100}
    limit = client.get_account_settings()["AccountLimit"]
    assert (limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]) == (1000, 900)
    too_many = {"FunctionName": "reserving", "ReservedConcurrentExecutions": 901}
    assert refused(client.put_function_concurrency, **too_many)[1].endswith("below its minimum value of [100].")
    client.delete_function_concurrency(FunctionName="reserving")
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName="reserving")


def test_variables_under_a_key_of_ones_own(cloud: Any) -> None:
    kms, client = cloud.client("kms"), cloud.client("lambda")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    code = "import os\ndef handler(e, c): return os.environ['TOKEN']"
    function(cloud, "keyed", code, KMSKeyArn=key, Environment={"Variables": {"TOKEN": "secret"}})
    assert invoked(cloud, "keyed")[0] == "secret"
    assert len(kms.list_grants(KeyId=key)["Grants"]) == 1
    shown = person(cloud, "no-opener", may("lambda:*"))("lambda").get_function_configuration(FunctionName="keyed")
    assert shown["Environment"]["Error"]["ErrorCode"] == "AccessDeniedException"
    assert client.get_function_configuration(FunctionName="keyed")["Environment"]["Variables"] == {"TOKEN": "secret"}
    client.update_function_configuration(FunctionName="keyed", Description="a new environment")
    cloud.settle("lambda")
    kms.disable_key(KeyId=key)
    assert code_of(client.invoke, FunctionName="keyed") == "KMSDisabledException"
    kms.enable_key(KeyId=key)
    client.delete_function(FunctionName="keyed")
    assert kms.list_grants(KeyId=key)["Grants"] == []


def test_the_trail_has_no_code_and_no_variables(cloud: Any) -> None:
    function(cloud, "recorded", HELLO, Environment={"Variables": {"TOKEN": "very-secret-value"}})
    entries = [one for one in trail(cloud, "CreateFunction20150331") if
               (one["requestParameters"] or {}).get("functionName") == "recorded"]  # fmt: skip
    assert len(entries) == 1
    assert "very-secret-value" not in json.dumps(entries)
    assert "zipFile" not in json.dumps(entries)


def test_the_trail_names_operations_as_lambda_does(cloud: Any) -> None:
    client = cloud.client("lambda")
    function(cloud, "named", HELLO)
    client.update_function_configuration(FunctionName="named", Timeout=4)
    client.put_function_concurrency(FunctionName="named", ReservedConcurrentExecutions=2)
    client.invoke(FunctionName="named")
    for name in (
        "UpdateFunctionConfiguration20150331v2", "PutFunctionConcurrency20171031", "GetFunction20150331v2",
    ):  # fmt: skip
        assert trail(cloud, name), name
    assert not trail(cloud, "UpdateFunctionConfiguration")


def test_functions_are_listed_by_pages(cloud: Any) -> None:
    client = cloud.client("lambda", region_name="eu-west-1")
    for name in ("one", "three", "two"):
        client.create_function(**asked(name, Publish=True))
    pages = [page["Functions"] for page in client.get_paginator("list_functions").paginate(MaxItems=2)]
    found = client.list_functions(MaxItems=2)
    assert [one["FunctionName"] for one in found["Functions"]] == ["one", "three"]
    rest = client.list_functions(Marker=found["NextMarker"])["Functions"]
    assert [one["FunctionName"] for one in rest] == ["two"]
    assert pages
    every = client.list_functions(FunctionVersion="ALL")["Functions"]
    assert sorted(one["FunctionArn"].partition("function:")[2] for one in every) == [
        "one:$LATEST", "one:1", "three:$LATEST", "three:1", "two:$LATEST", "two:1",
    ]  # fmt: skip
