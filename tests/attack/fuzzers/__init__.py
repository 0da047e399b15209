"""One module a fuzzer: cases drawn from a seed, what its corpus files mean, and how cases are sent.

Each has a class with ``batch`` (cases sent at once), ``draw(random)``, ``of_file(path)``, ``run(cases)`` and
``close()``; a case is what its own ``run`` understands.
"""
