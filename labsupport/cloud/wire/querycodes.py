"""Codes of common errors from the time when SQS spoke the query protocol, which its clients still go by.

They are the codes that boto3 and the CLI show. Those of the errors that the model declares stand in the model's extras.
"""

_SQS = {
    "AccessDeniedException": "AccessDenied",
    "InvalidParameterValueException": "InvalidParameterValue",
    "MissingRequiredParameterException": "MissingParameter",
}


def query_code(service: str, name: str) -> str:
    """The old code of an error, by its name of today."""
    return _SQS.get(name, name) if service == "sqs" else name
