"""A refused call as its service says it: code, sentence, and EC2's encoded message."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from labsupport.cloud.core import authmessage
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.gateway.trail import is_read_only
from labsupport.cloud.policy import explain
from labsupport.cloud.policy.authmessage import decoded
from labsupport.cloud.policy.evaluate import Decision

_CODES = {  # where the code is not the protocol's own
    "ec2": ("UnauthorizedOperation", 403),
    "lambda": ("AccessDeniedException", 403),
    "sns": ("AuthorizationErrorException", 403),
    "sqs": ("AccessDeniedException", 403),
}
Context = Mapping[str, Any]


def refusal(call: Call, decision: Decision, whole_context: Callable[[], Context]) -> AwsError:
    """The error of a decision. `whole_context` gives all condition keys of the call, not only those that were read."""
    sentence = explain.message(decision, "anonymous" if call.caller.kind == "anonymous" else call.caller.arn)
    code, status = _CODES.get(call.service.name, _code_of_protocol(call))
    if call.service.name == "sqs":  # which writes its actions in small letters
        sentence = sentence.replace(decision.request.action, decision.request.action.lower())
    if call.service.name == "ec2":
        sentence = f"You are not authorized to perform this operation. {sentence}"
        if not is_read_only(call.operation):
            sentence += f". Encoded authorization failure message: {_encoded(call, decision, whole_context())}"
    return AwsError(code, sentence, status, decision=decision.as_dict())


def _encoded(call: Call, decision: Decision, context: Context) -> str:
    asked = replace(decision.asked, request=replace(decision.request, context=context))
    return authmessage.encode(call.cloud, call.account, decoded(replace(decision, asked=asked)))


def _code_of_protocol(call: Call) -> tuple[str, int]:
    from_json = call.service.json_protocol
    return ("AccessDeniedException", 400) if from_json else ("AccessDenied", 403)
