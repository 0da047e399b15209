"""The bus: channels, envelope, messages, sockets, publishing and subscribing, asking and answering."""
