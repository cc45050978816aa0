"""Evidently's HTML report from a bounded sample; verdicts do not depend on it."""

from __future__ import annotations

import html
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from airflow_mlops.core.data.frames import LazyTable
    from airflow_mlops.core.data.profiles import Profile

MAX_SAMPLE_ROWS = 10_000
MAX_CATEGORIES = 100  # Evidently's runtime is quadratic in the number of categories
_MAX_OMITTED_LISTED = 20
_BODY_TAG = "<body>"
_BANNER = (
    '<p style="margin:0;padding:.9rem 1.5rem;background:#fff7e0;color:#4a3a00;border-bottom:1px solid #e5d9b0;'
    'font:15px/1.5 system-ui,sans-serif">{}</p>'
)


def write_evidently_report(
    reference: Any, current: Any, path: str | PathLike[str], *, rows: int = MAX_SAMPLE_ROWS, seed: int = 0
) -> dict[str, str]:
    """Write Evidently's drift report from a random sample of both sides, one chart per column.

    :param reference: the rows that the model was trained on, in any form that ``profile`` accepts.
    :param current: the current rows.
    :param path: the file, which is written atomically.
    :param rows: the maximum number of rows per side.
    :param seed: the seed of the sample.
    :return: omitted column -> reason; the drift report covers these columns as well.
    :raises BadInput: when the data cannot be read, or no column can be compared.
    """
    from airflow_mlops.core.data.frames import open_table

    sides = [open_table(side) for side in (reference, current)]
    samples = [sample_rows(table, rows, seed + i) for i, table in enumerate(sides)]
    kinds, omitted = _columns(*samples)
    if not kinds:
        raise BadInput(
            "no column is supported by Evidently",
            where=f"{sides[0].where} and {sides[1].where}",
            hint=f"it requires numbers, or categories of at most {MAX_CATEGORIES} names, with values on both sides: "
            + "; ".join(f"{name}: {reason}" for name, reason in list(omitted.items())[:5]),
        )
    page = _render(_to_pandas(samples[0], kinds), _to_pandas(samples[1], kinds), kinds)
    head, tag, rest = page.partition(_BODY_TAG)
    if not tag:
        raise BadInput("Evidently's HTML has an unexpected structure", hint="use a tested version of Evidently")
    banner = _BANNER.format(html.escape(_banner_text(sides, samples, omitted)))
    _write(Path(path), f"{head}{tag}{banner}{rest}")
    return omitted


def sample_rows(table: LazyTable, rows: int, seed: int) -> pl.DataFrame:
    """Sample rows at random without replacement, slice by slice, in their order.

    :param table: the rows.
    :param rows: the sample size; all rows when there are not more.
    :param seed: the seed of the sample.
    """
    import numpy as np
    import polars as pl

    if table.rows <= rows:
        return pl.concat([piece.collect() for piece in table.slices()]) if table.rows else pl.DataFrame(table.schema)
    drawn = np.sort(np.random.default_rng(seed).choice(table.rows, size=rows, replace=False))
    frames = []
    for piece in table.slices():
        indices = drawn[(drawn >= piece.first_row) & (drawn < piece.first_row + piece.rows)] - piece.first_row
        if len(indices):
            frames.append(piece.collect(piece.frame.select(pl.all().gather(indices.tolist()))))
    return pl.concat(frames)


def _columns(reference: pl.DataFrame, current: pl.DataFrame) -> tuple[dict[str, str], dict[str, str]]:
    """Return Evidently's type of each column, and the omitted columns with the reason."""
    from airflow_mlops.core.data.profiles import profile

    before = profile(reference)
    now = profile(current, columns=[name for name in before.columns if name in current.columns], like=before)
    kinds: dict[str, str] = {}
    omitted: dict[str, str] = {}
    for name in before.columns:
        reason = _omission_reason(name, before, now)
        if reason is None:
            kinds[name] = "number" if before.columns[name].kind == "number" else "category"
        else:
            omitted[name] = reason
    return kinds, omitted


def _omission_reason(name: str, before: Profile, now: Profile) -> str | None:
    was = before.columns[name]
    if name not in now.columns:
        return "not in the current data"
    if now.columns[name].kind != was.kind:
        return f"of kind {was.kind} before and {now.columns[name].kind} now"
    if was.kind not in ("number", "category", "bool"):
        return f"of kind {was.kind}"
    if not was.count or not now.columns[name].count:
        return "without values on one side"
    if max(column.columns[name].distinct or 0 for column in (before, now)) > MAX_CATEGORIES:
        return f"more than {MAX_CATEGORIES} categories"
    return None


def _to_pandas(rows: pl.DataFrame, kinds: dict[str, str]) -> pd.DataFrame:
    """Convert columns for Evidently: numbers to finite floats, all others to text."""
    import polars as pl

    columns = []
    for name, kind in kinds.items():
        if kind == "number":
            value = pl.col(name).cast(pl.Float64)
            columns.append(pl.when(value.is_finite()).then(value).alias(_escape_name(name)))
        else:
            columns.append(_escape(pl.col(name).cast(pl.String)).alias(_escape_name(name)))
    return rows.select(columns).to_pandas()


def _escape(text: pl.Expr) -> pl.Expr:
    """Replace characters that could end a script: Evidently does not escape names and values in scripts."""
    return text.str.slice(0, 100).str.replace_all("<", "‹", literal=True)


def _escape_name(column: str) -> str:
    return column.replace("<", "‹")


def _render(reference: pd.DataFrame, current: pd.DataFrame, kinds: dict[str, str]) -> str:
    """Render Evidently's report with one metric per column: its preset computes each test three times."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations of pandas and SciPy, which users cannot fix
        from evidently import DataDefinition, Dataset, Report
        from evidently.metrics import ValueDrift

        definition = DataDefinition(
            numerical_columns=[_escape_name(name) for name, kind in kinds.items() if kind == "number"],
            categorical_columns=[_escape_name(name) for name, kind in kinds.items() if kind == "category"],
        )
        with _without_telemetry():
            sides = [Dataset.from_pandas(side, data_definition=definition) for side in (current, reference)]
            result = Report([ValueDrift(column=_escape_name(name)) for name in kinds]).run(*sides)
            return str(result.get_html_str(as_iframe=False))


@contextmanager
def _without_telemetry() -> Iterator[None]:
    """Disable Evidently's telemetry without changing the environment variable ``DO_NOT_TRACK``."""
    from evidently.telemetry import event_logger

    before, event_logger.enabled = event_logger.enabled, lambda: False
    try:
        yield
    finally:
        event_logger.enabled = before


def _banner_text(sides: list[LazyTable], samples: list[pl.DataFrame], omitted: dict[str, str]) -> str:
    sizes = [f"{len(rows):,} of {table.rows:,}" for rows, table in zip(samples, sides, strict=True)]
    text = (
        f"Evidently's view of a random sample: {sizes[0]} reference rows and {sizes[1]} current rows. "
        "The verdict does not come from this sample: it comes from the full scan in the drift report."
    )
    if omitted:
        listed = [f"{name[:60]} ({reason})" for name, reason in list(omitted.items())[:_MAX_OMITTED_LISTED]]
        more = f" and {len(omitted) - _MAX_OMITTED_LISTED} more" if len(omitted) > _MAX_OMITTED_LISTED else ""
        text += f" Not shown: {', '.join(listed)}{more}."
    return text


def _write(path: Path, text: str) -> None:
    """Write a file atomically: to a temporary file, which is then renamed."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
