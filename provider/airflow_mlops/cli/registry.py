"""Commands on champions and versions: history, as-of, lineage, rollback and adopt."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from typing import Any

from airflow_mlops.cli.output import print_rows, run_or_exit
from airflow_mlops.hooks.mlflow import MlflowHook
from airflow_mlops.hooks.model_loading import loading_options
from airflow_mlops.hooks.store import LifecycleStoreHook

_NO_DATA_WARNING = (
    "Without --data the training rows are unknown: drift checks are inconclusive, and the gate blocks every "
    "comparison with this version."
)
_COLUMNS = ("revision", "action", "version", "effective_at", "recorded_at", "approver", "reason", "actor")


def history(args: Namespace) -> None:
    """Print the champions of a model, newest first."""
    from airflow_mlops.store import ledger

    database = run_or_exit(lambda: LifecycleStoreHook(args.store_conn_id).database)
    entries = ledger.history(database, args.model, limit=args.limit, before_revision=args.before_revision)
    empty = f"{args.model} had no champion before" if args.before_revision else f"{args.model} never had a champion"
    _print(entries, args.output, empty=empty)


def as_of(args: Namespace) -> None:
    """Print the champion at a time."""
    from airflow_mlops.store import ledger
    from airflow_mlops.store.clock import from_iso

    try:
        timestamp = from_iso(args.moment)
    except ValueError:
        raise SystemExit(f"{args.moment!r} is not an ISO date or date-time") from None
    database = run_or_exit(lambda: LifecycleStoreHook(args.store_conn_id).database)
    entry = ledger.as_of(database, args.model, timestamp, clock=args.clock)
    _print([entry] if entry else [], args.output, empty=f"{args.model} had no champion then")


def lineage(args: Namespace) -> None:
    """Print a version's origin and its later use."""
    from airflow_mlops.core.registry import lineage as version_lineage

    store = LifecycleStoreHook(args.store_conn_id)

    def load() -> dict[str, Any]:
        model, number = version_lineage.parse_version(store.database, args.version)
        client = MlflowHook(args.mlflow_conn_id).client
        return version_lineage.build_lineage(store.database, model, number, client=client, root=store.snapshots)

    facts = run_or_exit(load)
    if args.output == "json":
        print(json.dumps(facts, indent=1))
        return
    rows = version_lineage.lineage_rows(facts)
    print_rows(rows, "table", columns=("what", "which", "value"), empty="no lineage recorded")


def rollback(args: Namespace) -> None:
    """Roll back to an earlier champion."""
    from airflow_mlops.core.registry.rollback import rollback as roll_back

    database = run_or_exit(lambda: LifecycleStoreHook(args.store_conn_id).database)
    entry = run_or_exit(
        lambda: roll_back(
            MlflowHook(args.mlflow_conn_id).client,
            database,
            model=args.model,
            to=args.to,
            reason=args.reason,
            actor=_actor(),
            once=False,
        )
    )
    _print([entry], args.output, empty="")


def adopt(args: Namespace) -> None:
    """Adopt a model from MLflow as the first champion."""
    from airflow_mlops.core.data.snapshots.resolver import resolve_snapshot
    from airflow_mlops.core.registry.adoption import adopt as adopt_model
    from airflow_mlops.store.tables import LedgerEntry

    store = LifecycleStoreHook(args.store_conn_id)

    def run() -> LedgerEntry:
        from airflow_mlops.core.data.contracts import Contract

        hook = MlflowHook(args.mlflow_conn_id)
        return adopt_model(
            hook.client,
            store.database,
            model=args.model,
            version=args.version,
            uri=args.uri,
            data=store.snapshots.open(resolve_snapshot(store.database, args.data)) if args.data else None,
            contract=Contract.load(args.contract) if args.contract else None,
            trusted=args.trusted_type or (),
            reason=args.reason,
            actor=_actor(),
            loading=loading_options(hook),
        )

    _print([run_or_exit(run)], args.output, empty="")
    if not args.data:
        print(_NO_DATA_WARNING, file=sys.stderr)


def _actor() -> str:
    """Return the user as the ledger's actor."""
    from getpass import getuser

    return f"cli/{getuser()}"


def _print(entries: Any, output: str, *, empty: str) -> None:
    from airflow_mlops.store import ledger

    print_rows([ledger.to_dict(entry) for entry in entries], output, columns=_COLUMNS, empty=empty)
