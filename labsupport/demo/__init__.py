"""The whole chain as a client sees it: set up by boto3, pushed to by git, watched through the API."""
