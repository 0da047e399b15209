"""Sessions on their way out and in: archives, which nobody trusts."""
