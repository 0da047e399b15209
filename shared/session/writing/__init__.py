"""Writing sessions: append, examine, repair, and what waits beside them."""
