"""Pure helpers for files that somebody else wrote, for the cloud and the agent: YAML, archives, file patterns."""
