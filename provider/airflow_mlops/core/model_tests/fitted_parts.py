"""Model test that every part of a model is fitted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from airflow_mlops.common.report import Check
from airflow_mlops.core.model_tests.outcomes import failed, not_applicable, passed
from airflow_mlops.core.model_tests.subject import ModelUnderTest

_PART_ATTRIBUTES = ("estimator_", "best_estimator_", "prepare", "regressor_", "classifier_", "transformer_")
_LIST_ATTRIBUTES = ("transformers_", "steps", "transformer_list", "estimators_", "calibrated_classifiers_")
_MAX_ROWS = 200


def fitted(subject: ModelUnderTest) -> Check:
    """Check that each part is fitted; parts that are unfitted after a fresh fit, too, have nothing to learn."""
    parts = dict(_iterate_parts(subject.scorer.model, type(subject.scorer.model).__name__))
    if not parts:
        return not_applicable(f"{type(subject.scorer.model).__name__} has no parts with a fitted state")
    unfitted = _find_unfitted(parts)
    if unfitted:
        unfitted = {path: kind for path, kind in unfitted.items() if path not in _unfitted_after_fit(subject)}
    if unfitted:
        path, kind = next(iter(unfitted.items()))
        more = f", and {len(unfitted) - 1} more" if len(unfitted) > 1 else ""
        return failed(f"{kind} is not fitted: {path}{more}", sorted(unfitted))
    return passed(f"all {len(parts)} parts are fitted")


def _find_unfitted(parts: dict[str, Any]) -> dict[str, str]:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    unfitted = {}
    for path, part in parts.items():
        try:
            check_is_fitted(part)
        except NotFittedError:
            unfitted[path] = type(part).__name__
        except TypeError:  # not an estimator
            continue
    return unfitted


def _unfitted_after_fit(subject: ModelUnderTest) -> set[str]:
    """Return the parts that are unfitted after a fresh fit, such as a transformer with nothing to learn."""
    try:
        fresh = subject.build_unfitted()
        few = np.arange(min(_MAX_ROWS, len(subject.rows)))
        fresh.fit(subject.rows.iloc[few], subject.training_target(few))
    except Exception:  # a user's model may raise anything; then no part is exempt
        return set()
    return set(_find_unfitted(dict(_iterate_parts(fresh, type(fresh).__name__))))


def _iterate_parts(model: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield a model and all estimators inside it, each with its path."""
    if hasattr(model, "fit") and not hasattr(model, "steps"):  # a pipeline is fitted when its steps are
        yield path, model
    for name in _PART_ATTRIBUTES:
        part = vars(model).get(name) if hasattr(model, "__dict__") else getattr(model, name, None)
        if part is not None and not isinstance(part, str):
            yield from _iterate_parts(part, f"{path}.{name}")
    for name in _LIST_ATTRIBUTES:
        values = getattr(model, name, None) if name in getattr(model, "__dict__", {}) else None
        for number, entry in enumerate(_iterate_entries(values)):
            label, part = entry if isinstance(entry, tuple) else (number, entry)
            yield from _iterate_parts(part, f"{path}.{label}")


def _iterate_entries(values: Any) -> Iterator[Any]:
    """Yield (name, part) or part of a list attribute, without column names, ``passthrough`` and ``drop``."""
    if values is None:
        return
    for entry in values.ravel() if isinstance(values, np.ndarray) else values:
        pair = entry[:2] if isinstance(entry, tuple) else entry
        part = pair[1] if isinstance(pair, tuple) else pair
        if not isinstance(part, str) and part is not None:
            yield pair
