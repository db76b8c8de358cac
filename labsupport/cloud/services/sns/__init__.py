"""Amazon Simple Notification Service: topics, subscriptions, messages; email goes to the lab's mailbox."""

from labsupport.cloud.services.sns import publishing, subscriptions, topics
from labsupport.cloud.services.sns.base import service

__all__ = ["publishing", "service", "subscriptions", "topics"]
