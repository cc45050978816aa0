"""Data drift and concept drift."""
