"""The demo scenario on the production stack, against a remote Airflow."""
