"""Splitting, fitting, and the runs that keep what was fitted."""
