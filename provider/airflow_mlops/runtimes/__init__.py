"""Where a step that runs model code runs: in the task's own process, in another Python, in a container."""

from airflow_mlops.runtimes.settings import Docker, ExternalPython

__all__ = ["Docker", "ExternalPython"]
