"""Assets of the churn DAGs. Imported while DAG files are parsed."""

from __future__ import annotations

from airflow.sdk import Asset, AssetWatcher
from airflow.sdk.definitions.asset import Model

from airflow_mlops.triggers.drift import DriftTrigger
from include.churn.bundle import MODEL

features = Asset("churn_features", group="dataset")
scores = Asset("churn_scores", group="dataset")
champion = Model("churn_champion")
# Emitted by the triggerer, not by a task, when a drift episode in the lifecycle store requests a retraining.
retraining_requested = Asset(
    "churn_retraining_requested",
    watchers=[AssetWatcher(name="churn_drift", trigger=DriftTrigger(models=[MODEL], poll_seconds=1.0))],
)
