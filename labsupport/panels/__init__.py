"""Live views in a notebook. They see the cloud through boto3 only."""
