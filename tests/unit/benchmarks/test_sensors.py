"""What the sensors' benchmark makes of what it has measured."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.sensors import rows_in_airflow, targets

SAID: dict[str, Any] = {
    "sensors": 1000,
    "idle_s": 60.0,
    "idle_cpu_s": 4.0,
    "empty_cpu_s": 1.0,
    "polls_a_minute": 12.0,
    "start_s": 30.0,
    "triggerer_mb": 300.0,
    "load": 0.5,
    "taken_s": [3.0] * 19 + [9.0],
    "median_s": 3.0,
    "p95_s": 9.0,
}


def held(**said: Any) -> dict[str, tuple[float, bool]]:
    return {t.says: (t.value, t.holds) for t in targets(rows_in_airflow({**SAID, **said}))}


def test_what_an_empty_triggerer_costs_is_not_the_sensors() -> None:
    (idle,) = (found for says, found in held().items() if "idle in Airflow" in says)
    assert idle == (pytest.approx(3.0 / 60), True)


def test_a_promise_that_is_not_kept_is_told() -> None:
    assert [holds for _, holds in held(idle_cpu_s=8.0, p95_s=11.0).values()] == [False, False]


def test_all_at_once_is_told_and_nothing_is_promised_of_it() -> None:
    burst = {"burst": 980, "burst_told_s": 12.0, "burst_ran": 80, "burst_ran_s": 300.0, "burst_cpu_s": 5.0}
    found = rows_in_airflow({**SAID, **burst})
    assert "980 told in 12 s; 80 tasks ran" in found[-1]["verdict"]
    assert len(targets(found)) == 2
