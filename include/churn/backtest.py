"""Backtest of every version of the churn model on every labelled week."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.churn import features
from include.churn.bundle import MODEL, TEST_FRACTION, VALIDATION_FRACTION

if TYPE_CHECKING:
    from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
    from airflow_mlops.store.database import Database
    from airflow_mlops.store.tables import Version

METRIC = "roc_auc"
BACKTEST = "backtest"
"""Kind of the windows in which the metrics are stored."""


def backtest(database: Database, root: SnapshotRoot, tracking_uri: str) -> None:
    """Evaluate every version on every monitored week that has labels, and store the metrics as windows.

    Only customers of the test part are scored: no version was fitted or selected on them.

    :param tracking_uri: MLflow's tracking URI, from which the models are loaded.
    """
    from airflow_mlops.store import versions

    for version in versions.of_model(database, MODEL):
        _evaluate(database, root, version, tracking_uri)


def monitored_partitions(database: Database) -> list[str]:
    """List the partitions on which a champion has been monitored."""
    from airflow_mlops.store import windows

    return sorted({w.partition for w in windows.of_model(database, MODEL, "drift")})


def _evaluate(database: Database, root: SnapshotRoot, version: Version, tracking_uri: str) -> None:
    from airflow_mlops.core.metrics import get_metric
    from airflow_mlops.core.models.loading import load_version
    from airflow_mlops.core.models.prediction import predict
    from airflow_mlops.core.training.splits import SplitFractions, assign_parts
    from airflow_mlops.store import catalogue, windows

    model = load_version(version, tracking_uri)
    labelled = {ref.partition: ref for ref in catalogue.partitions(database, "churn_labels")}
    for partition in monitored_partitions(database):
        if partition not in labelled:
            continue
        rows = root.open(catalogue.current(database, "churn_features", partition)).to_pandas()
        rows = rows.merge(root.open(labelled[partition]).to_pandas(), on=features.KEY, validate="one_to_one")
        rows = rows[assign_parts(rows, features.KEY, SplitFractions(TEST_FRACTION, VALIDATION_FRACTION)) == "test"]
        scores = predict(model, rows[features.FEATURES])
        result = windows.WindowResult(
            model=MODEL,
            version=version.version,
            kind=BACKTEST,
            partition=partition,
            verdict="inconclusive",
            value=get_metric(METRIC).value(rows[features.TARGET].to_numpy(), scores),
            rows=len(rows),
        )
        windows.record(database, result)
