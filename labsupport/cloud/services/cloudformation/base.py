"""The service itself, and the errors that most of its topics raise."""

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.service import Service

service = Service("cloudformation")


def invalid(message: str) -> AwsError:
    """CloudFormation's usual refusal of a template, a parameter or a request."""
    return AwsError("ValidationError", message, 400)


def not_here(what: str) -> AwsError:
    """What AWS has and this lab has not, where AWS's own error would be about the template.

    A client (and a pipeline) shows a ValidationError as the template's fault, so the sentence says whose it is.
    """
    return invalid(f"NotSimulated: {what} exists at AWS and is not simulated by this lab yet.")
