"""Forecast of bike rentals per hour, evaluated over time and retrained each month."""
