"""Make or migrate the lifecycle store's tables: what ``airflow mlops db upgrade`` does, without starting Airflow."""

from __future__ import annotations

import os

from airflow_mlops.store.database import Database


def main() -> None:
    """Do it; say which schema the tables have now."""
    database = Database(os.environ["MLOPS_STORE_URL"])
    database.upgrade()
    print(f"lifecycle store: {database.address} has schema {database.version()}")


if __name__ == "__main__":
    main()
