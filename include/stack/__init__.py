"""The closed loop on the production stack: the same story as the demo's, told to an Airflow that runs elsewhere."""
