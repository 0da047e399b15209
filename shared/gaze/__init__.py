"""The gaze: samples, the detectors of eye movements, trials and their decisions, and the record of it. Nothing here
reads a clock or a socket, so that all of it can be done again from a recording."""
