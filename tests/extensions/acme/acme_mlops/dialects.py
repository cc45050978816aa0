"""A database, which is SQLite under another name, and its dialect."""

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from airflow_mlops.api import SqliteDialect


class AcmeDatabase(SQLiteDialect_pysqlite):
    """SQLAlchemy's side: ``acmedb:////path/of/file.db``."""

    name = "acmedb"
    supports_statement_cache = True


class AcmeDialect(SqliteDialect):
    min_version = (3, 35)
