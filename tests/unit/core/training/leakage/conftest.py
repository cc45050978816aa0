from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.common.report import Check, Report


def parted(frame: pd.DataFrame, train: float = 0.6, validation: float = 0.2) -> dict[str, pd.DataFrame]:
    """Cut a frame into parts, one row after another."""
    cuts = [int(len(frame) * train), int(len(frame) * (train + validation))]
    return {
        "train": frame.iloc[: cuts[0]],
        "validation": frame.iloc[cuts[0] : cuts[1]],
        "test": frame.iloc[cuts[1] :],
    }


def told(report: Report) -> dict[str, list[str | None]]:
    """Give the name of each failed check -> where it failed."""
    found: dict[str, list[str | None]] = {}
    for check in report.failed:
        found.setdefault(check.name, []).append(check.where)
    return found


def the(report: Report, name: str) -> Check:
    (check,) = (c for c in report.checks if c.name == name)
    return check


def noise(rows: int, seed: int = 0, *, target: str = "binary") -> pd.DataFrame:
    """Give rows in which nothing says anything about ``y``."""
    rng = np.random.default_rng(seed)
    y = {
        "binary": lambda: rng.integers(0, 2, rows),
        "number": lambda: rng.gamma(2, 3, rows),
        "classes": lambda: rng.choice(["red", "green", "blue"], rows),
    }[target]()
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "amount": rng.lognormal(3, 1, rows),
            "age": rng.normal(40, 10, rows).round(),
            "score": np.where(rng.random(rows) < 0.1, np.nan, rng.random(rows)),
            "plan": rng.choice(["day", "month", None], rows),
            "active": rng.random(rows) < 0.5,
            "since": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 400, rows), unit="D"),
            "note": [f"note {n}" for n in rng.integers(0, 10**9, rows)],
            "y": y,
        }
    )


FEATURES = ["amount", "age", "score", "plan", "active", "since", "note"]


@pytest.fixture
def tools() -> dict[str, Callable[..., Any]]:
    """What the tests of leakage share: conftest modules cannot be imported under importlib mode."""
    return {"parted": parted, "told": told, "the": the, "noise": noise}
