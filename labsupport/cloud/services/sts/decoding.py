"""DecodeAuthorizationMessage: what an encoded refusal says (AWS STS API Reference)."""

from labsupport.cloud.core import authmessage
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.sts.base import Params, service


@service.operation()
def decode_authorization_message(call: Call, params: Params) -> Params:
    found = authmessage.decode(call.cloud, call.account, params["EncodedMessage"])
    if found is None:
        raise AwsError("InvalidAuthorizationMessageException", "Message is not valid", 400)
    return {"DecodedMessage": found}
