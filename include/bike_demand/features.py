"""The model's columns and split. Imported while DAG files are parsed: the standard library only."""

from __future__ import annotations

TARGET = "cnt"
TIME = "dteday"
KEY = ["dteday", "hr"]
NUMERIC = ["temp", "atemp", "hum", "windspeed"]
CODES = ["season", "yr", "mnth", "hr", "weekday", "holiday", "workingday", "weathersit"]
FEATURES = [*NUMERIC, *CODES]
"""Without ``casual`` and ``registered``: they add up to the target and are not known in advance."""

CANDIDATES = ["include.bike_demand.model:linear", "include.bike_demand.model:boosted"]
TEST = "92d"
"""The test rows: the last three months up to the cut-off."""
VALIDATION = "31d"
"""The month before, on which candidates are selected."""
MIN_MONTHS = 7
"""With fewer months, less than a quarter would remain for training."""
