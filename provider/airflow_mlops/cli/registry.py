"""What the commands on champions do: who it was, where a version comes from, rolling back, adopting."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from typing import Any

from airflow_mlops.cli.output import or_exit, print_rows
from airflow_mlops.hooks.mlflow import MlflowHook
from airflow_mlops.hooks.model_loading import loading_of
from airflow_mlops.hooks.store import LifecycleStoreHook

_UNKNOWN_ROWS = (
    "Without --data nothing is known of the rows it was trained on: drift is not judged, and the gate blocks every "
    "comparison with it."
)
_COLUMNS = ("epoch", "action", "version", "effective_at", "recorded_at", "approver", "reason", "actor")


def history(args: Namespace) -> None:
    """Print who was champion, newest first."""
    from airflow_mlops.store import ledger

    database = or_exit(lambda: LifecycleStoreHook(args.store_conn_id).database)
    found = ledger.history(database, args.model, limit=args.limit, before_epoch=args.before_epoch)
    never = f"{args.model} had no champion before" if args.before_epoch else f"{args.model} never had a champion"
    _print(found, args.output, empty=never)


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
    _print([entry] if entry else [], args.output, empty=f"{args.model} had no champion then")


def lineage(args: Namespace) -> None:
    """Print where a version comes from and what became of it."""
    from airflow_mlops.core.registry import lineage as story

    store = LifecycleStoreHook(args.store_conn_id)

    def tell() -> dict[str, Any]:
        model, number = story.version_named(store.database, args.version)
        client = MlflowHook(args.mlflow_conn_id).client
        return story.lineage(store.database, model, number, client=client, root=store.snapshots)

    told = or_exit(tell)
    if args.output == "json":
        print(json.dumps(told, indent=1))
        return
    print_rows(story.rows_of(told), "table", columns=("what", "which", "value"), empty="nothing is known")


def rollback(args: Namespace) -> None:
    """Make an earlier champion champion again."""
    from airflow_mlops.core.registry.rollback import rollback as roll_back

    database = or_exit(lambda: LifecycleStoreHook(args.store_conn_id).database)
    entry = or_exit(
        lambda: roll_back(
            MlflowHook(args.mlflow_conn_id).client,
            database,
            model=args.model,
            to=args.to,
            reason=args.reason,
            actor=_person(),
            once=False,
        )
    )
    _print([entry], args.output, empty="")


def adopt(args: Namespace) -> None:
    """Make a model of MLflow's the first champion."""
    from airflow_mlops.core.address import snapshot_at
    from airflow_mlops.core.registry.adoption import adopt as take
    from airflow_mlops.store.tables import LedgerEntry

    store = LifecycleStoreHook(args.store_conn_id)

    def adopted() -> LedgerEntry:
        from airflow_mlops.core.data.contracts import Contract

        hook = MlflowHook(args.mlflow_conn_id)
        return take(
            hook.client,
            store.database,
            model=args.model,
            version=args.version,
            uri=args.uri,
            data=store.snapshots.open(snapshot_at(store.database, args.data)) if args.data else None,
            contract=Contract.load(args.contract) if args.contract else None,
            trusted=args.trusted_type or (),
            reason=args.reason,
            actor=_person(),
            how=loading_of(hook),
        )

    _print([or_exit(adopted)], args.output, empty="")
    if not args.data:
        print(_UNKNOWN_ROWS, file=sys.stderr)


def _person() -> str:
    """Give who types, as the ledger keeps it."""
    from getpass import getuser

    return f"cli/{getuser()}"


def _print(entries: Any, output: str, *, empty: str) -> None:
    from airflow_mlops.store import ledger

    print_rows([ledger.as_dict(entry) for entry in entries], output, columns=_COLUMNS, empty=empty)
