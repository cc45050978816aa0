"""Significance tests, effect sizes and distributions."""
