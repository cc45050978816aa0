"""Leakage: what makes a model look better on the gate rows than it will be, found before anything is trained."""

from airflow_mlops.core.training.leakage.check import SAMPLE, check_leakage
from airflow_mlops.core.training.leakage.ignoring import Ignored

__all__ = ["SAMPLE", "Ignored", "check_leakage"]
