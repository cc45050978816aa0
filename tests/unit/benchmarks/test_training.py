"""The promise of the training benchmark is compared with the right metrics, and the plain script does what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from airflow_mlops.core.metrics import metrics_of_same_task
from benchmarks import hand_written, models
from benchmarks.labelled import COLUMNS, generate_labelled
from benchmarks.training import OURS, PLAIN, ROWS, targets


def row(tool: str, task: str, cpu_s: float, rows: int = ROWS) -> dict[str, Any]:
    return {"tool": tool, "task": task, "rows": rows, "cpu_s": cpu_s}


@pytest.mark.parametrize(("cpu_s", "kept"), [(1.149, True), (1.151, False)])
def test_operators_may_cost_a_seventh_more_than_the_plain_script(cpu_s: float, kept: bool) -> None:
    figures = [
        row(PLAIN, "train and evaluate, linear", 1.0),
        row(PLAIN, "train and evaluate, boosted", 9.0),
        row(OURS, "train and evaluate, linear", cpu_s),
        row(OURS, "evaluate, linear", 99.0),
        row(OURS, "beyond evaluate: cost, linear", 99.0),
    ]
    (target,) = targets(figures)
    assert (target.holds, target.value) == (kept, pytest.approx(cpu_s))


def test_with_few_rows_nothing_is_promised() -> None:
    task = "train and evaluate, linear"
    assert targets([row(PLAIN, task, 1.0, 5_000), row(OURS, task, 5.0, 5_000)]) == []


def test_the_plain_script_has_the_figures_that_the_operators_have() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random(5_000).round(3)
    target = (rng.random(5_000) < scores).astype(float)
    ours = {name: metric.value(target, scores) for name, metric in metrics_of_same_task("roc_auc").items()}
    plain = hand_written.compute_metrics(target, scores)
    assert plain.keys() == ours.keys()
    for name in plain.keys() - {"calibration_error"}:  # scikit-learn cuts its bins a little otherwise
        assert plain[name] == pytest.approx(ours[name], abs=1e-9), name
    assert plain["calibration_error"] == pytest.approx(ours["calibration_error"], abs=0.005)


@pytest.mark.parametrize("name", ["boosted", "linear"])
def test_the_target_can_be_learned_by_each_estimator(name: str) -> None:
    frame = generate_labelled(4_000)
    assert frame.width == COLUMNS
    assert frame[models.KEY].is_unique().all()
    rows = frame.to_pandas()
    model = getattr(models, name)().fit(rows[models.FEATURES][:3000], rows[models.TARGET][:3000])
    later = rows[3000:]
    found = hand_written.compute_metrics(later[models.TARGET], model.predict_proba(later[models.FEATURES])[:, 1])
    assert 0.7 < found["roc_auc"] < 0.95
