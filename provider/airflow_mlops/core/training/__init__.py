"""Splits, leakage checks, fitting, tuning and the MLflow runs that record them."""
