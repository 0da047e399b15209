"""What the recorder knows of frames and sessions: pure, so that any order of events can be tried on it."""
