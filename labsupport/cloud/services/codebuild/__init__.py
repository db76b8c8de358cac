"""AWS CodeBuild: projects, and builds whose commands really run."""

from labsupport.cloud.services.codebuild import builds, conditions, images, projects, running
from labsupport.cloud.services.codebuild.base import service

__all__ = ["builds", "conditions", "images", "projects", "running", "service"]
