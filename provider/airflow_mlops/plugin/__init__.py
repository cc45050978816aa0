"""Airflow plugins: report pages in the web UI, and template macros."""
