"""What the commands do."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from airflow_mlops.core.errors import MlopsError
from airflow_mlops.hooks.store import LifecycleStoreHook

_COLUMNS = ("epoch", "version", "effective_at", "recorded_at", "reason", "actor")


def db_upgrade(args: Namespace) -> None:
    """Create or migrate the store's tables."""
    from airflow_mlops.store.database import Database

    database = Database(LifecycleStoreHook(args.store_conn_id).url())
    _or_exit(database.upgrade)
    print(f"lifecycle store: {database.address} has schema version {database.version()}")


def db_status(args: Namespace) -> None:
    """Say where the store is, and whether it can be used."""
    good, message = LifecycleStoreHook(args.store_conn_id).test_connection()
    print(message)
    if not good:
        raise SystemExit(1)


def history(args: Namespace) -> None:
    """Print who was champion, newest first."""
    from airflow_mlops.store import ledger

    database = _or_exit(lambda: LifecycleStoreHook(args.store_conn_id).database)
    entries = [ledger.as_dict(e) for e in ledger.history(database, args.model, limit=args.limit)]
    _print(entries, args.output, empty=f"{args.model} never had a champion")


def as_of(args: Namespace) -> None:
    """Print which version was champion at a moment."""
    from airflow_mlops.store import ledger
    from airflow_mlops.store.clock import from_iso

    try:
        moment = from_iso(args.moment)
    except ValueError:
        raise SystemExit(f"{args.moment!r} is not an ISO date or date-time") from None
    database = _or_exit(lambda: LifecycleStoreHook(args.store_conn_id).database)
    entry = ledger.as_of(database, args.model, moment, clock=args.clock)
    _print([ledger.as_dict(entry)] if entry else [], args.output, empty=f"{args.model} had no champion then")


def report(args: Namespace) -> None:
    """Print a published report."""
    from airflow_mlops.core.pages import markdown, render
    from airflow_mlops.store import reports

    database = _or_exit(lambda: LifecycleStoreHook(args.store_conn_id).database)
    found = _or_exit(lambda: reports.get(database, args.report))
    ways = {"text": lambda r: r.summary(limit=100), "markdown": markdown, "html": render, "json": lambda r: r.to_json()}
    print(ways[args.format](found))


def _or_exit(what: Any) -> Any:
    """Do it, or end with the error's own words instead of a traceback."""
    try:
        return what()
    except MlopsError as error:
        raise SystemExit(str(error)) from None


def _print(rows: Sequence[dict[str, Any]], output: str, *, empty: str) -> None:
    if output == "json":
        print(json.dumps(rows, indent=1))
        return
    if not rows:
        print(empty)
        return
    from airflow.cli.simple_table import AirflowConsole

    AirflowConsole().print_as_table([{c: str(row[c]) for c in _COLUMNS} for row in rows])
