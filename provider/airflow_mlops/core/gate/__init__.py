"""The promotion gate: compares a challenger with the champion and checks it against the policy."""

from airflow_mlops.core.gate.decision import decide
from airflow_mlops.core.gate.evidence import Evidence
from airflow_mlops.core.gate.policy import GatePolicy

__all__ = ["Evidence", "GatePolicy", "decide"]
