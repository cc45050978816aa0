"""Talking to MLflow: logins, TLS and deadlines of one connection, without a trace in the process's environment."""

from __future__ import annotations

from airflow_mlops.core.tracking.access import Access
from airflow_mlops.core.tracking.connecting import client_of, connect, local_files, local_folder
from airflow_mlops.core.tracking.trouble import TrackingUnavailable

__all__ = ["Access", "TrackingUnavailable", "client_of", "connect", "local_files", "local_folder"]
