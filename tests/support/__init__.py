"""What tests share: waiting with a deadline, buses of their own, real processes."""
