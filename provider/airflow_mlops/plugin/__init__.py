"""The plugin of Airflow's web interface: reports as pages, behind Airflow's own login."""
