"""The model's columns, and how its rows are split. Imported while DAG files are parsed: the standard library only."""

from __future__ import annotations

TARGET = "cnt"
TIME = "dteday"
KEY = ["dteday", "hr"]
NUMERIC = ["temp", "atemp", "hum", "windspeed"]
CODES = ["season", "yr", "mnth", "hr", "weekday", "holiday", "workingday", "weathersit"]
FEATURES = [*NUMERIC, *CODES]
"""``casual`` and ``registered`` are not among them: they add up to the target, and nobody knows them before it."""

CANDIDATES = ["include.bike_demand.model:linear", "include.bike_demand.model:boosted"]
TEST = "92d"
"""The gate rows: the last three months up to the cut-off."""
VALIDATION = "31d"
"""The month before: candidates are chosen on it."""
LEAST_MONTHS = 7
"""With fewer, less than a quarter would be left to train on."""
