"""Is it the same picture? Verifying sessions and comparing two of them: for the command line, never inside a service.

This package may use the generator's own modules (what a picture's bytes mean, how a model is loaded); no service and
nothing in ``shared`` uses this one.
"""
