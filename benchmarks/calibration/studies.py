"""What the studies of drift are: streams in, outcomes out.

A stream is one reference and what is held against it, drawn afresh and judged once by each study that can
use it. Studies share the rows of a stream (the narrow dataset is the beginning of the wide one, so a stream is
drawn once for all sizes); streams share nothing, so each study's outcomes are independent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from airflow_mlops.common.report import Report
from airflow_mlops.core.data.profiles import Profile, profile
from airflow_mlops.core.drift.data import check_drift
from benchmarks.calibration.columns import Column, chance, draw_frame, mixed

REFERENCE, CURRENT, PLANTED = 0, 1, 2  # parts of the keys of chance
CUSTOMER = "customer"
MOST_TOGETHER = 30  # rows of one customer


@dataclass(frozen=True, slots=True)
class Size:
    """How large the studies are.

    :param streams: streams of each family.
    :param rows: rows of current data in A/A streams.
    :param reference_rows: rows of their references.
    :param widths: numbers of columns.
    :param tiny_rows: rows on both sides of the tiny shift.
    :param clustered_rows: rows of current data in clusters.
    """

    streams: Mapping[str, int]
    rows: tuple[int, ...] = (100, 1_000, 10_000, 100_000)
    reference_rows: tuple[int, ...] = (100, 100_000)
    widths: tuple[int, ...] = (10, 50, 200)
    tiny_rows: int = 1_000_000
    clustered_rows: tuple[int, ...] = (1_000, 10_000)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one study saw in one stream.

    :param study: the study's name.
    :param rows: rows of the current data.
    :param reference_rows: rows of the reference.
    :param columns: how many columns.
    :param fired: it alarmed; for a planted shift: at the column where it was.
    :param by: what alarmed, as ``method on kind of column``; of a planted shift the other columns.
    """

    study: str
    rows: int
    reference_rows: int
    columns: int
    fired: bool
    by: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


Family = Callable[[int, int, Size], Iterator[Outcome]]


def same(seed: int, stream: int, size: Size) -> Iterator[Outcome]:
    """A/A: current data is drawn as the reference was, so whatever fires is false."""
    columns = mixed(max(size.widths))
    references = {n: profile(draw_frame(columns, n, seed, 1, stream, REFERENCE, n)) for n in size.reference_rows}
    for rows in size.rows:
        frame = draw_frame(columns, rows, seed, 1, stream, CURRENT, rows)
        for reference_rows, reference in references.items():
            current = profile(frame, like=reference)
            for width in size.widths:
                part = columns[:width]
                report = check_drift(narrowed(reference, part), narrowed(current, part))
                fired = report.verdict == "fail"
                yield Outcome("aa", rows, reference_rows, width, fired, blamed(report, part))


def plants(columns: Sequence[Column]) -> dict[str, Column]:
    """Name the planted shifts, each the changed column that takes its original's place."""
    first = {column.kind: column for column in reversed(columns)}
    numbers = {missing: c for missing in (0.0, 0.01, 0.2) for c in columns if c.missing == missing}
    planted = {f"shift mean 0.2 sd, {k}": replace(first[k], shift=0.2) for k in ("normal", "lognormal", "gamma", "t3")}
    planted |= {f"shift scale 1.3x, {k}": replace(first[k], scale=1.3) for k in ("normal", "gamma", "uniform")}
    planted |= {f"shift share +10 points, {k}": replace(first[k], share=0.1) for k in ("3 names", "20 names")}
    planted["shift share +10 points, 1000 names"] = replace(first["1000 names, Zipf"], share=0.1)
    for before, column in numbers.items():
        planted[f"shift missing +5 points, {before:.0%} before"] = replace(column, missing=before + 0.05)
    return planted


