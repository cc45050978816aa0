"""Score columns: their names, and the scoring of rows into them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.refs import ModelVersionRef
from airflow_mlops.core.models.prediction import predict

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

SCORE_COLUMN, MODEL_COLUMN, VERSION_COLUMN = "score", "model_name", "model_version"


def check_key(key: Sequence[str]) -> None:
    """Check that the key columns do not conflict with the score columns.

    :raises BadInput: when there is no key column, or one has a reserved name.
    """
    if not key:
        raise BadInput("no key column is set", hint='set key=["..."]')
    if taken := [
        name
        for name in key
        if name in (SCORE_COLUMN, MODEL_COLUMN, VERSION_COLUMN) or name.startswith(f"{SCORE_COLUMN}_")
    ]:
        raise BadInput(f"the key columns {taken} are reserved for scores", hint="rename them at the source")


def score_rows(
    model: Any, rows: pd.DataFrame, version: ModelVersionRef, *, key: Sequence[str], features: Sequence[str]
) -> pd.DataFrame:
    """Score rows.

    :param rows: rows with the key and feature columns.
    :return: ``key..., score, model_name, model_version``. For three or more classes the score is the name of the most
        probable one, and ``score_<i>`` the probability of class i.
    """
    import pandas as pd

    result = rows[list(key)].assign(**_score_columns(model, predict(model, rows[list(features)])))
    result[MODEL_COLUMN] = pd.Series(version.model, index=rows.index, dtype=pd.StringDtype(na_value=float("nan")))
    result[VERSION_COLUMN] = version.version
    return result


def _score_columns(model: Any, scores: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return the score columns; a row with a NaN probability has no most probable class."""
    if scores.ndim == 1:
        return {SCORE_COLUMN: scores}
    import numpy as np
    import pandas as pd

    names = np.array([str(name) for name in model.classes_], dtype=object)
    likeliest = names[scores.argmax(axis=1)]
    likeliest[np.isnan(scores).any(axis=1)] = None
    probabilities = {f"{SCORE_COLUMN}_{number}": scores[:, number] for number in range(len(names))}
    return {SCORE_COLUMN: pd.array(likeliest, dtype=pd.StringDtype(na_value=float("nan"))), **probabilities}
