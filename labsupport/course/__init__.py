"""Chapters, exercises, their checks and hints. It sees the cloud through boto3 only, as a learner does."""
