"""What is known of a version, in a line: binary, regression or multiclass, with a champion or without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.model_card import CardInputs, TrainingRunFacts

DIGEST = "d" * 64
METRICS = {
    "binary": {"roc_auc": 0.84, "log_loss": 0.41, "calibration_error": 0.03},
    "regression": {"mae": 32.5, "r2": 0.81},
    "multiclass": {"log_loss_multiclass": 0.7, "f1_macro": 0.66},
}
CONTRACT = {
    "name": "people",
    "key": "id",
    "columns": {
        "id": {"type": "int", "role": "key"},
        "age": {"type": "int", "nullable": False, "min": 18, "max": 99},
        "remark": {"type": "str"},
        "left": {"type": "int", "values": [0, 1], "role": "label"},
    },
}


def ref(rows: int) -> dict[str, Any]:
    return {"kind": "snapshot", "dataset": "people", "id": "s" * 32, "uri": "u", "rows": rows, "partition": "2026-04"}


def role(task: str, version: int, worse: float) -> dict[str, Any]:
    metrics = {name: value * worse for name, value in METRICS[task].items()}
    return {
        "version": version,
        "digest": DIGEST if version == 2 else "c" * 64,
        "candidate": "boosted",
        "seen_rows": 0,
        "bytes": 671_101,
        "predict_ms_p50": 13.25,
        "memory_mb": 21.3,
        "metrics": metrics,
        "intervals": {name: [value * 0.9, value * 1.1] for name, value in metrics.items()},
        "train_metrics": metrics,
        "importance": [["age", 0.05, 0.02, 0.08], ["remark", -0.001, -0.01, 0.01]],
        **({"calibration": [[0.1, 0.12, 50], [0.8, 0.77, 50]]} if task == "binary" else {}),
    }


def slices(metric: str) -> list[Check]:
    def of(name: str, value: float, status: Any = "pass") -> Check:
        seen = {"rows": 400, "challenger": value, "champion": 0.5, "gain": 0.011, "low": -0.01, "high": 0.03}
        return Check(metric, status, "info", seen, None, f"slice region={name}", "12 rows, at least 30 are needed")

    return [of("north", 0.9), of("south", 0.6), of("islet", 0.1, "inconclusive")]


def evaluation(task: str = "binary", champion: bool = True, **changed: Any) -> Report:
    metric = next(iter(METRICS[task]))
    roles = {"challenger": role(task, 2, 1.0), **({"champion": role(task, 1, 0.97)} if champion else {})}
    rates = {"f": {"rows": 900, "share of yes": 0.31}, "m": {"rows": 800, "share of yes": 0.22}}
    gap = {"gap": 0.09, "low": 0.05, "high": 0.13, "rates": rates}
    checks = [
        *slices(metric),
        Check("overfitting", "fail", "warn", {}, "a fall of at most 0.1", "champion", "the champion's is large"),
        Check("worst slice", "pass", "info", {}, None, "slice age > 60", "mean loss 0.7 in age > 60, 0.4 elsewhere"),
        Check("demographic parity", "pass", "info", gap, {"threshold": 0.3}, "group sex", "largest difference 0.09"),
        Check(
            "overfitting", "pass", "info", {}, "a fall of at most 0.1", "challenger", f"{metric} 0.9 on training rows"
        ),
    ]
    facts = {"evidence": ref(1700), "metric": metric, "task": task, "slices": ["region"], "groups": ["sex"],
             "roles": roles, **changed}  # fmt: skip
    return Report.from_checks("evaluation", "m v2", checks, facts=facts)


def gate(decision: str = "promote", **changed: Any) -> Report:
    status: Any = "pass" if decision == "promote" else "fail"
    checks = [
        Check("rows", "pass", observed=1700, expected=">= 500", where="m v2 (challenger)"),
        Check("budget bytes", status, observed=671101.0, expected="<= 500000", message="bytes are over the budget"),
        Check("fairness sex", "pass", observed={"gap": 0.09}, expected="demographic parity <= 0.1", where="group sex"),
        Check("minimum gain", "pass", observed={"gain": 0.02, "low": 0.01, "high": 0.03}, message="gain +0.02"),
    ]
    facts = {
        "metric": "roc_auc",
        "gain": {"value": 0.02, "low": 0.01, "high": 0.03},
        "binding": {"model": "m", "version": 2, "digest": DIGEST},
        **changed,
    }
    return Report.from_checks("gate", "m v2 (challenger)", checks, decision=decision, facts=facts)


def self_tests(**changed: Any) -> Report:
    checks = [Check("reload", "pass"), Check("direction of age", "fail", message="older people scored higher")]
    tests = {"reload": "pass", "direction of age": "fail"}
    return Report.from_checks("self_test", "m v2", checks, facts={"digest": DIGEST, "tests": tests, **changed})


@pytest.fixture
def made() -> Callable[..., Report]:
    """Make a report: ``made("evaluation", task="regression")``."""
    makers: dict[str, Callable[..., Report]] = {"evaluation": evaluation, "gate": gate, "self_tests": self_tests}
    return lambda what, **how: makers[what](**how)


@pytest.fixture
def known() -> Callable[..., CardInputs]:
    """Say what is known of a version; everything is, but for what is given as ``None``."""

    def of(task: str = "binary", champion: bool = True, **changed: Any) -> CardInputs:
        run = TrainingRunFacts(
            {"target": "left", "build": "include.m.model:boosted", "param.depth": "3", "train_rows": "5000"},
            {"mlops.code_version": "git:abc", "mlops.python": "3.11", "mlops.dag_run": "d/r"},
            {},
            {"type": "sklearn.pipeline.Pipeline", "params": {"model__depth": 3}},
        )
        values: dict[str, Any] = {
            "model": "m",
            "version": 2,
            "digest": DIGEST,
            "run_id": "run1",
            "candidate": "boosted",
            "actor": "d/r/register/-1",
            "recorded_at": "2026-04-06T10:00:00+00:00",
            "artifact_uri": "file:///models/m",
            "cutoff": "2026-04",
            "data": {"train": ref(5000), "validation": ref(900), "test": ref(1700)},
            "split": {"method": "key", "key": "id", "test": 0.25, "seed": 0},
            "contract": Contract.load(CONTRACT),
            "run": run,
            "evaluation": evaluation(task, champion),
            "gate": gate(),
            "self_tests": self_tests(),
            "entry": {"revision": 3, "recorded_at": "2026-04-07T10:00:00+00:00", "effective_at": "2026-04-06",
                      "approver": "ann", "reason": "better", "actor": "d/r/promote/-1"},
        }  # fmt: skip
        return CardInputs(**values | changed)

    return of
