"""Engines in a model's place, and the generator with one of them: for measuring everything but a model."""
