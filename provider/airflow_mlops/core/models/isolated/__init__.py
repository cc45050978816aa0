"""A model in a process of its own, without the network and the environment of its caller."""
