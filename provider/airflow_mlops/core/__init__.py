"""Lifecycle logic without Airflow: decision functions do no I/O."""
