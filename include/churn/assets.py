"""The assets that the churn DAGs hand over to each other. Imported while DAG files are parsed."""

from __future__ import annotations

from airflow.sdk import Asset, AssetWatcher
from airflow.sdk.definitions.asset import Model

from airflow_mlops.triggers.drift import DriftTrigger
from include.churn.bundle import MODEL

features = Asset("churn_features", group="dataset")
scores = Asset("churn_scores", group="dataset")
champion = Model("churn_champion")
# No task emits this one: the triggerer does, when the lifecycle store has a drift episode that asks for a retraining.
retraining_wanted = Asset(
    "churn_retraining_wanted",
    watchers=[AssetWatcher(name="churn_drift", trigger=DriftTrigger(models=[MODEL], poll_seconds=1.0))],
)
