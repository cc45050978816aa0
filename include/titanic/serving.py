"""HTTP request of a prediction from the served model."""

from __future__ import annotations

from typing import Any

from include.titanic.features import Form, passenger_row

TIMEOUT_SECONDS = 60.0


def request_body(form: Form) -> dict[str, Any]:
    """Return the request body for one passenger, in MLflow's scoring protocol.

    :param form: the DAG's params, as :func:`include.titanic.features.passenger_row` takes them
    """
    (row,) = passenger_row(form).to_dict("records")
    return {"dataframe_records": [{name: None if value != value else value for name, value in row.items()}]}


def request_prediction(url: str, form: Form) -> dict[str, Any]:
    """Request the prediction for one passenger from the endpoint.

    :param url: URL of the endpoint
    :param form: the DAG's params
    :return: ``survives``, a probability, and ``version`` of the model
    """
    import httpx

    response = httpx.post(f"{url}/invocations", json=request_body(form), timeout=TIMEOUT_SECONDS)
    if response.status_code != httpx.codes.OK:
        raise RuntimeError(f"the endpoint responded {response.status_code}: {response.text[:500]}")
    body = response.json()
    return {"survives": body["predictions"][0], "version": body["version"]}
