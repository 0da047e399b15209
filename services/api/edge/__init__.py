"""What stands between the network and a route: who may call, how much at a time, at what pace."""
