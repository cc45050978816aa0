"""Two years of bike rentals by the hour, without any model: what judging data alone tells."""
