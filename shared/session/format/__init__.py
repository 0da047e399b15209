"""What a session consists of: ids, names of files, head, entries and numbers. Pure, or one file at a time."""
