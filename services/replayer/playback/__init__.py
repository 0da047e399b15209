"""Sessions shown at their recorded times."""
