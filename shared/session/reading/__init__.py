"""Reading sessions that may be being written."""
