"""A session that everybody's reader should read in one and the same way: see ``README.md``."""
