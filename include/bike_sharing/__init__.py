"""Drift checks of two years of hourly bike rentals, without a model."""
