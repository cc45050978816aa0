"""What the commands ``airflow mlops db ...`` do."""

from __future__ import annotations

from argparse import Namespace

from airflow_mlops.cli.output import or_exit
from airflow_mlops.hooks.store import LifecycleStoreHook


def upgrade(args: Namespace) -> None:
    """Create or migrate the store's tables."""
    from airflow_mlops.store.database import Database

    database = or_exit(lambda: Database(LifecycleStoreHook(args.store_conn_id).url()))
    or_exit(database.upgrade)
    print(f"lifecycle store: {database.address} has schema {database.version()}")


def status(args: Namespace) -> None:
    """Say where the store is, and whether it can be used."""
    good, message = LifecycleStoreHook(args.store_conn_id).test_connection()
    print(message)
    if not good:
        raise SystemExit(1)
