"""What a session consists of: ids, names of files, head, entries and numbers, and the JSON that other hands write.

Pure, or one file at a time. The rooms stand on one another: format, text, reading, writing, transfer.
"""
