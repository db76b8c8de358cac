"""A bucket's further settings: what is taken, given back and refused; ACLs, tags that count, blocked encryption."""

from typing import Any

import pytest
from s3_help import fresh, new_bucket, new_user, refused, statement


@pytest.fixture(scope="module")
def s3(shared_cloud: Any) -> Any:
    return shared_cloud.client("s3")


@pytest.fixture
def name(shared_cloud: Any) -> str:
    return new_bucket(shared_cloud)


RULE = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://*.example.com"], "MaxAgeSeconds": 60}
REDIRECT = {"RedirectAllRequestsTo": {"HostName": "example.com"}}
WEBSITE = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}}
SETTINGS: list[tuple[str, str, Any, str]] = [
    ("cors", "CORSConfiguration", {"CORSRules": [RULE]}, "NoSuchCORSConfiguration"),
    ("website", "WebsiteConfiguration", WEBSITE, "NoSuchWebsiteConfiguration"),
    ("website", "WebsiteConfiguration", REDIRECT, "NoSuchWebsiteConfiguration"),
]  # fmt: skip


@pytest.mark.parametrize(("setting", "member", "wanted", "missing"), SETTINGS)
def test_settings_come_and_go(s3: Any, name: str, setting: str, member: str, wanted: Any, missing: str) -> None:
    read, write, delete = (getattr(s3, f"{verb}_bucket_{setting}") for verb in ("get", "put", "delete"))
    with refused(missing, status=404):
        read(Bucket=name)
    write(Bucket=name, **{member: wanted})
    answer = read(Bucket=name)
    assert {key: answer[key] for key in wanted} == wanted
    delete(Bucket=name)
    with refused(missing, status=404):
        read(Bucket=name)


BAD: list[tuple[str, str, Any, str]] = [
    ("cors", "CORSConfiguration", {"CORSRules": [{**RULE, "AllowedMethods": ["PATCH"]}]}, "InvalidRequest"),
    ("cors", "CORSConfiguration", {"CORSRules": [{**RULE, "AllowedOrigins": ["*.x.*"]}]}, "InvalidRequest"),
    ("cors", "CORSConfiguration", {"CORSRules": [{**RULE, "AllowedHeaders": ["*-*"]}]}, "InvalidRequest"),
    ("cors", "CORSConfiguration", {"CORSRules": [{**RULE, "ExposeHeaders": ["x-*"]}]}, "InvalidRequest"),
    ("cors", "CORSConfiguration", {"CORSRules": []}, "MalformedXML"),
    ("cors", "CORSConfiguration", {"CORSRules": [RULE] * 101}, "MalformedXML"),
    ("website", "WebsiteConfiguration", {"ErrorDocument": {"Key": "e"}}, "InvalidArgument"),
    ("website", "WebsiteConfiguration", {"IndexDocument": {"Suffix": "a/b"}}, "InvalidArgument"),
    ("website", "WebsiteConfiguration", {**WEBSITE, "RedirectAllRequestsTo": {"HostName": "h"}}, "InvalidRequest"),
    ("encryption", "ServerSideEncryptionConfiguration", {"Rules": []}, "MalformedXML"),
]


@pytest.mark.parametrize(("setting", "member", "wanted", "code"), BAD)
def test_settings_that_are_refused(s3: Any, name: str, setting: str, member: str, wanted: Any, code: str) -> None:
    with refused(code, status=400):
        getattr(s3, f"put_bucket_{setting}")(Bucket=name, **{member: wanted})


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("get_bucket_cors", "s3:GetBucketCORS"), ("delete_bucket_cors", "s3:PutBucketCORS"),
        ("get_bucket_website", "s3:GetBucketWebsite"), ("delete_bucket_website", "s3:DeleteBucketWebsite"),
        ("get_bucket_acl", "s3:GetBucketAcl"), ("get_bucket_abac", "s3:GetBucketABAC"),
        ("get_bucket_notification_configuration", "s3:GetBucketNotification"),
    ],
)  # fmt: skip
def test_each_setting_has_its_permission(shared_cloud: Any, name: str, operation: str, action: str) -> None:
    nobody = shared_cloud.client("s3", credentials=new_user(shared_cloud)["keys"])
    with refused("AccessDenied", f"perform: {action} on", 403):
        getattr(nobody, operation)(Bucket=name)


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("get_bucket_accelerate_configuration", {}),
        ("get_bucket_request_payment", {}),
        ("get_bucket_replication", {}),
        ("list_bucket_analytics_configurations", {}),
        ("get_object_torrent", {"Key": "k"}),
    ],
)  # fmt: skip
def test_what_the_lab_has_not_says_so(s3: Any, name: str, operation: str, more: dict[str, Any]) -> None:
    with refused("NotSimulated", status=501):
        getattr(s3, operation)(Bucket=name, **more)


