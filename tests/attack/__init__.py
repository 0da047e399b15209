"""The attack bench: ``make attack`` (``python -m tests.attack``)."""
