"""One package a process. A service imports from ``shared`` and from itself, never from another service."""
