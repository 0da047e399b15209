"""This server on a graphics card, with random weights in the shapes of real models: nothing is fetched.

``make bench-gpu`` measures all, ``python -m benchmarks.gpu --help`` says what may be chosen. How long a picture takes
to make doesn't depend on what is on it, so weights that nobody trained give the times of those that somebody did.
"""
