"""Pictures of the cloud's state, from boto3's answers and the page `/_lab/why` only."""
