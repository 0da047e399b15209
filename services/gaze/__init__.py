"""The gaze process: where the gaze comes from, the trial that is under way, and what is held of it for the recorder."""
