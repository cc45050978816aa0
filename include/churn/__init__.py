"""The simulated subscription company: its database, its features, its labels and its models."""
