"""Asking the served model about the passenger of the form, as any program can: over HTTP."""

from __future__ import annotations

from typing import Any

from include.titanic.features import Form, passenger

SECONDS = 60.0


def request(form: Form) -> dict[str, Any]:
    """Give the body of a request about one passenger, in MLflow's scoring protocol.

    :param form: the DAG's params, as :func:`include.titanic.features.passenger` takes them
    """
    (row,) = passenger(form).to_dict("records")
    return {"dataframe_records": [{name: None if value != value else value for name, value in row.items()}]}


def ask(url: str, form: Form) -> dict[str, Any]:
    """Ask the endpoint about one passenger.

    :param url: the endpoint's
    :param form: the DAG's params
    :return: ``survives``, a probability, and ``version``, whose it is
    """
    import httpx

    answer = httpx.post(f"{url}/invocations", json=request(form), timeout=SECONDS)
    if answer.status_code != httpx.codes.OK:
        raise RuntimeError(f"the endpoint answers {answer.status_code}: {answer.text[:500]}")
    told = answer.json()
    return {"survives": told["predictions"][0], "version": told["version"]}
