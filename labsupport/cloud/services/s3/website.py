"""A bucket's website configuration: kept and given back, and not served (User Guide: "Hosting a static website")."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3.base import BUCKET, Params, bucket_named, service


@service.operation(on=BUCKET)
def put_bucket_website(call: Call, params: Params) -> Params:
    bucket, wanted = bucket_named(call, params), params["WebsiteConfiguration"]
    _check(wanted)
    bucket.website = wanted
    call.store.put(bucket)
    return {}


def _check(wanted: Params) -> None:
    index = wanted.get("IndexDocument", {}).get("Suffix")
    if "RedirectAllRequestsTo" in wanted:
        if len(wanted) > 1:
            message = "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules."
            raise AwsError("InvalidRequest", message, 400)
        return
    if index is None:
        message = "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty"
        raise AwsError("InvalidArgument", message, 400, ArgumentName="IndexDocument")
    if not index or "/" in index:
        message = "The IndexDocument Suffix is not well formed"
        raise AwsError("InvalidArgument", message, 400, ArgumentName="IndexDocument", ArgumentValue=index)


@service.operation(on=BUCKET)
def get_bucket_website(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    if not bucket.website:
        message = "The specified bucket does not have a website configuration"
        raise AwsError("NoSuchWebsiteConfiguration", message, 404, BucketName=bucket.name)
    return bucket.website


@service.operation(on=BUCKET)
def delete_bucket_website(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    bucket.website = {}
    call.store.put(bucket)
    return {}
