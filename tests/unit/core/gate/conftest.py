"""Evidence in a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from airflow_mlops.core.gate import Evidence


def evidence(target: Any, scores: Any, subject: str = "m v2", **other: Any) -> Evidence:
    """Sound evidence, but for what is given."""
    known = {"seen_rows": 0, "snapshot": "s", "keys": np.arange(len(target)), **other}
    return Evidence(subject=subject, target=np.asarray(target), scores=np.asarray(scores), **known)


def both(seed: int, rows: int, champion: float, challenger: float, **other: Any) -> tuple[Evidence, Evidence]:
    """Champion and challenger on the same rows, as probabilities: the logit is strength * (class - 1/2) + noise."""
    rng = np.random.default_rng(seed)
    y = (rng.random(rows) < 0.3).astype(float)
    common, *own = rng.normal(size=(3, rows))
    logits = (
        strength * (2 * y - 1) + 0.9 * common + 0.4 * noise
        for strength, noise in zip((champion, challenger), own, strict=True)
    )
    old, new = (1 / (1 + np.exp(-logit)) for logit in logits)
    return evidence(y, old, "m v1", **other), evidence(y, new, **other)


@pytest.fixture
def of() -> Callable[..., Evidence]:
    return evidence


@pytest.fixture
def pair() -> Callable[..., tuple[Evidence, Evidence]]:
    return both
