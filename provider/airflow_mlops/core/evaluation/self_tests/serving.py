"""A self-test on rows as they come when the model serves: other types, missing values, values never seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.evaluation.self_tests.outcome import failed, passed
from airflow_mlops.core.evaluation.self_tests.same import ROUNDED, cause, clear
from airflow_mlops.core.evaluation.self_tests.subject import Subject, alike, distance
from airflow_mlops.core.metrics import Array
from airflow_mlops.core.report import Check

ENVIRONMENT = "serving"
ROWS = 20
MOST_COLUMNS = 200
NEVER_SEEN = "a value never seen before"


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """Rows as they may come.

    :param what: what is different about them, in words.
    :param rows: up to 20 feature rows.
    :param same: whether the scores have to be what they were.
    """

    what: str
    rows: pd.DataFrame
    same: bool = False


def schema_at_serving(subject: Subject, scores: Array) -> Check:
    """Score the same rows as they may come: finite scores, or a refusal that says what is wrong."""
    if absent := _absent(subject):
        return failed(f"the feature {absent[0]!r} is not there when the model serves, says the contract", absent)
    expected, names = scores[:ROWS], list(subject.rows.columns)
    refused: list[str] = []
    tried = 0
    for variant in _variants(subject):
        tried += 1
        try:
            found = subject.scorer.scores(variant.rows)
        except BadInput as error:
            if variant.same or not clear(error, names):
                return failed(f"{variant.what}: it fails: {cause(error)}")
            refused.append(variant.what)
            continue
        if not np.isfinite(found).all():
            return failed(f"{variant.what}: its scores are missing or not finite")
        if variant.same and not alike(expected, found, ROUNDED):
            return failed(f"{variant.what}: its scores are other ones, up to {distance(expected, found):.3g} away")
    more = f"; it refuses, and says so: {', '.join(refused[:5])}" if refused else ""
    return passed(f"{tried} ways in which rows may come are answered{more}", {"refused": refused} if refused else None)


def _absent(subject: Subject) -> list[str]:
    contract = subject.contract
    if contract is None or ENVIRONMENT not in contract.environments:
        return []
    return [name for name in contract.environments[ENVIRONMENT].without if name in subject.rows.columns]


def _variants(subject: Subject) -> Iterator[Variant]:
    rows = subject.rows.head(ROWS)
    names = list(rows.columns)[:MOST_COLUMNS]
    whole = [name for name in names if pd.api.types.is_integer_dtype(rows[name].dtype)]
    if whole:
        yield Variant("whole numbers as floats", rows.astype(dict.fromkeys(whole, "float64")), same=True)
    records = pd.DataFrame(rows.to_dict("records"), columns=rows.columns)
    yield Variant("rows as plain records", records, same=True)
    nullable = [name for name in names if _may_be_missing(subject, name)]
    for name in nullable:
        yield Variant(f"{name} missing", rows.assign(**{name: _missing(rows[name])}))
    if len(nullable) > 1:
        yield Variant("all that may be missing, missing", rows.assign(**{n: _missing(rows[n]) for n in nullable}))
    for name in names:
        if _is_text(rows[name]):
            strange = pd.Series([NEVER_SEEN] * len(rows), dtype=object)
            yield Variant(f"{name} never seen", rows.assign(**{name: strange}))


def _may_be_missing(subject: Subject, name: str) -> bool:
    """Say what the contract says; without one, what the rows show."""
    if subject.contract is not None and name in subject.contract.columns:
        return subject.contract.nullable(name)
    return bool(subject.rows[name].isna().any())


def _missing(column: pd.Series[Any]) -> pd.Series[Any]:
    """Give a column whose values are all missing, in the type in which snapshots give it."""
    kept = _is_text(column) or pd.api.types.is_datetime64_any_dtype(column.dtype)
    return pd.Series([float("nan")] * len(column), dtype=column.dtype if kept else "float64")


def _is_text(column: pd.Series[Any]) -> bool:
    return not (
        pd.api.types.is_numeric_dtype(column.dtype)
        or pd.api.types.is_bool_dtype(column.dtype)
        or pd.api.types.is_datetime64_any_dtype(column.dtype)
    )
