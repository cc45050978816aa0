"""The gate: is the challenger proven better than the champion, and within every bound?"""

from airflow_mlops.core.evaluation.gate.decision import decide
from airflow_mlops.core.evaluation.gate.evidence import Evidence
from airflow_mlops.core.evaluation.gate.policy import GatePolicy

__all__ = ["Evidence", "GatePolicy", "decide"]
