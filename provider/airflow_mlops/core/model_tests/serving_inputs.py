"""Model test with serving inputs: other dtypes, missing values, unseen values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Check
from airflow_mlops.core.metrics import Array
from airflow_mlops.core.model_tests.outcomes import failed, passed
from airflow_mlops.core.model_tests.stability import ROUNDING_TOLERANCE, cause_message, is_clear_error
from airflow_mlops.core.model_tests.subject import ModelUnderTest, all_close, max_difference

ENVIRONMENT = "serving"
MAX_ROWS = 20
MAX_COLUMNS = 200
UNSEEN_VALUE = "a value never seen before"


@dataclass(frozen=True, slots=True, eq=False)
class InputVariant:
    """A variant of the rows that may occur in serving.

    :param description: how the rows differ, as text.
    :param rows: up to 20 feature rows.
    :param same_scores: whether the scores must not change.
    """

    description: str
    rows: pd.DataFrame
    same_scores: bool = False


def schema_at_serving(subject: ModelUnderTest, scores: Array) -> Check:
    """Score variants of the rows: each must give finite scores or a clear error."""
    if absent := _absent_features(subject):
        return failed(f"the contract excludes the feature {absent[0]!r} from serving", absent)
    expected, names = scores[:MAX_ROWS], list(subject.rows.columns)
    rejected: list[str] = []
    count = 0
    for variant in _iterate_variants(subject):
        count += 1
        try:
            result = subject.scorer.scores(variant.rows)
        except BadInput as error:
            if variant.same_scores or not is_clear_error(error, names):
                return failed(f"{variant.description}: scoring fails: {cause_message(error)}")
            rejected.append(variant.description)
            continue
        if not np.isfinite(result).all():
            return failed(f"{variant.description}: scores are missing or not finite")
        if variant.same_scores and not all_close(expected, result, ROUNDING_TOLERANCE):
            return failed(f"{variant.description}: scores differ by up to {max_difference(expected, result):.3g}")
    more = f"; the model rejects with a clear error: {', '.join(rejected[:5])}" if rejected else ""
    return passed(f"{count} input variants are handled{more}", {"rejected": rejected} if rejected else None)


def _absent_features(subject: ModelUnderTest) -> list[str]:
    contract = subject.contract
    if contract is None or ENVIRONMENT not in contract.environments:
        return []
    return [name for name in contract.environments[ENVIRONMENT].without if name in subject.rows.columns]


def _iterate_variants(subject: ModelUnderTest) -> Iterator[InputVariant]:
    rows = subject.rows.head(MAX_ROWS)
    names = list(rows.columns)[:MAX_COLUMNS]
    integers = [name for name in names if pd.api.types.is_integer_dtype(rows[name].dtype)]
    if integers:
        yield InputVariant("integers as floats", rows.astype(dict.fromkeys(integers, "float64")), same_scores=True)
    records = pd.DataFrame(rows.to_dict("records"), columns=rows.columns)
    yield InputVariant("rows as records", records, same_scores=True)
    nullable = [name for name in names if _is_nullable(subject, name)]
    for name in nullable:
        yield InputVariant(f"{name} missing", rows.assign(**{name: _missing_column(rows[name])}))
    if len(nullable) > 1:
        yield InputVariant(
            "all nullable columns missing", rows.assign(**{n: _missing_column(rows[n]) for n in nullable})
        )
    for name in names:
        if _is_text(rows[name]):
            unseen = pd.Series([UNSEEN_VALUE] * len(rows), dtype=object)
            yield InputVariant(f"{name} never seen", rows.assign(**{name: unseen}))


def _is_nullable(subject: ModelUnderTest, name: str) -> bool:
    """Check whether a column is nullable by the contract, or without one, whether the rows have missing values."""
    if subject.contract is not None and name in subject.contract.columns:
        return subject.contract.nullable(name)
    return bool(subject.rows[name].isna().any())


def _missing_column(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column of missing values in the dtype that snapshots use."""
    keep_dtype = _is_text(column) or pd.api.types.is_datetime64_any_dtype(column.dtype)
    return pd.Series([float("nan")] * len(column), dtype=column.dtype if keep_dtype else "float64")


def _is_text(column: pd.Series[Any]) -> bool:
    return not (
        pd.api.types.is_numeric_dtype(column.dtype)
        or pd.api.types.is_bool_dtype(column.dtype)
        or pd.api.types.is_datetime64_any_dtype(column.dtype)
    )
