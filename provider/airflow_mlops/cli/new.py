"""Command ``airflow mlops new``."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from airflow_mlops.cli.output import run_or_exit

NEXT_STEPS = """
The DAGs run immediately, on synthetic rows. Next, edit two of the files:
  include/{model}/contract.yaml   your columns
  include/{model}/lifecycle.yaml  the source of your rows
and check the result:
  airflow mlops spec check include/{model}/lifecycle.yaml
  python -m pytest tests/test_{model}.py"""


def new(args: Namespace) -> None:
    """Write the files of a new model."""
    from airflow_mlops.core.lifecycle.scaffold import scaffold

    root = Path(args.into)
    if not root.is_dir():
        raise SystemExit(f"no such folder: {root}")
    for path in run_or_exit(lambda: scaffold(args.model, root)):
        print(f"wrote {path}")
    print(NEXT_STEPS.format(model=args.model))
