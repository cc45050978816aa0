"""A self-test on the parts of a model: each of them is fitted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from airflow_mlops.core.evaluation.self_tests.outcome import failed, passed, set_aside
from airflow_mlops.core.evaluation.self_tests.subject import Subject
from airflow_mlops.core.report import Check

_HELD = ("estimator_", "best_estimator_", "prepare", "regressor_", "classifier_", "transformer_")
_LISTS = ("transformers_", "steps", "transformer_list", "estimators_", "calibrated_classifiers_")
_MOST_ROWS = 200


def fitted(subject: Subject) -> Check:
    """Ask each part whether it is fitted; one that is not after a fresh fit either has nothing to learn."""
    found = dict(_parts(subject.scorer.model, type(subject.scorer.model).__name__))
    if not found:
        return set_aside(f"{type(subject.scorer.model).__name__} is not made of parts that say whether they are fitted")
    raw = _unfitted(found)
    if raw:
        raw = {path: kind for path, kind in raw.items() if path not in _never_fitted(subject)}
    if raw:
        path, kind = next(iter(raw.items()))
        more = f", and {len(raw) - 1} more" if len(raw) > 1 else ""
        return failed(f"{kind} is not fitted: {path}{more}", sorted(raw))
    return passed(f"all {len(found)} parts are fitted")


def _unfitted(parts: dict[str, Any]) -> dict[str, str]:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    found = {}
    for path, part in parts.items():
        try:
            check_is_fitted(part)
        except NotFittedError:
            found[path] = type(part).__name__
        except TypeError:  # it has no fit: there is nothing to be fitted
            continue
    return found


def _never_fitted(subject: Subject) -> set[str]:
    """Give the parts that show no fit in a model fresh from it, such as a transformer without anything to learn."""
    try:
        fresh = subject.fresh()
        few = np.arange(min(_MOST_ROWS, len(subject.rows)))
        fresh.fit(subject.rows.iloc[few], subject.labels(few))
    except Exception:  # then nothing is known to speak for the part
        return set()
    return set(_unfitted(dict(_parts(fresh, type(fresh).__name__))))


def _parts(model: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Give all estimators inside one, each with its path, itself first."""
    if hasattr(model, "fit") and not hasattr(model, "steps"):  # a pipeline is as fitted as its steps are
        yield path, model
    for name in _HELD:
        part = vars(model).get(name) if hasattr(model, "__dict__") else getattr(model, name, None)
        if part is not None and not isinstance(part, str):
            yield from _parts(part, f"{path}.{name}")
    for name in _LISTS:
        held = getattr(model, name, None) if name in getattr(model, "__dict__", {}) else None
        for number, entry in enumerate(_entries(held)):
            label, part = entry if isinstance(entry, tuple) else (number, entry)
            yield from _parts(part, f"{path}.{label}")


def _entries(held: Any) -> Iterator[Any]:
    """Give (name, part) of what a model lists; names of columns, ``passthrough`` and ``drop`` are no parts."""
    if held is None:
        return
    for entry in held.ravel() if isinstance(held, np.ndarray) else held:
        pair = entry[:2] if isinstance(entry, tuple) else entry
        part = pair[1] if isinstance(pair, tuple) else pair
        if not isinstance(part, str) and part is not None:
            yield pair
