"""Models: where their files are, on which device they run, and what one run of each kind does."""
