"""Golden files: what today's processes say on the wire and write on disk, held through every change of what is inside.

Nothing here imports the project's own modules but for the processes that it starts: it stays true whatever moves.
"""
