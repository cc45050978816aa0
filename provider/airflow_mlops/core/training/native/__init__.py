"""Models that are kept in their libraries' own formats: LightGBM's, XGBoost's and PyTorch's. No pickle is in any."""

from airflow_mlops.core.training.native.models import (
    LIBRARIES,
    NativeClassifier,
    NativeRegressor,
    adapted,
    network,
)

__all__ = ["LIBRARIES", "NativeClassifier", "NativeRegressor", "adapted", "network"]
