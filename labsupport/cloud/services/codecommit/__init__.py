"""AWS CodeCommit: repositories that git itself reads and writes (CodeCommit API Reference, CodeCommit User Guide)."""

from labsupport.cloud.services.codecommit import branches, commits, files, repositories, tagging, transport, writing
from labsupport.cloud.services.codecommit.base import service

__all__ = ["branches", "commits", "files", "repositories", "service", "tagging", "transport", "writing"]
