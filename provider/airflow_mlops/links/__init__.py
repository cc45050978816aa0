"""Links from a task in Airflow's web interface to what it has made."""
