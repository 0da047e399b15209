"""Causal detectors of saccades, blinks and fixations, in plain Python, fed one sample at a time."""
