"""What is passed on as it comes: messages of the bus to viewers, points of a gaze to who listens."""