def shifted(seed: int, stream: int, size: Size) -> Iterator[Outcome]:
    """A shift that matters in one of 20 columns: it is to be found."""
    columns, rows, reference_rows = mixed(20), 10_000, 100_000
    reference = profile(draw_frame(columns, reference_rows, seed, 2, stream, REFERENCE))
    quiet = profile(draw_frame(columns, rows, seed, 2, stream, CURRENT), like=reference)
    for number, (study, column) in enumerate(plants(columns).items()):
        drawn = draw_frame([column], rows, seed, 2, stream, PLANTED, number)
        planted = profile(drawn, like=narrowed(reference, [column]))
        current = replace(quiet, columns={**quiet.columns, **planted.columns})
        report = check_drift(reference, current)
        found = any(check.where == column.name for check in report.failed)
        others = blamed(report, [c for c in columns if c.name != column.name])
        yield Outcome(study, rows, reference_rows, len(columns), found)
        yield Outcome(f"info other columns of {study}", rows, reference_rows, len(columns), bool(others), others)


def tiny(seed: int, stream: int, size: Size) -> Iterator[Outcome]:
    """A shift of 0.02 sd in every column: a test alone would be certain of it, and nobody wants to know."""
    columns = [Column(kind, kind) for kind in ("normal", "lognormal", "gamma", "t3")]
    moved = [replace(column, shift=0.02) for column in columns]
    reference = profile(draw_frame(columns, size.tiny_rows, seed, 3, stream, REFERENCE))
    current = profile(draw_frame(moved, size.tiny_rows, seed, 3, stream, CURRENT), like=reference)
    report = check_drift(reference, current)
    by = blamed(report, columns)
    yield Outcome("tiny mean 0.02 sd", size.tiny_rows, size.tiny_rows, len(columns), report.verdict == "fail", by)


def clustered(seed: int, stream: int, size: Size) -> Iterator[Outcome]:
    """A/A of rows that belong together: a customer's rows share what the customer is."""
    columns, reference_rows = mixed(20), 100_000
    names = [column.name for column in columns]
    reference_frame = clustered_frame(columns, reference_rows, seed, 4, stream, REFERENCE)
    references = {key: profile(reference_frame, columns=names, cluster=key) for key in (CUSTOMER, None)}
    for rows in size.clustered_rows:
        frame = clustered_frame(columns, rows, seed, 4, stream, CURRENT, rows)
        for key, study in ((CUSTOMER, "aa clustered"), (None, "info aa clustered, key not named")):
            current = profile(frame, columns=names, like=references[key], cluster=key)
            report = check_drift(references[key], current)
            by = blamed(report, columns)
            yield Outcome(study, rows, reference_rows, len(columns), report.verdict == "fail", by)


def clustered_frame(columns: Sequence[Column], rows: int, *key: int) -> pl.DataFrame:
    """Draw rows of customers: geometrically many each (8 in the mean, 30 at most), nearly the same in all.

    :param columns: the columns, without the customer's, which comes last.
    :param rows: how many rows.
    :param key: names the draw.
    """
    rng = chance(*key, len(columns))
    sizes = np.minimum(rng.geometric(1 / 8, rows), MOST_TOGETHER)
    customer = np.repeat(np.arange(rows, dtype=np.uint32), sizes)[:rows]
    customers = int(customer[-1]) + 1
    drawn = []
    for i, column in enumerate(columns):
        own = chance(*key, i)
        series = column.draw(own, customers).gather(own.permutation(customers)).gather(customer)
        if series.dtype == pl.Float64 and column.kind != "constant":
            series = series + pl.Series(0.05 * own.standard_normal(rows))
        drawn.append(series.alias(column.name))
    prefix = "-".join(map(str, key))
    return pl.DataFrame([*drawn, pl.Series(CUSTOMER, [f"{prefix}-{c}" for c in customer])])


def narrowed(whole: Profile, columns: Sequence[Column]) -> Profile:
    """Return the profile of a part of the columns."""
    return replace(whole, columns={column.name: whole.columns[column.name] for column in columns})


def blamed(report: Report, columns: Sequence[Column]) -> tuple[str, ...]:
    """Return what fired where, once each."""
    kinds = {column.name: column.kind for column in columns}
    failed = [check for check in report.failed if check.where in kinds]
    methods = [(check.observed or {}).get("method") if check.name == "drift" else check.name for check in failed]
    return tuple(sorted({f"{m} on {kinds[str(c.where)]}" for m, c in zip(methods, failed, strict=True)}))


FAMILIES: dict[str, Family] = {"aa": same, "shift": shifted, "tiny": tiny, "clustered": clustered}
