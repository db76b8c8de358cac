"""AWS CodeCommit: repositories that git itself reads and writes (CodeCommit API Reference, CodeCommit User Guide)."""
