"""Snapshots: immutable, content-addressed sets of rows."""
