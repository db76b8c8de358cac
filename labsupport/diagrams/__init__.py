"""Pictures of the cloud's state. They see the cloud through boto3 only."""
