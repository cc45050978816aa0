"""Churn model of a simulated subscription company: database, features, labels and models."""
