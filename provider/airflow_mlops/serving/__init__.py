"""What runs in the container of a served model: the REST server, and nothing of Airflow."""
