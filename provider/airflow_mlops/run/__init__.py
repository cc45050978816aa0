"""A step that runs a team's model code, wherever it runs: one entry point, ``python -m airflow_mlops.run``.

Nothing in here knows Airflow: a container, another environment or a pod needs this package and its libraries only.
"""
