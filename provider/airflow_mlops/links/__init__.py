"""Operator links to reports and model cards."""
