"""Where the gaze comes from: pages, trackers' programs, a simulated viewer, a trace."""
