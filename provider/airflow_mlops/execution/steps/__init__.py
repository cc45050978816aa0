"""Lifecycle steps that run a team's model code, with one entry point: ``python -m airflow_mlops.execution.steps``.

This package does not import Airflow, so a container, another environment or a pod needs no Airflow installation.
"""
