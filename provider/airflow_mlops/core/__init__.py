"""The lifecycle as plain Python: no Airflow import, no I/O in the functions that decide."""
