"""The record of trials in a session's folder: what its lines and samples look like, and deciding again from them."""
