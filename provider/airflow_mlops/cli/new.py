"""What the command ``airflow mlops new`` does."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from airflow_mlops.cli.output import or_exit

NEXT = """
It runs as it is, on rows that are made up. Then edit two of them:
  include/{model}/contract.yaml   your columns
  include/{model}/lifecycle.yaml  where their rows come from
and look whether it all fits:
  airflow mlops spec check include/{model}/lifecycle.yaml
  python -m pytest tests/test_{model}.py"""


def new(args: Namespace) -> None:
    """Write the files of a new model."""
    from airflow_mlops.core.lifecycle.scaffold import scaffold

    root = Path(args.into)
    if not root.is_dir():
        raise SystemExit(f"there is no folder {root}")
    for path in or_exit(lambda: scaffold(args.model, root)):
        print(f"wrote {path}")
    print(NEXT.format(model=args.model))
