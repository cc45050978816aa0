"""Tuning: a search for the parameters of a candidate, that goes on where it was when its task is killed."""

from airflow_mlops.core.training.tuning.settings import Tuning
from airflow_mlops.core.training.tuning.space import Parameter

__all__ = ["Parameter", "Tuning"]
