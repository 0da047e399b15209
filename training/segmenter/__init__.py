"""Trains the embedded segmenter: a small network that finds one whole thing in a crop of a photograph."""
