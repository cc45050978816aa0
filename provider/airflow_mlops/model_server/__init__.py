"""REST server that runs in the container of a served model, independent of Airflow."""
