"""Golden files: what today's processes say on the wire and write on disk, held through every change of what is inside.

Nothing here imports the project's own modules, but for the processes that it starts and the journal of a generator that
is not there (``whole.py``): it stays true whatever moves.
"""
