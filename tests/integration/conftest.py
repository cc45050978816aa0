"""An Airflow, a lifecycle store and an MLflow of the tests' own, and how to run a DAG of the bundle in it."""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from include.demo.environment import BUNDLE, bundle_config
from tests.lifecycle_fixtures import Lifecycle, create_lifecycle

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from airflow.sdk import DAG

REPO = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An AIRFLOW_HOME with a migrated SQLite database; this process uses it, had it imported Airflow or not."""
    home = tmp_path_factory.mktemp("airflow")
    settings_of_ours = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPO / "dags"),
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": bundle_config(REPO),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GIT_PYTHON_REFRESH": "quiet",
    }
    imported_before = "airflow" in sys.modules
    with patch.dict(os.environ, settings_of_ours):
        from airflow import settings

        if imported_before:
            settings.configure_vars()
            settings.reconfigure_orm()
        from airflow.utils.db import initdb

        initdb()
        yield home
        settings.dispose_orm(do_log=False)


@pytest.fixture
def lifecycle(migrated_mlflow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lifecycle:
    """A fresh store, snapshot root and MLflow; the connections of the operators' defaults lead there."""
    return create_lifecycle(tmp_path, migrated_mlflow, monkeypatch)


@dataclass(frozen=True)
class Ran:
    """A DAG run that is over.

    :param run: Airflow's own
    :param state: ``success`` or ``failed``
    :param tasks: task id -> the states of its instances by map index
    """

    run: DagRun
    state: str
    tasks: dict[str, list[str | None]]

    @property
    def states(self) -> dict[str, str | None]:
        """Task id -> state, for tasks of one instance."""
        return {task: states[0] for task, states in self.tasks.items() if len(states) == 1}

    def xcom(self, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        """Return what a task pushed; None when it pushed nothing."""
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session

        with create_session() as session:
            found = session.scalars(
                XComModel.get_many(
                    key=key,
                    run_id=self.run.run_id,
                    dag_ids=self.run.dag_id,
                    task_ids=task_id,
                    map_indexes=map_index,
                )
            ).first()
            return None if found is None else XComModel.deserialize_value(found)


@pytest.fixture(scope="session")
def bundle_dag(airflow_home: Path) -> Callable[[str], DAG]:
    """Return a DAG of the bundle by its id, from ``dags/<id>.py`` or from whichever file has it."""
    from airflow.dag_processing.dagbag import BundleDagBag

    known: dict[str, DAG] = {}

    def dag(dag_id: str) -> DAG:
        if dag_id not in known:
            own = REPO / "dags" / f"{dag_id}.py"
            folder = own if own.is_file() else REPO / "dags"
            bag = BundleDagBag(dag_folder=folder, bundle_path=REPO, bundle_name=BUNDLE)
            assert dag_id in bag.dags, f"no DAG {dag_id}: {bag.import_errors or list(bag.dags)}"
            known[dag_id] = bag.dags[dag_id]
        return known[dag_id]

    return dag


@pytest.fixture
def run_dag(bundle_dag: Callable[[str], DAG], lifecycle: Lifecycle) -> Callable[..., Ran]:
    """Run a DAG of the bundle, or a test's own, by ``dag.test``: ``run_dag("titanic", run_conf={"seed": 3})``.

    Other keywords are those of ``dag.test``, and ``partition_key=``, which it does not have: as a real run with a
    key, such a run has no logical date, so give ``run_after=``. A date outside the DAG's start and end dates gives
    a successful run without tasks, which is an error here.
    """
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.serialization.definitions.dag import SerializedDAG
    from airflow.utils.session import create_session

    create = SerializedDAG.create_dagrun

    def run(wanted: str | DAG, *, partition_key: str | None = None, **kwargs: Any) -> Ran:
        def keyed(*args: Any, **values: Any) -> DagRun:
            return create(*args, **values, partition_key=partition_key)

        if partition_key is not None:
            kwargs.setdefault("logical_date", None)
        with ExitStack() as patched:
            patched.enter_context(patch.object(SerializedDAG, "create_dagrun", keyed if partition_key else create))
            if isinstance(wanted, str):
                dag = bundle_dag(wanted)
            else:
                dag = wanted
                _make_known(dag)
                none = patch.object(DagBundlesManager, "get_all_dag_bundles", lambda self: iter(()))
                patched.enter_context(none)  # so that it is not looked for in files
            given = [(dag, dag.params), *((task, task.params) for task in dag.tasks)]
            for owner, params in given:  # Airflow writes a run's conf into the DAG's own Params, for the next run too
                owner.params = deepcopy(params)
            try:
                done = dag.test(**kwargs)
            finally:
                for owner, params in given:
                    owner.params = params
        tasks = defaultdict(list)
        with create_session() as session:
            for ti in sorted(done.get_task_instances(session=session), key=lambda ti: ti.map_index):
                tasks[ti.task_id].append(None if ti.state is None else str(ti.state))
        assert tasks, f"{dag.dag_id} ran no task: is the date outside its start and end dates?"
        return Ran(done, str(done.state), dict(tasks))

    return run


def _make_known(dag: DAG) -> None:
    """Create a test's own DAG known to Airflow as if it were one of the bundle."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.collection import update_dag_parsing_results_in_db
    from airflow.serialization.serialized_objects import LazyDeserializedDAG
    from airflow.utils.session import create_session

    dag.relative_fileloc = f"{dag.dag_id}.py"
    with create_session() as session:
        DagBundlesManager().sync_bundles_to_db(session=session)
        session.commit()
        parsed = [LazyDeserializedDAG.from_dag(dag)]
        update_dag_parsing_results_in_db(BUNDLE, None, parsed, {}, None, set(), session=session)


@pytest.fixture
def business(lifecycle: Lifecycle, monkeypatch: pytest.MonkeyPatch) -> str:
    """A small company's database at the connection ``churn_db``; return its URL."""
    from sqlalchemy import create_engine

    from include.churn.business import build
    from include.churn.database import write

    path = lifecycle.folder / "business.db"
    write(build(3, 700), create_engine(f"sqlite:///{path}"))
    monkeypatch.setenv("AIRFLOW_CONN_CHURN_DB", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    return f"sqlite:///{path}"
