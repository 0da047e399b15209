"""Changes of what a photograph itself shows: finding one of its things."""
