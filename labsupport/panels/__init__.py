"""Live views of the cloud in a notebook. They see the cloud through boto3 only."""
