"""MLflow client with logins, TLS settings and timeouts of one connection, independent of the process's environment."""

from __future__ import annotations

from airflow_mlops.core.tracking.access import Access
from airflow_mlops.core.tracking.clients import connect, get_client, local_files, local_folder
from airflow_mlops.core.tracking.request_errors import TrackingUnavailable

__all__ = ["Access", "TrackingUnavailable", "connect", "get_client", "local_files", "local_folder"]
