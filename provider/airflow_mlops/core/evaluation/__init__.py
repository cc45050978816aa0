"""Metrics, evidence and the gate: is the challenger proven better than the champion?"""

from airflow_mlops.core.evaluation.gate import Evidence, decide
from airflow_mlops.core.evaluation.policy import GatePolicy

__all__ = ["Evidence", "GatePolicy", "decide"]
