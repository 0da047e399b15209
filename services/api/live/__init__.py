"""What is passed on as it comes: messages of the bus to viewers, gaze points to listeners."""
