"""The lifecycle store: the only place that knows SQL tables of ours.

One :class:`~airflow_mlops.store.database.Database` holds the engine; each other module is one subject's questions to
it.
"""
