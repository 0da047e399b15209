"""Pixels of ours: what a model sees of a picture, and how its result gets into the sector."""
