"""Every version of the churn model on every labelled week: how much better is the new one really?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.churn import features
from include.churn.bundle import MODEL, TEST_SHARE, VALIDATION_SHARE

if TYPE_CHECKING:
    from airflow_mlops.core.data.snapshot import SnapshotRoot
    from airflow_mlops.store.database import Database
    from airflow_mlops.store.tables import Version

METRIC = "roc_auc"
BACKTEST = "backtest"
"""The kind of the windows in which the figures are kept."""


def backtest(database: Database, root: SnapshotRoot, tracking_uri: str) -> None:
    """Judge every version on every labelled week that was watched, and keep it as windows of the store.

    Only customers of the test part are scored: no version has ever been fitted or chosen on them, so that old and
    new are compared fairly.

    :param tracking_uri: MLflow's, from which the models come.
    """
    from airflow_mlops.store import versions

    for version in versions.all_of(database, MODEL):
        _judge(database, root, version, tracking_uri)


def watched(database: Database) -> list[str]:
    """Give the partitions that a champion has been watched on."""
    from airflow_mlops.store import windows

    return sorted({w.partition for w in windows.of_model(database, MODEL, "drift")})


def _judge(database: Database, root: SnapshotRoot, version: Version, tracking_uri: str) -> None:
    from airflow_mlops.core.metrics import metric
    from airflow_mlops.core.registry.loading import load_version
    from airflow_mlops.core.training.prediction import predict
    from airflow_mlops.core.training.splits import Shares, assign
    from airflow_mlops.store import catalogue, windows

    model = load_version(version, tracking_uri)
    labelled = {ref.partition: ref for ref in catalogue.partitions(database, "churn_labels")}
    for partition in watched(database):
        if partition not in labelled:
            continue
        rows = root.open(catalogue.current(database, "churn_features", partition)).to_pandas()
        rows = rows.merge(root.open(labelled[partition]).to_pandas(), on=features.KEY, validate="one_to_one")
        rows = rows[assign(rows, features.KEY, Shares(TEST_SHARE, VALIDATION_SHARE)) == "test"]
        scores = predict(model, rows[features.FEATURES])
        windows.record(
            database,
            model=MODEL,
            version=version.version,
            kind=BACKTEST,
            partition=partition,
            verdict="not_judged",
            value=metric(METRIC).value(rows[features.TARGET].to_numpy(), scores),
            rows=len(rows),
        )
