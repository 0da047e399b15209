"""The on-disk format of sessions: names, metadata, writing, reading, repair and checking. No socket comes near it."""
