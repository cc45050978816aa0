"""The lifecycle store: the only package that knows our own SQL tables.

:class:`~airflow_mlops.store.database.Database` holds the engine; each other module has the queries of one subject.
"""
