"""Sessions made again with something changed."""
