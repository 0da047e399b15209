"""Figures of the gaze's detectors and decisions."""
