"""The other processes as the API sees them, and what became of the frames it answered."""
