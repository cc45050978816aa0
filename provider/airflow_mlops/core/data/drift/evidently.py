"""The one adapter to Evidently: its HTML, for people who know it, from a bounded sample. It judges nothing here."""

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

from airflow_mlops.core.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from airflow_mlops.core.data.frames import Table
    from airflow_mlops.core.data.profiles import Profile

ROWS = 10_000
MOST_CATEGORIES = 100  # Evidently's time grows with the square of the categories
MOST_NAMED = 20
_OPENING = "<body>"
_NOTE = (
    '<p style="margin:0;padding:.9rem 1.5rem;background:#fff7e0;color:#4a3a00;border-bottom:1px solid #e5d9b0;'
    'font:15px/1.5 system-ui,sans-serif">{}</p>'
)


def evidently_html(
    reference: Any, current: Any, path: str | PathLike[str], *, rows: int = ROWS, seed: int = 0
) -> dict[str, str]:
    """Write Evidently's page on drift, one picture a column, from a random sample of both sides.

    :param reference: the rows that the model was trained on: whatever ``profile`` reads.
    :param current: the rows now.
    :param path: the file to write; it is there whole or not at all.
    :param rows: how many rows of each side are read, at most.
    :param seed: of the sample: the same rows give the same sample.
    :return: column -> why it is not on the page; its verdict is in the report all the same.
    :raises BadInput: when the data cannot be read, or no column can be compared.
    """
    from airflow_mlops.core.data.frames import open_table

    sides = [open_table(side) for side in (reference, current)]
    samples = [sample(table, rows, seed + i) for i, table in enumerate(sides)]
    kinds, left_out = _columns(*samples)
    if not kinds:
        raise BadInput(
            "no column can be shown by Evidently",
            where=f"{sides[0].where} and {sides[1].where}",
            mend=f"it needs numbers, or categories of at most {MOST_CATEGORIES} names, with values on both sides: "
            + "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:5]),
        )
    page = _page(_frame(samples[0], kinds), _frame(samples[1], kinds), kinds)
    opening, body, rest = page.partition(_OPENING)
    if not body:
        raise BadInput("Evidently's page has another form than expected", mend="use a version of it that is tested")
    note = _NOTE.format(html.escape(_said(sides, samples, left_out)))
    _write(Path(path), f"{opening}{body}{note}{rest}")
    return left_out


def sample(table: Table, rows: int, seed: int) -> pl.DataFrame:
    """Draw rows at random without putting any back, slice by slice, in their order.

    :param table: the rows.
    :param rows: how many; all of them when there are not more.
    :param seed: the same gives the same rows.
    """
    import numpy as np
    import polars as pl

    if table.rows <= rows:
        return pl.concat([piece.collect() for piece in table.slices()]) if table.rows else pl.DataFrame(table.schema)
    drawn = np.sort(np.random.default_rng(seed).choice(table.rows, size=rows, replace=False))
    found = []
    for piece in table.slices():
        here = drawn[(drawn >= piece.first_row) & (drawn < piece.first_row + piece.rows)] - piece.first_row
        if len(here):
            found.append(piece.collect(piece.frame.select(pl.all().gather(here.tolist()))))
    return pl.concat(found)


def _columns(reference: pl.DataFrame, current: pl.DataFrame) -> tuple[dict[str, str], dict[str, str]]:
    """Say of each column that both sides have how Evidently is to take it, or why it is left out."""
    from airflow_mlops.core.data.profiles import profile

    before = profile(reference)
    now = profile(current, columns=[name for name in before.columns if name in current.columns], like=before)
    kinds: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for name in before.columns:
        why = _why_not(name, before, now)
        if why is None:
            kinds[name] = "number" if before.columns[name].kind == "number" else "category"
        else:
            left_out[name] = why
    return kinds, left_out


def _why_not(name: str, before: Profile, now: Profile) -> str | None:
    was = before.columns[name]
    if name not in now.columns:
        return "not in the current data"
    if now.columns[name].kind != was.kind:
        return f"of kind {was.kind} before and {now.columns[name].kind} now"
    if was.kind not in ("number", "category", "bool"):
        return f"of kind {was.kind}"
    if not was.count or not now.columns[name].count:
        return "without values on one side"
    if max(column.columns[name].distinct or 0 for column in (before, now)) > MOST_CATEGORIES:
        return f"more than {MOST_CATEGORIES} categories"
    return None


def _frame(rows: pl.DataFrame, kinds: dict[str, str]) -> pd.DataFrame:
    """Give the columns as Evidently takes them: numbers as floats without infinite ones, all else as text."""
    import polars as pl

    columns = []
    for name, kind in kinds.items():
        if kind == "number":
            value = pl.col(name).cast(pl.Float64)
            columns.append(pl.when(value.is_finite()).then(value).alias(_name(name)))
        else:
            columns.append(_harmless(pl.col(name).cast(pl.String)).alias(_name(name)))
    return rows.select(columns).to_pandas()


def _harmless(text: pl.Expr) -> pl.Expr:
    """Take from a text what could end a script: Evidently writes names and values into one as they are."""
    return text.str.slice(0, 100).str.replace_all("<", "‹", literal=True)


def _name(column: str) -> str:
    return column.replace("<", "‹")


def _page(reference: pd.DataFrame, current: pd.DataFrame, kinds: dict[str, str]) -> str:
    """Let Evidently compare, a metric a column: its preset computes each test three times."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about pandas and SciPy to come; nothing that a reader could mend
        from evidently import DataDefinition, Dataset, Report
        from evidently.metrics import ValueDrift

        definition = DataDefinition(
            numerical_columns=[_name(name) for name, kind in kinds.items() if kind == "number"],
            categorical_columns=[_name(name) for name, kind in kinds.items() if kind == "category"],
        )
        with _untracked():
            sides = [Dataset.from_pandas(side, data_definition=definition) for side in (current, reference)]
            result = Report([ValueDrift(column=_name(name)) for name in kinds]).run(*sides)
            return str(result.get_html_str(as_iframe=False))


@contextmanager
def _untracked() -> Iterator[None]:
    """Keep Evidently from telling its makers, as ``DO_NOT_TRACK`` would, without touching the environment."""
    from evidently.telemetry import event_logger

    before, event_logger.enabled = event_logger.enabled, lambda: False
    try:
        yield
    finally:
        event_logger.enabled = before


def _said(sides: list[Table], samples: list[pl.DataFrame], left_out: dict[str, str]) -> str:
    told = [f"{len(rows):,} of {table.rows:,}" for rows, table in zip(samples, sides, strict=True)]
    said = (
        f"Evidently's view of a random sample: {told[0]} reference rows and {told[1]} current rows. "
        "The verdict is not taken from here: it comes from the full scan and stands in the drift report."
    )
    if left_out:
        named = [f"{name[:60]} ({why})" for name, why in list(left_out.items())[:MOST_NAMED]]
        more = f" and {len(left_out) - MOST_NAMED} more" if len(left_out) > MOST_NAMED else ""
        said += f" Not shown: {', '.join(named)}{more}."
    return said


def _write(path: Path, text: str) -> None:
    """Write beside, then rename: nobody sees half a page."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
