"""AWS CodePipeline: stages in series, actions in parallel, artifacts between them."""

from labsupport.cloud.services.codepipeline import acting, executions, history, jobs, pipelines, polling, running, state
from labsupport.cloud.services.codepipeline.base import service

__all__ = ["acting", "executions", "history", "jobs", "pipelines", "polling", "running", "service", "state"]
