"""AWS CodeBuild: projects, and builds whose commands really run."""

from labsupport.cloud.services.codebuild import builds, images, projects, running
from labsupport.cloud.services.codebuild.base import service

__all__ = ["builds", "images", "projects", "running", "service"]
