"""Evidence on a model, and the gate."""

from airflow_mlops.core.evaluation.gate import Evidence, GatePolicy, decide

__all__ = ["Evidence", "GatePolicy", "decide"]
