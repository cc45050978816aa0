"""Runtimes of steps that run model code: the task's process, another Python, or a container."""

from airflow_mlops.execution.runtimes.base import RemoteRuntime
from airflow_mlops.execution.runtimes.docker import Docker
from airflow_mlops.execution.runtimes.external_python import ExternalPython

__all__ = ["Docker", "ExternalPython", "RemoteRuntime"]
