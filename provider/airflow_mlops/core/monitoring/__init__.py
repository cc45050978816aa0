"""Monitoring of scores and performance, batch scoring, and drift episodes."""
