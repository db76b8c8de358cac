"""Listings page by page, against a model in plain Python."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from s3_help import new_bucket, refused

KEYS = st.lists(st.text("ab/-", min_size=1, max_size=6), unique=True, max_size=14)
SETTINGS = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)


def model(keys: list[str], prefix: str, delimiter: str, after: str = "") -> list[tuple[str, bool]]:
    """(key or common prefix, is it a prefix) in their order, behind `after`."""
    found: list[tuple[str, bool]] = []
    for key in sorted(keys, key=str.encode):
        if not key.startswith(prefix) or key <= after:
            continue
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        entry = (key, False) if cut < 0 else (key[: cut + len(delimiter)], True)
        if entry not in found:
            found.append(entry)
    return found


def entries(page: dict[str, Any], *lists: str) -> list[tuple[str, bool]]:
    keys = [(one["Key"], False) for name in lists for one in page.get(name, [])]
    return sorted(keys + [(one["Prefix"], True) for one in page.get("CommonPrefixes", [])], key=lambda one: one[0])


@SETTINGS
@given(
    keys=KEYS, prefix=st.text("ab/", max_size=2), delimiter=st.sampled_from(["", "/", "-", "b/"]),
    size=st.integers(1, 4), gone=st.sets(st.integers(0, 13)),
)  # fmt: skip
def test_every_listing_is_the_model_in_pages(
    shared_cloud: Any, keys: list[str], prefix: str, delimiter: str, size: int, gone: set[int]
) -> None:
    s3, name = shared_cloud.client("s3"), new_bucket(shared_cloud, versions=True)
    for key in keys:
        s3.put_object(Bucket=name, Key=key, Body=b"")
    deleted = [key for number, key in enumerate(keys) if number in gone]
    for key in deleted:
        s3.delete_object(Bucket=name, Key=key)
    alive = [key for key in keys if key not in deleted]
    asked = {"Bucket": name, "Prefix": prefix, "Delimiter": delimiter, "PaginationConfig": {"PageSize": size}}
    for operation in ("list_objects", "list_objects_v2"):
        pages = list(s3.get_paginator(operation).paginate(**asked))
        assert [one for page in pages for one in entries(page, "Contents")] == model(alive, prefix, delimiter)
        assert all(len(entries(page, "Contents")) <= size for page in pages)
    pages = list(s3.get_paginator("list_object_versions").paginate(**asked))
    found = [one for page in pages for one in entries(page, "Versions", "DeleteMarkers")]
    every = model(keys, prefix, delimiter)
    twice = [one for one in every for _ in range(2 if not one[1] and one[0] in deleted else 1)]
    assert found == twice
    latest = [one["Key"] for page in pages for one in page.get("DeleteMarkers", []) if one["IsLatest"]]
    assert latest == [key for key, is_prefix in every if not is_prefix and key in deleted]


@SETTINGS
@given(keys=KEYS, after=st.text("ab/", min_size=1, max_size=4))
def test_listing_from_a_key_on(shared_cloud: Any, keys: list[str], after: str) -> None:
    s3, name = shared_cloud.client("s3"), new_bucket(shared_cloud)
    for key in keys:
        s3.put_object(Bucket=name, Key=key, Body=b"")
    wanted = model(keys, "", "", after)
    assert entries(s3.list_objects_v2(Bucket=name, StartAfter=after), "Contents") == wanted
    assert entries(s3.list_objects(Bucket=name, Marker=after), "Contents") == wanted


def test_what_a_listing_tells(shared_cloud: Any) -> None:
    s3, name = shared_cloud.client("s3"), new_bucket(shared_cloud)
    for key in ("a", "b/1", "b/2", "c"):
        s3.put_object(Bucket=name, Key=key, Body=b"123")
    page = s3.list_objects_v2(Bucket=name, Delimiter="/", MaxKeys=2, FetchOwner=True)
    assert (page["KeyCount"], page["IsTruncated"], page["MaxKeys"], page["Name"]) == (2, True, 2, name)
    (one,) = page["Contents"]
    assert (one["Key"], one["Size"], one["StorageClass"], len(one["Owner"]["ID"])) == ("a", 3, "STANDARD", 64)
    assert s3.list_objects_v2(Bucket=name, MaxKeys=0)["IsTruncated"] is False
    assert s3.list_objects_v2(Bucket=name, MaxKeys=5000)["MaxKeys"] == 1000
    with refused("InvalidArgument"):
        s3.list_objects_v2(Bucket=name, ContinuationToken="garbage")
    with refused("InvalidArgument"):
        s3.list_objects_v2(Bucket=name, MaxKeys=-1)


def test_a_token_holds_while_keys_come_and_go(shared_cloud: Any) -> None:
    s3, name = shared_cloud.client("s3"), new_bucket(shared_cloud)
    for key in "bdf":
        s3.put_object(Bucket=name, Key=key, Body=b"")
    token = s3.list_objects_v2(Bucket=name, MaxKeys=2)["NextContinuationToken"]
    s3.delete_object(Bucket=name, Key="d")
    for key in "ae":
        s3.put_object(Bucket=name, Key=key, Body=b"")
    found = s3.list_objects_v2(Bucket=name, ContinuationToken=token)
    assert [one["Key"] for one in found["Contents"]] == ["e", "f"]


# Versions


def test_the_life_of_a_key_with_versions(shared_cloud: Any) -> None:
    s3, name = shared_cloud.client("s3"), new_bucket(shared_cloud)
    assert "VersionId" not in s3.put_object(Bucket=name, Key="k", Body=b"0")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=name, Key="k", Body=b"1" * 50_000)["VersionId"]
    second = s3.put_object(Bucket=name, Key="k", Body=b"2")["VersionId"]
    for version, body in (("null", b"0"), (first, b"1" * 50_000), (second, b"2")):
        found = s3.get_object(Bucket=name, Key="k", VersionId=version)
        assert (found["Body"].read(), found["VersionId"]) == (body, version)
    marker = s3.delete_object(Bucket=name, Key="k")
    assert marker["DeleteMarker"] is True
    with refused("NoSuchKey"):
        s3.get_object(Bucket=name, Key="k")
    with refused("MethodNotAllowed", status=405):
        s3.get_object(Bucket=name, Key="k", VersionId=marker["VersionId"])
    with refused("NoSuchVersion"):
        s3.get_object(Bucket=name, Key="k", VersionId="nope")
    listed = s3.list_object_versions(Bucket=name)
    assert [(one["VersionId"], one["IsLatest"]) for one in listed["Versions"]] == [
        (second, False), (first, False), ("null", False)
    ]  # fmt: skip
    assert s3.delete_object(Bucket=name, Key="k", VersionId=marker["VersionId"])["DeleteMarker"] is True
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"2"
    s3.delete_object(Bucket=name, Key="k", VersionId=second)
    assert s3.head_object(Bucket=name, Key="k")["VersionId"] == first
    third = s3.put_object(Bucket=name, Key="k", Body=b"3")["VersionId"]
    versions = [one["VersionId"] for one in s3.list_object_versions(Bucket=name)["Versions"]]
    assert versions == [third, first, "null"]
    copied = s3.copy_object(Bucket=name, Key="copy", CopySource={"Bucket": name, "Key": "k", "VersionId": first})
    assert copied["CopySourceVersionId"] == first


def test_suspended_versions_leave_one_null(shared_cloud: Any) -> None:
    s3, name = shared_cloud.client("s3"), new_bucket(shared_cloud, versions=True)
    kept = s3.put_object(Bucket=name, Key="k", Body=b"kept")["VersionId"]
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    for body in (b"1", b"2"):
        assert s3.put_object(Bucket=name, Key="k", Body=body)["VersionId"] == "null"
    versions = s3.list_object_versions(Bucket=name)["Versions"]
    assert [one["VersionId"] for one in versions] == ["null", kept]
    assert s3.delete_object(Bucket=name, Key="k")["VersionId"] == "null"
    found = s3.list_object_versions(Bucket=name)
    assert [one["VersionId"] for one in found["Versions"] + found["DeleteMarkers"]] == [kept, "null"]


def test_a_bucket_is_emptied_while_it_is_listed(shared_cloud: Any) -> None:
    s3, name = shared_cloud.client("s3"), new_bucket(shared_cloud, versions=True)
    for key in ("a", "a", "a", "b", "b", "c"):
        s3.put_object(Bucket=name, Key=key, Body=b"")
    s3.delete_object(Bucket=name, Key="b")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name, PaginationConfig={"PageSize": 2}):
        for one in page.get("Versions", []) + page.get("DeleteMarkers", []):
            s3.delete_object(Bucket=name, Key=one["Key"], VersionId=one["VersionId"])
    s3.delete_bucket(Bucket=name)


def test_version_markers_need_a_key(shared_cloud: Any) -> None:
    with refused("InvalidArgument"):
        shared_cloud.client("s3").list_object_versions(Bucket=new_bucket(shared_cloud), VersionIdMarker="v")


@pytest.mark.parametrize("status", ["Enabled", "Suspended"])
def test_versions_page_by_page(shared_cloud: Any, status: str) -> None:
    s3, name = shared_cloud.client("s3"), new_bucket(shared_cloud, versions=True)
    for number in range(5):
        s3.put_object(Bucket=name, Key="k", Body=str(number).encode())
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": status})
    s3.put_object(Bucket=name, Key="k", Body=b"5")
    every = [one["VersionId"] for one in s3.list_object_versions(Bucket=name)["Versions"]]
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=name, PaginationConfig={"PageSize": 2})
    found = [one for page in pages for one in page["Versions"]]
    assert [one["VersionId"] for one in found] == every
    assert [one["IsLatest"] for one in found] == [True, *[False] * 5]
