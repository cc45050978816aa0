"""Hyperparameter search of a candidate, resumed where a killed attempt stopped."""

from airflow_mlops.core.training.tuning.settings import Tuning
from airflow_mlops.core.training.tuning.space import SearchParameter

__all__ = ["SearchParameter", "Tuning"]
