"""What the commands do."""

from __future__ import annotations

from argparse import Namespace

from airflow_mlops.cli.output import or_exit, print_rows
from airflow_mlops.hooks.store import LifecycleStoreHook

_COLUMNS = ("epoch", "version", "effective_at", "recorded_at", "reason", "actor")


def history(args: Namespace) -> None:
    """Print who was champion, newest first."""
    from airflow_mlops.store import ledger

    database = or_exit(lambda: LifecycleStoreHook(args.store_conn_id).database)
    entries = [ledger.as_dict(e) for e in ledger.history(database, args.model, limit=args.limit)]
    print_rows(entries, args.output, columns=_COLUMNS, empty=f"{args.model} never had a champion")


def as_of(args: Namespace) -> None:
    """Print which version was champion at a moment."""
    from airflow_mlops.store import ledger
    from airflow_mlops.store.clock import from_iso

    try:
        moment = from_iso(args.moment)
    except ValueError:
        raise SystemExit(f"{args.moment!r} is not an ISO date or date-time") from None
    database = or_exit(lambda: LifecycleStoreHook(args.store_conn_id).database)
    entry = ledger.as_of(database, args.model, moment, clock=args.clock)
    rows = [ledger.as_dict(entry)] if entry else []
    print_rows(rows, args.output, columns=_COLUMNS, empty=f"{args.model} had no champion then")


def report(args: Namespace) -> None:
    """Print a published report."""
    from airflow_mlops.core.pages import markdown, render
    from airflow_mlops.store import reports

    database = or_exit(lambda: LifecycleStoreHook(args.store_conn_id).database)
    found = or_exit(lambda: reports.get(database, args.report))
    ways = {"text": lambda r: r.summary(limit=100), "markdown": markdown, "html": render, "json": lambda r: r.to_json()}
    print(ways[args.format](found))
