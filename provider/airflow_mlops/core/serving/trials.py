"""Rows of a snapshot whose scores are known, on which a served version is tried."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.contracts.model import Contract
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.serving.answers import predictions
from airflow_mlops.core.serving.checking import RequestContract
from airflow_mlops.core.serving.deployment import Trial
from airflow_mlops.core.serving.refusals import BadRequest
from airflow_mlops.core.serving.settings import ServingSettings
from airflow_mlops.core.training.prediction import predict

if TYPE_CHECKING:
    from airflow_mlops.core.data.snapshot import Snapshot


def trial_of(model: Any, rows: Snapshot, settings: ServingSettings, most: int) -> Trial:
    """Score rows as a batch does, and give them as a request.

    :param model: the model, loaded as for a batch.
    :param rows: the snapshot.
    :param settings: what the server is told.
    :param most: how many rows.
    :raises BadInput: when there are none, or they are not such as the server takes.
    """
    contract = RequestContract(Contract.load(settings.contract), most_text=settings.limits.text)
    frame = next(rows.batches(contract.features)).head(min(most, settings.limits.rows))
    if not len(frame):
        raise BadInput("there is no row to try the version on", where=rows.name)
    columns = {str(name): [_plain(value) for value in frame[name].tolist()] for name in frame.columns}
    try:
        contract.checked(columns)
    except BadRequest as refused:
        raise BadInput(
            f"the server would refuse rows of the snapshot: {refused.what}",
            where=rows.name,
            mend="name a snapshot that keeps the contract, or mend the contract",
        ) from None
    known = getattr(model, "classes_", None)
    classes = [] if known is None else [str(name) for name in known]
    return Trial({"inputs": columns}, predictions(predict(model, frame), classes))


def _plain(value: Any) -> Any:
    """Give a value as JSON has it; what is missing is None."""
    if value is None or (isinstance(value, float) and math.isnan(value)) or value != value:
        return None
    return value.isoformat() if isinstance(value, date) else value
