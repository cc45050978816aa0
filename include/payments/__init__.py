"""Simulated card payments in daily partitions: an example of a large dataset."""
