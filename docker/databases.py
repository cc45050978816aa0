"""Create the stack's databases, each with its own owner. Safe to run again: passwords are updated."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg2
from psycopg2 import sql

NAMES = ("airflow", "mlflow", "mlops", "churn")
SECRETS = Path("/run/secrets")


def main() -> None:
    """Create missing databases and roles."""
    connection = psycopg2.connect(os.environ["MLOPS_POSTGRES_URL"], connect_timeout=15)
    connection.autocommit = True  # CREATE DATABASE cannot run inside a transaction
    with connection.cursor() as cursor:
        for name in NAMES:
            password = (SECRETS / f"{name}_db_password").read_text().strip()
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
            verb = "ALTER" if cursor.fetchone() else "CREATE"
            # A password cannot be a bind parameter here, and must not be logged by the server.
            cursor.execute("SET log_statement = 'none'; SET log_min_error_statement = 'panic'")
            login = sql.SQL("{} ROLE {} LOGIN PASSWORD {}")
            cursor.execute(login.format(sql.SQL(verb), sql.Identifier(name), sql.Literal(password)))
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if not cursor.fetchone():
                database = sql.SQL("CREATE DATABASE {} OWNER {}")
                cursor.execute(database.format(sql.Identifier(name), sql.Identifier(name)))
            # Other roles have no access.
            cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
    connection.close()
    print("databases:", ", ".join(NAMES))


if __name__ == "__main__":
    main()
