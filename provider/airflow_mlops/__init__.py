"""The machine-learning lifecycle for Apache Airflow 3."""

__version__ = "0.1.0"
