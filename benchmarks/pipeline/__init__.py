"""A pipeline of six steps: as a plain script, in two frameworks, and in a running Airflow."""
