"""Named places in sessions."""
