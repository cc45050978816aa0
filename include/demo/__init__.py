"""`make demo`: run the model lifecycle in a local Airflow."""
