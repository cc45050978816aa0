"""Smoke-test rows: rows of a snapshot with their expected predictions."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.contracts.contract import Contract
from airflow_mlops.core.deployment.rollout import SmokeTest
from airflow_mlops.core.models.prediction import predict
from airflow_mlops.core.serving.errors import RequestError
from airflow_mlops.core.serving.request_validation import RequestContract
from airflow_mlops.core.serving.responses import format_predictions
from airflow_mlops.core.serving.settings import ServingSettings

if TYPE_CHECKING:
    from airflow_mlops.core.data.snapshots.snapshot import Snapshot


def build_smoke_test(model: Any, rows: Snapshot, settings: ServingSettings, max_rows: int) -> SmokeTest:
    """Score rows as batch scoring does, and return them as a request with its expected predictions.

    :param model: the model, loaded as for batch scoring.
    :param rows: the snapshot.
    :param settings: the settings of the server.
    :param max_rows: the maximum number of rows.
    :raises BadInput: when there are no rows, or they break the contract.
    """
    contract = RequestContract(Contract.load(settings.contract), max_text_length=settings.limits.max_text_length)
    frame = next(rows.batches(contract.features)).head(min(max_rows, settings.limits.max_rows))
    if not len(frame):
        raise BadInput("there are no rows for the smoke test", where=rows.name)
    columns = {str(name): [_to_json(value) for value in frame[name].tolist()] for name in frame.columns}
    try:
        contract.validate(columns)
    except RequestError as error:
        raise BadInput(
            f"the server would reject rows of the snapshot: {error.what}",
            where=rows.name,
            hint="use a snapshot that satisfies the contract, or fix the contract",
        ) from None
    class_labels = getattr(model, "classes_", None)
    classes = [] if class_labels is None else [str(name) for name in class_labels]
    return SmokeTest({"inputs": columns}, format_predictions(predict(model, frame), classes))


def _to_json(value: Any) -> Any:
    """Convert a value to JSON; a missing value becomes None."""
    if value is None or (isinstance(value, float) and math.isnan(value)) or value != value:
        return None
    return value.isoformat() if isinstance(value, date) else value
