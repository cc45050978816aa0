"""What every DAG of the bundle has, and that the README's own DAG runs."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_mlops.store import catalogue

REPO = Path(__file__).parents[2]
DAGS = sorted(file.stem for file in (REPO / "dags").glob("*.py"))


@pytest.mark.parametrize("dag_id", DAGS)
def test_every_dag_tells_its_story_and_can_be_asked(dag_id: str, bundle_dag: Callable[[str], Any]) -> None:
    dag = bundle_dag(dag_id)
    assert len(dag.doc_md.splitlines()) > 5
    assert dag.tags
    assert len(dag.params) >= 1
    for name in dag.params:
        param = dag.params.get_param(name)
        assert param.description or param.schema.get("title"), name
        assert param.schema.get("type"), name
    for task in dag.tasks:
        assert task.owner.endswith("-team")
        assert 1 <= task.retries <= 3


def test_the_bundle_has_no_import_error_and_only_dags_are_parsed(airflow_home: Path) -> None:
    from airflow.dag_processing.dagbag import BundleDagBag

    bag = BundleDagBag(dag_folder=REPO, bundle_path=REPO, bundle_name="airflow-mlops")
    assert bag.import_errors == {}
    assert sorted(bag.dags) == DAGS
    assert {Path(stat.file).name for stat in bag.dagbag_stats} == {f"{dag_id}.py" for dag_id in DAGS}


def test_the_dag_of_the_readme_runs_as_it_stands_there(
    airflow_home: Path, lifecycle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (REPO / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    with sqlite3.connect(lifecycle.folder / "shop.db") as shop:
        shop.execute("CREATE TABLE orders (order_id INTEGER, amount REAL)")
        shop.executemany("INSERT INTO orders VALUES (?, ?)", [(n, 9.5) for n in range(50)])
    url = f"sqlite:///{lifecycle.folder}/shop.db"
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", f'{{"conn_type": "generic", "extra": {{"sqlalchemy_url": "{url}"}}}}')
    folder = lifecycle.folder / "include" / "orders"
    folder.mkdir(parents=True)
    (folder / "contract.yaml").write_text(
        "name: orders\nkey: order_id\ncolumns:\n  order_id: {type: int}\n  amount: {type: float, min: 0}\n"
    )
    monkeypatch.syspath_prepend(str(lifecycle.folder))
    names: dict[str, Any] = {}
    exec(compile(code.replace("\norders()", "\nmade = orders()"), "README.md", "exec"), names)
    tasks = {task.task_id: task for task in names["made"].tasks}
    assert set(tasks) == {"ingest", "validate"}
    ingest = tasks["ingest"]
    ingest.render_template_fields({"dag_run": SimpleNamespace(run_after=datetime(2026, 4, 6, 9, tzinfo=UTC))})
    ref = ingest.execute(context_of("ingest"))
    assert catalogue.current(lifecycle.database, "orders", "2026-04-06").rows == ref["rows"] == 50
    validate = tasks["validate"]
    validate.snapshot = ref
    assert validate.execute(context_of("validate"))["verdict"] == "pass"


def context_of(task_id: str) -> Any:
    ti = SimpleNamespace(dag_id="orders", run_id="r", task_id=task_id, map_index=-1, xcom_push=lambda key, value: None)
    return {"ti": ti, "dag_run": SimpleNamespace(partition_key=None)}
