"""IAM's policy language, pure: documents in, decisions with their reasons out.

`document.parse` reads a policy, `evaluate.evaluate` decides a request, `explain` puts the decision into words; the
records that go in are in `records`.
"""
