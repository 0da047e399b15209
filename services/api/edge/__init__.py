"""What stands between the network and a route: limits of connections, HTTP and WebSocket protocols, who may call."""
