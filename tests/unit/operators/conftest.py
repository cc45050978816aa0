"""Running one operator's step on a store and a snapshot root of the test's, without a DAG run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_mlops.common.report import Report
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.operators.base import LifecycleOperator
from airflow_mlops.store import reports
from airflow_mlops.store.database import Database


@dataclass
class Ended:
    """How a step has ended.

    :param result: what it returned; None when it raised.
    :param error: what it raised.
    :param pushed: what it pushed to XCom, by key.
    :param published: the reports that it has published.
    """

    result: Any
    error: BaseException | None
    pushed: dict[str, Any] = field(default_factory=dict)
    published: list[Report] = field(default_factory=list)

    @property
    def report(self) -> Report:
        """The one report."""
        (report,) = self.published
        return report


@pytest.fixture
def execute(database: Database, root: SnapshotRoot) -> Callable[..., Ended]:
    """Render an operator's templates, execute it, and say how it ended."""

    def run(task: LifecycleOperator, **context: Any) -> Ended:
        pushed: dict[str, Any] = {}

        def push(key: str, value: Any) -> None:
            pushed[key] = value

        ti = SimpleNamespace(dag_id="d", run_id="r", task_id=task.task_id, map_index=-1, task=task, xcom_push=push)
        task.__dict__["store"] = SimpleNamespace(database=database, snapshots=root)
        result, error = None, None
        try:
            task.render_template_fields(context)  # type: ignore[arg-type]
            result = task.execute({"ti": ti})  # type: ignore[typeddict-item]
        except Exception as raised:
            error = raised
        return Ended(result, error, pushed, reports.of_actor(database, f"d/r/{task.task_id}/"))

    return run
