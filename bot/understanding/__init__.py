"""How a message becomes commands: typed values, slots of an open flow, and which flow is meant."""
