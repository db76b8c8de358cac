"""Bytes and Python values: requests into parameters, results and errors into responses, from botocore's models.

`identify` says which operation a request is for, `parse` and `validate` give its parameters, `serialize` and
`serialize_error` make the response. Nothing here does input or output, except reading the models.
"""

from . import model
from .faults import serialize_error
from .identify import identify, protocol_used
from .json_out import UnknownMember
from .model import load, operation, operation_names, protocol_of
from .parse import parse
from .serialize import serialize
from .validate import validate

__all__ = [
    "UnknownMember",
    "identify",
    "load",
    "model",
    "operation",
    "operation_names",
    "parse",
    "protocol_of",
    "protocol_used",
    "serialize",
    "serialize_error",
    "validate",
]
