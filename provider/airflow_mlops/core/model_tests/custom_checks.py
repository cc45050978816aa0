"""Runs the custom model tests of a ``self_tests.py``."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Check
from airflow_mlops.core.metrics import Array
from airflow_mlops.core.model_tests.custom_tests import (
    Case,
    CustomTestFunction,
    CustomTests,
    Direction,
    Invariance,
    change_arguments,
)
from airflow_mlops.core.model_tests.outcomes import failed, inconclusive, passed
from airflow_mlops.core.model_tests.subject import ModelScorer, build_column

MIN_ROWS = 10
MAX_EXAMPLES = 3
_MAX_NAME_LENGTH = 80


def build_custom_tests(custom_tests: CustomTests) -> Iterator[tuple[str, str, Callable[[ModelScorer], Check]]]:
    """Yield for each test its name, a description, and the function that runs it on a model."""
    for number, case in enumerate(custom_tests.cases, start=1):
        yield (
            f"case {number}: {case.reason}"[:_MAX_NAME_LENGTH],
            f"a score {case.expect}: {case.reason}",
            partial(_run_case, case),
        )
    changes: list[Invariance | Direction] = [*custom_tests.invariances, *custom_tests.directions]
    for change in changes:
        name = "invariance" if isinstance(change, Invariance) else "direction"
        yield f"{name} {change.column}", _describe(change), partial(_run_change, change)
    for name, function in custom_tests.functions.items():
        description = " ".join((function.__doc__ or name.replace("_", " ")).split())
        yield name, description, partial(_run_function, function)


def _run_case(case: Case, model: ModelScorer) -> Check:
    score = model.score(case.inputs, case.target_class)
    observed = {"score": score, "inputs": dict(case.inputs)}
    message = f"the score is {score:.4g}, expected is one {case.expect}"
    return passed(message, observed) if score in case.expect else failed(f"{message}: {case.reason}", observed)


def _run_function(function: CustomTestFunction, model: ModelScorer) -> Check:
    try:
        function(model)
    except AssertionError as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return failed(str(error).strip() or f"line {last.lineno}: {last.line}")
    return passed("passed")


def _describe(change: Invariance | Direction) -> str:
    by, to = change_arguments(change)
    how = f"by {by:+g}" if by is not None else f"to {'other values' if callable(to) else repr(to)}"
    effect = "does not change scores" if isinstance(change, Invariance) else f"makes the score {change.expect}"
    return f"changing {change.column} {how} {effect}{': ' if change.reason else ''}{change.reason}"


def _run_change(change: Invariance | Direction, model: ModelScorer) -> Check:
    before, after = apply_change(model.rows, change)
    if len(before) < MIN_ROWS:
        return inconclusive(f"the change affects {len(before)} rows, at least {MIN_ROWS} are needed")
    first, second = _scores(change, model, before), _scores(change, model, after)
    as_expected = scores_as_expected(change, first, second)
    fraction = float(as_expected.mean())
    observed: dict[str, Any] = {"fraction": fraction, "rows": len(before)}
    message = (
        f"{fraction:.1%} of {len(before)} rows behave as expected, at least {change.min_fraction:.1%} are required"
    )
    if fraction >= change.min_fraction:
        return passed(message, observed)
    observed["examples"] = [
        {
            change.column: [before[change.column].iloc[row], after[change.column].iloc[row]],
            "score": [first[row].tolist(), second[row].tolist()],
        }
        for row in np.flatnonzero(~as_expected)[:MAX_EXAMPLES]
    ]
    return failed(f"{message}: {_describe(change)}", observed)


def scores_as_expected(change: Invariance | Direction, before: Array, after: Array) -> Array:
    """Return for each row whether its score changed as expected; false for scores that are not finite."""
    difference = after - before
    if isinstance(change, Invariance):
        size = np.abs(difference) if difference.ndim == 1 else np.abs(difference).max(axis=1)
        return np.asarray(size <= change.tolerance)
    tolerance = change.tolerance
    return np.asarray(
        {
            "higher": difference > tolerance,
            "lower": difference < -tolerance,
            "not lower": difference >= -tolerance,
            "not higher": difference <= tolerance,
        }[change.expect]
    )


def apply_change(rows: pd.DataFrame, change: Invariance | Direction) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows that a change affects, before and after it.

    :raises BadInput: when a column is unknown, or a number is added to a column that is not numeric.
    """
    columns = (change.column, *change.also, *change.where)
    if unknown := [name for name in columns if name not in rows.columns]:
        raise BadInput(f"the model has no feature {unknown[0]!r}", hint=f"its features are {list(rows.columns)[:30]}")
    rows = rows[_row_mask(rows, change.where)].reset_index(drop=True)
    old = rows[change.column]
    new = _changed_values(old, change)
    same = np.asarray([a == b for a, b in zip(old.astype(object), new.astype(object), strict=True)], dtype=bool)
    affected = ~(same | (old.isna() & new.isna()).to_numpy())
    also = {name: build_column([value] * len(rows), rows[name].dtype) for name, value in change.also.items()}
    after = rows.assign(**{change.column: new, **also})
    return rows[affected].reset_index(drop=True), after[affected].reset_index(drop=True)


def _row_mask(rows: pd.DataFrame, where: Mapping[str, Any]) -> pd.Series[bool]:
    mask = pd.Series(True, index=rows.index)
    for name, value in where.items():
        mask &= (rows[name] == value).fillna(False).astype(bool)
    return mask


def _changed_values(old: pd.Series[Any], change: Invariance | Direction) -> pd.Series[Any]:
    by, to = change_arguments(change)
    if by is not None:
        if not pd.api.types.is_numeric_dtype(old.dtype):
            raise BadInput(f"by= needs a numeric column; {change.column!r} is {old.dtype}", hint="use to=...")
        return old.add(by)
    values = list(to(old)) if callable(to) else [to] * len(old)
    if len(values) != len(old):
        raise BadInput(f"to= returned {len(values)} values for {len(old)} rows", hint="return one value per row")
    return build_column(values, old.dtype)


def _scores(change: Invariance | Direction, model: ModelScorer, rows: pd.DataFrame) -> Array:
    scores = model.scores(rows)
    if isinstance(change, Direction) and model.task == "multiclass":
        return np.asarray(scores[:, model.class_number(change.target_class)])
    return scores
