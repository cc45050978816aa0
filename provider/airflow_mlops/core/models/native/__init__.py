"""Models stored in the formats of LightGBM, XGBoost, PyTorch and other packages, none of which is a pickle."""

from airflow_mlops.core.models.native.model_format import FORMATS, ModelFormat, find_format, get_format, is_trusted
from airflow_mlops.core.models.native.wrappers import NativeClassifier, NativeRegressor, to_native, wrap_network

__all__ = [
    "FORMATS",
    "ModelFormat",
    "NativeClassifier",
    "NativeRegressor",
    "find_format",
    "get_format",
    "is_trusted",
    "to_native",
    "wrap_network",
]
