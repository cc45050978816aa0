"""What the commands ``airflow mlops spec ...`` do."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from airflow_mlops.cli.contract import write
from airflow_mlops.cli.output import or_exit


def check(args: Namespace) -> None:
    """Say whether a lifecycle's file holds, and what it names is there."""
    from airflow_mlops.core.lifecycle import Lifecycle
    from airflow_mlops.core.lifecycle.check import check as mistakes_of

    # As Airflow does with a bundle: `include` is found from its root.
    sys.path.insert(0, str(Path(args.root).resolve()))
    spec = or_exit(lambda: Lifecycle.load(args.spec))
    if mistakes := mistakes_of(spec):
        raise SystemExit("\n".join([f"{args.spec} does not hold:", *(f"- {mistake}" for mistake in mistakes)]))
    dags = ["features", *(name for name in ("training", "scoring", "monitoring") if getattr(spec, name) is not None)]
    print(f"{args.spec}: valid; DAGs: {', '.join(spec.dataset(name) for name in dags)}")


def schema(args: Namespace) -> None:
    """Print the JSON schema of a lifecycle's file, for editors."""
    from airflow_mlops.core.lifecycle.schema import schema_text

    write(schema_text(), args.output)
