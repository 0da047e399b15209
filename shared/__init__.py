"""What every process speaks: channels, messages, sockets, settings, sectors, and the session format on disk."""
