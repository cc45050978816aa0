"""The columns in which scores are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.refs import ModelVersionRef
from airflow_mlops.core.training.prediction import predict

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

SCORE, MODEL, VERSION = "score", "model_name", "model_version"


def check_key(key: Sequence[str]) -> None:
    """Make sure that the columns that name a row can stand beside the scores.

    :raises BadInput: when there is none, or one has a name that the scores need.
    """
    if not key:
        raise BadInput("no column names the rows", mend='give key=["..."]')
    if taken := [name for name in key if name in (SCORE, MODEL, VERSION) or name.startswith(f"{SCORE}_")]:
        raise BadInput(f"the key has the columns {taken}, which the scores need", mend="rename them at the source")


def scored(
    model: Any, rows: pd.DataFrame, version: ModelVersionRef, *, key: Sequence[str], features: Sequence[str]
) -> pd.DataFrame:
    """Score rows.

    :param rows: with the columns of key and features.
    :returns: ``key..., score, model_name, model_version``. For three classes or more the score is the name of the
        likeliest one, and ``score_<i>`` the probability of class number i.
    """
    import pandas as pd

    found = rows[list(key)].assign(**_columns(model, predict(model, rows[list(features)])))
    found[MODEL] = pd.Series(version.model, index=rows.index, dtype=pd.StringDtype(na_value=float("nan")))
    found[VERSION] = version.version
    return found


def _columns(model: Any, scores: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Give the columns in which scores are kept; a row with a probability that is NaN has no likeliest class."""
    if scores.ndim == 1:
        return {SCORE: scores}
    import numpy as np
    import pandas as pd

    names = np.array([str(name) for name in model.classes_], dtype=object)
    likeliest = names[scores.argmax(axis=1)]
    likeliest[np.isnan(scores).any(axis=1)] = None
    chances = {f"{SCORE}_{number}": scores[:, number] for number in range(len(names))}
    return {SCORE: pd.array(likeliest, dtype=pd.StringDtype(na_value=float("nan"))), **chances}
