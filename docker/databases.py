"""Make the stack's databases, each with a login of its own that owns it. Safe to run again: passwords are set anew."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg2
from psycopg2 import sql

NAMES = ("airflow", "mlflow", "mlops", "churn")
SECRETS = Path("/run/secrets")


def main() -> None:
    """Make what is not there yet."""
    connection = psycopg2.connect(os.environ["MLOPS_POSTGRES_URL"], connect_timeout=15)
    connection.autocommit = True  # a database cannot be made inside a transaction
    with connection.cursor() as cursor:
        for name in NAMES:
            password = (SECRETS / f"{name}_db_password").read_text().strip()
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
            verb = "ALTER" if cursor.fetchone() else "CREATE"
            # A password cannot be bound in this statement, and must not be in the server's log either.
            cursor.execute("SET log_statement = 'none'; SET log_min_error_statement = 'panic'")
            login = sql.SQL("{} ROLE {} LOGIN PASSWORD {}")
            cursor.execute(login.format(sql.SQL(verb), sql.Identifier(name), sql.Literal(password)))
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if not cursor.fetchone():
                database = sql.SQL("CREATE DATABASE {} OWNER {}")
                cursor.execute(database.format(sql.Identifier(name), sql.Identifier(name)))
            # Nobody else's login gets in.
            cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
    connection.close()
    print("databases:", ", ".join(NAMES))


if __name__ == "__main__":
    main()
