"""Command ``airflow mlops extensions``."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from airflow_mlops.cli.output import print_rows
from airflow_mlops.common.extensions import ExtensionPoint
from airflow_mlops.common.imports import import_object

EXTENSION_POINTS = (
    "core.metrics.catalogue:METRIC_EXTENSIONS",
    "core.data.contracts.contract_check:CONTRACT_CHECKS",
    "core.drift.data.drift_methods:DRIFT_METHODS",
    "core.models.native.model_format:FORMATS",
    "execution.runtimes.base:RUNTIMES",
    "core.data.database:DIALECTS",
    "core.data.sources:ROW_SOURCES",
    "core.training.splits.parsing:SPLIT_RULES",
    "notifications.notifiers:NOTIFIERS",
)


def extension_points() -> list[ExtensionPoint[Any]]:
    """Return all extension points, in the order of the documentation."""
    return [import_object(f"airflow_mlops.{path}") for path in EXTENSION_POINTS]


def list_extensions(args: Namespace) -> None:
    """Print what is built in or installed for each extension point, and what cannot be loaded."""
    rows = [
        {"kind": point.kind, "name": name, "from": origin, "problem": problem}
        for point in extension_points()
        for name, origin, problem in point.describe()
        if args.all or origin != "built in"
    ]
    empty = "No package adds anything; --all lists what is built in."
    print_rows(rows, args.output, columns=("kind", "name", "from", "problem"), empty=empty)
    if any(row["problem"] for row in rows):
        raise SystemExit(1)
