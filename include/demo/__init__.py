"""`make demo`: start a real Airflow on this machine, drive the lifecycle through it, stop it again."""
