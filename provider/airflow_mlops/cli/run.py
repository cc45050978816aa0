"""What ``airflow mlops report`` does."""

from __future__ import annotations

from argparse import Namespace

from airflow_mlops.cli.output import or_exit
from airflow_mlops.hooks.store import LifecycleStoreHook


def report(args: Namespace) -> None:
    """Print a published report."""
    from airflow_mlops.core.pages import markdown, render
    from airflow_mlops.store import reports

    database = or_exit(lambda: LifecycleStoreHook(args.store_conn_id).database)
    found = or_exit(lambda: reports.get(database, args.report))
    ways = {"text": lambda r: r.summary(limit=100), "markdown": markdown, "html": render, "json": lambda r: r.to_json()}
    print(ways[args.format](found))
