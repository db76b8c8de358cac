"""Live views in a notebook. They see the cloud through boto3 and its pages `/_lab/…` only."""
