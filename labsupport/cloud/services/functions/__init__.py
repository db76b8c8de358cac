"""AWS Lambda: functions whose handlers really run, their versions and aliases, and who may call them."""

from labsupport.cloud.services.functions import (
    asynchronous,
    concurrency,
    delivering,
    functions,
    invoking,
    packages,
    permissions,
    recorded,
    tagging,
    versions,
)
from labsupport.cloud.services.functions.base import service

__all__ = [
    "asynchronous",
    "concurrency",
    "delivering",
    "functions",
    "invoking",
    "packages",
    "permissions",
    "recorded",
    "service",
    "tagging",
    "versions",
]
