"""Judging a model by what its team wrote down."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.evaluation.self_tests.outcome import failed, not_judged, passed
from airflow_mlops.core.evaluation.self_tests.subject import Scorer, as_column
from airflow_mlops.core.evaluation.self_tests.written import Case, Direction, Invariance, Test, Written, given
from airflow_mlops.core.metrics import Array
from airflow_mlops.core.report import Check

LEAST_ROWS = 10
EXAMPLES = 3
_LONGEST = 80


def tests_of(written: Written) -> Iterator[tuple[str, str, Callable[[Scorer], Check]]]:
    """Give for each test its name, a sentence, and the function that judges a model by it."""
    for number, case in enumerate(written.cases, start=1):
        yield f"case {number}: {case.why}"[:_LONGEST], f"a score {case.expect}: {case.why}", partial(_case, case)
    changes: list[Invariance | Direction] = [*written.invariances, *written.directions]
    for change in changes:
        name = "invariance" if isinstance(change, Invariance) else "direction"
        yield f"{name} {change.column}", _sentence(change), partial(_change, change)
    for name, function in written.functions.items():
        words = " ".join((function.__doc__ or name.replace("_", " ")).split())
        yield name, words, partial(_function, function)


def _case(case: Case, model: Scorer) -> Check:
    score = model.score(case.inputs, case.of)
    seen = {"score": score, "inputs": dict(case.inputs)}
    words = f"the score is {score:.4g}, expected is one {case.expect}"
    return passed(words, seen) if score in case.expect else failed(f"{words}: {case.why}", seen)


def _function(function: Test, model: Scorer) -> Check:
    try:
        function(model)
    except AssertionError as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return failed(str(error).strip() or f"line {last.lineno}: {last.line}")
    return passed("it holds")


def _sentence(change: Invariance | Direction) -> str:
    by, to = given(change)
    how = f"by {by:+g}" if by is not None else f"to {'other values' if callable(to) else repr(to)}"
    then = "moves no score" if isinstance(change, Invariance) else f"makes the score {change.then}"
    return f"changing {change.column} {how} {then}{': ' if change.why else ''}{change.why}"


def _change(change: Invariance | Direction, model: Scorer) -> Check:
    before, after = changed(model.rows, change)
    if len(before) < LEAST_ROWS:
        return not_judged(f"the change alters {len(before)} rows, and {LEAST_ROWS} are needed")
    first, second = _scores(change, model, before), _scores(change, model, after)
    kept = holds(change, first, second)
    share = float(kept.mean())
    seen: dict[str, Any] = {"share": share, "rows": len(before)}
    words = f"{share:.1%} of {len(before)} rows keep to it, {change.share:.1%} are asked for"
    if share >= change.share:
        return passed(words, seen)
    seen["broken by"] = [
        {
            change.column: [before[change.column].iloc[row], after[change.column].iloc[row]],
            "score": [first[row].tolist(), second[row].tolist()],
        }
        for row in np.flatnonzero(~kept)[:EXAMPLES]
    ]
    return failed(f"{words}: {_sentence(change)}", seen)


def holds(change: Invariance | Direction, before: Array, after: Array) -> Array:
    """Say for each row whether its score moved as it should; one that is not finite never does."""
    moved = after - before
    if isinstance(change, Invariance):
        far = np.abs(moved) if moved.ndim == 1 else np.abs(moved).max(axis=1)
        return np.asarray(far <= change.tolerance)
    tolerance = change.tolerance
    return np.asarray(
        {
            "higher": moved > tolerance,
            "lower": moved < -tolerance,
            "not lower": moved >= -tolerance,
            "not higher": moved <= tolerance,
        }[change.then]
    )


def changed(rows: pd.DataFrame, change: Invariance | Direction) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the rows that a change alters, as they were and as they are then.

    :raises BadInput: when it names a column that is not there, or a number is added to what is none.
    """
    named = (change.column, *change.also, *change.where)
    if unknown := [name for name in named if name not in rows.columns]:
        raise BadInput(f"the model has no feature {unknown[0]!r}", mend=f"its features are {list(rows.columns)[:30]}")
    rows = rows[_where(rows, change.where)].reset_index(drop=True)
    old = rows[change.column]
    new = _new(old, change)
    same = np.asarray([a == b for a, b in zip(old.astype(object), new.astype(object), strict=True)], dtype=bool)
    altered = ~(same | (old.isna() & new.isna()).to_numpy())
    other = {name: as_column([value] * len(rows), rows[name].dtype) for name, value in change.also.items()}
    after = rows.assign(**{change.column: new, **other})
    return rows[altered].reset_index(drop=True), after[altered].reset_index(drop=True)


def _where(rows: pd.DataFrame, where: Mapping[str, Any]) -> pd.Series[bool]:
    kept = pd.Series(True, index=rows.index)
    for name, value in where.items():
        kept &= (rows[name] == value).fillna(False).astype(bool)
    return kept


def _new(old: pd.Series[Any], change: Invariance | Direction) -> pd.Series[Any]:
    by, to = given(change)
    if by is not None:
        if not pd.api.types.is_numeric_dtype(old.dtype):
            raise BadInput(f"{change.column!r} is no number, so nothing can be added to it", mend="write to=...")
        return old.add(by)
    values = list(to(old)) if callable(to) else [to] * len(old)
    if len(values) != len(old):
        raise BadInput(f"to= gives {len(values)} values for {len(old)} rows", mend="give one for each row")
    return as_column(values, old.dtype)


def _scores(change: Invariance | Direction, model: Scorer, rows: pd.DataFrame) -> Array:
    scores = model.scores(rows)
    if isinstance(change, Direction) and model.task == "multiclass":
        return np.asarray(scores[:, model.number_of(change.of)])
    return scores
