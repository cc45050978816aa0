"""Create or migrate the lifecycle store's tables: what ``airflow mlops db upgrade`` does, without starting Airflow."""

from __future__ import annotations

import os

from airflow_mlops.store.database import Database


def main() -> None:
    """Upgrade the schema and print its version."""
    database = Database(os.environ["MLOPS_STORE_URL"])
    database.upgrade()
    print(f"lifecycle store: {database.address} has schema {database.version()}")


if __name__ == "__main__":
    main()
