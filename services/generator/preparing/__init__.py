"""Changes that are finished before they are needed: made for the picture of a view, committed when they are wanted."""
