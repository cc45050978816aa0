"""Many deferred sensors in a running Airflow."""
