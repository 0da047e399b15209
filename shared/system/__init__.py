"""What every process takes from the operating system: files, locks, memory, descriptors, connections."""
