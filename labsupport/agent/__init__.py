"""The CodeDeploy agent of the lab: a process of its own per instance, which knows the cloud by its protocol only."""
