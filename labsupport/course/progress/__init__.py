"""What a learner has done: kept beside the cloud's state, so that no reset of the cloud loses any of it."""