# Access control lists


def test_acls_show_the_owner_and_take_nothing_else(s3: Any, name: str) -> None:
    s3.put_object(Bucket=name, Key="k", Body=b"")
    for read, write, place in (
        (s3.get_bucket_acl, s3.put_bucket_acl, {"Bucket": name}),
        (s3.get_object_acl, s3.put_object_acl, {"Bucket": name, "Key": "k"}),
    ):
        shown = read(**place)
        assert [one["Permission"] for one in shown["Grants"]] == ["FULL_CONTROL"]
        assert shown["Grants"][0]["Grantee"]["ID"] == shown["Owner"]["ID"]
        write(**place, ACL="private")
        write(**place, AccessControlPolicy={"Grants": shown["Grants"], "Owner": shown["Owner"]})
        everybody = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}
        grants = [*shown["Grants"], {"Grantee": everybody, "Permission": "READ"}]
        for refused_one in (
            {"ACL": "public-read"},
            {"GrantRead": f'uri="{everybody["URI"]}"'},
            {"AccessControlPolicy": {"Grants": grants, "Owner": shown["Owner"]}},
        ):
            with refused("AccessControlListNotSupported", status=400):
                write(**place, **refused_one)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"ACL": "public-read"}, "InvalidBucketAclWithObjectOwnership"),
        ({"ACL": "public-read", "ObjectOwnership": "ObjectWriter"}, "AccessDenied"),  # BlockPublicAcls
    ],
)
def test_buckets_that_are_not_made(s3: Any, more: dict[str, Any], code: str) -> None:
    name = fresh("never")
    with refused(code):
        s3.create_bucket(Bucket=name, **more)
    with refused("404"):
        s3.head_bucket(Bucket=name)


# Tags that count in policies


def test_tags_count_only_where_the_owner_says_so(shared_cloud: Any, s3: Any) -> None:
    name = fresh("tagged")
    tags = [{"Key": "team", "Value": "shop"}]
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"Tags": tags})
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == tags
    condition = {"StringEquals": {"aws:ResourceTag/team": "shop"}}
    user = new_user(shared_cloud, statement(["s3:ListBucket", "s3:PutObject"], Condition=condition))
    theirs = shared_cloud.client("s3", credentials=user["keys"])
    with refused("AccessDenied"):
        theirs.list_objects_v2(Bucket=name)
    s3.put_bucket_abac(Bucket=name, AbacStatus={"Status": "Enabled"})
    assert s3.get_bucket_abac(Bucket=name)["AbacStatus"]["Status"] == "Enabled"
    theirs.list_objects_v2(Bucket=name)
    with refused("InvalidRequest", "TagResource"):
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})


def test_a_permission_to_tag_at_creation(shared_cloud: Any) -> None:
    user = new_user(shared_cloud, statement("s3:CreateBucket"))
    s3 = shared_cloud.client("s3", credentials=user["keys"])
    tags = [{"Key": "team", "Value": "shop"}]
    with refused("AccessDenied", "s3:TagResource"):
        s3.create_bucket(Bucket=fresh("tagged"), CreateBucketConfiguration={"Tags": tags})
    s3.create_bucket(Bucket=fresh("tagged"))


# What encryption a bucket takes


def test_blocked_encryption_stays_as_it_was(s3: Any, name: str) -> None:
    def blocked() -> list[str]:
        rule = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
        found: list[str] = rule["BlockedEncryptionTypes"]["EncryptionType"]
        return found

    def put(**rule: Any) -> None:
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})

    assert blocked() == ["SSE-C"]
    put(BlockedEncryptionTypes={"EncryptionType": ["NONE"]})
    assert blocked() == ["NONE"]
    put(ApplyServerSideEncryptionByDefault={"SSEAlgorithm": "aws:kms"})
    assert blocked() == ["NONE"]
    s3.delete_bucket_encryption(Bucket=name)
    assert blocked() == ["SSE-C"]


def test_a_block_that_is_taken_off_and_one_that_blocks_nothing(s3: Any, name: str) -> None:
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={"BlockPublicAcls": False})
    found = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert found == dict.fromkeys(found, False)
    s3.delete_public_access_block(Bucket=name)
    with refused("NoSuchPublicAccessBlockConfiguration", status=404):
        s3.get_public_access_block(Bucket=name)
