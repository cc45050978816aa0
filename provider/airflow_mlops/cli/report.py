"""Command ``airflow mlops report``."""

from __future__ import annotations

from argparse import Namespace

from airflow_mlops.cli.output import run_or_exit
from airflow_mlops.hooks.store import LifecycleStoreHook


def report(args: Namespace) -> None:
    """Print a published report."""
    from airflow_mlops.core.reports import render_markdown, render_page
    from airflow_mlops.store import reports

    database = run_or_exit(lambda: LifecycleStoreHook(args.store_conn_id).database)
    published = run_or_exit(lambda: reports.get(database, args.report))
    formats = {
        "text": lambda r: r.summary(limit=100),
        "markdown": render_markdown,
        "html": render_page,
        "json": lambda r: r.to_json(),
    }
    print(formats[args.format](published))
