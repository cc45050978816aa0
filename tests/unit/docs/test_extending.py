"""The classes and metrics on the pages about extending are valid extensions."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from airflow_mlops.core.metrics.catalogue import METRIC_EXTENSIONS
from airflow_mlops.core.models.native import FORMATS
from airflow_mlops.execution.runtimes.base import RUNTIMES, resolve_runtime

DOCS = Path(__file__).parents[3] / "docs"


def names_of(page: str, label: str) -> dict[str, Any]:
    (code,) = re.findall(rf"```python {label}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(code, page, "exec"), names)
    return names


def test_the_format_on_the_page_is_a_format() -> None:
    acme = names_of("extending-formats.md", "format")["JsonFormat"]
    assert FORMATS.check(acme) is None
    model = SimpleNamespace(cut=1.0, classes_=[0, 1])
    assert acme().save(model, []) == {"acme.json": b'{"cut": 1.0}'}
    assert acme().predict(model, np.array([[0.0], [2.0]])).tolist() == [0.25, 0.75]


def test_the_metric_on_the_page_has_a_value_and_weights() -> None:
    profit = names_of("extending-metrics.md", "metric")["profit"]
    target, scores = np.array([0.0, 1.0, 1.0]), np.array([0.9, 0.8, 0.1])
    assert profit.value(target, scores) == pytest.approx((-4 + 6) / 3)
    assert profit.prepare(target, scores)(np.array([1.0, 3.0, 0.0])) == pytest.approx((-4 + 18) / 4)
    assert METRIC_EXTENSIONS.check(profit) is None


def test_the_runtime_on_the_page_is_a_runtime() -> None:
    slurm = names_of("extending-runtimes.md", "runtime")["Slurm"]
    assert RUNTIMES.check(slurm) is None
    runtime = resolve_runtime(slurm(partition="gpu"), {"slurm": {"partition": "cpu", "python": "/py"}}.__getitem__)
    assert runtime is not None
    assert runtime.label() == "slurm gpu"
    assert runtime.create_process(None)._command == ["srun", "--partition", "gpu", "/py"]  # type: ignore[arg-type,attr-defined]
