"""The other processes as the API knows them, and delivery tracking of the frames it answered."""
