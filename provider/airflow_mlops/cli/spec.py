"""Commands ``airflow mlops spec ...``."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from airflow_mlops.cli.contract import write_text
from airflow_mlops.cli.output import run_or_exit


def check(args: Namespace) -> None:
    """Check a lifecycle file and the files and functions that it references."""
    from airflow_mlops.core.lifecycle import Lifecycle
    from airflow_mlops.core.lifecycle.validation import find_spec_errors as find_errors
    from airflow_mlops.dag_factory import lifecycle_dags

    # As Airflow does with a bundle's root, so that `include` can be imported.
    sys.path.insert(0, str(Path(args.root).resolve()))
    spec = run_or_exit(lambda: Lifecycle.load(args.spec))
    if errors := find_errors(spec):
        raise SystemExit("\n".join([f"{args.spec} is not valid:", *(f"- {error}" for error in errors)]))
    dags = run_or_exit(lambda: lifecycle_dags(args.spec))
    print(f"{args.spec}: valid; DAGs: {', '.join(dag.dag_id for dag in dags)}")


def schema(args: Namespace) -> None:
    """Print the JSON schema of a lifecycle file, for editors."""
    from airflow_mlops.core.lifecycle.schema import schema_text

    write_text(schema_text(), args.output)
