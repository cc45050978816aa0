"""Connection test for MLflow: address, login, TLS, and whether the server is MLflow."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from airflow_mlops.common.errors import BadInput, MlopsError
from airflow_mlops.core.tracking.access import Access
from airflow_mlops.core.tracking.clients import connect
from airflow_mlops.core.tracking.request_errors import TrackingUnavailable, classify_error

MAX_SECONDS = 10.0


def probe(access: Access) -> tuple[bool, str]:
    """Search for one experiment; return whether that worked, and a message."""
    seconds = min(access.overall_seconds, MAX_SECONDS)
    try:
        if access.is_server:
            version = _check_server(replace(access, overall_seconds=seconds))
            return True, f"MLflow {version} responds at {access.address}".replace("  ", " ")
        _check_reachable(access)
        connect(access).search_experiments(max_results=1)
    except MlopsError as error:
        return False, str(error)
    except Exception as error:  # every error is shown in the form, without the password
        reason = (str(error).strip().splitlines() or [""])[0].replace(access.uri, access.address)
        return False, f"{access.address}: {type(error).__name__}: {reason}"
    return True, f"MLflow's database responds at {access.address}"


def _check_reachable(access: Access) -> None:
    """Check a database's address first: MLflow would create a missing SQLite file, or retry a closed port for minutes.

    :raises MlopsError: when it cannot be reached.
    """
    parts = urlsplit(access.uri)
    where = f"{access.where}: {access.address}"
    if parts.scheme == "sqlite" and not Path(unquote(parts.path).removeprefix("/")).is_file():
        raise BadInput(
            "there is no such SQLite file",
            where=where,
            hint="correct the path (four slashes for an absolute one), or create it: mlflow db upgrade <tracking URI>",
        )
    if parts.hostname:
        try:
            socket.create_connection((parts.hostname, parts.port or 5432), access.connect_seconds).close()
        except OSError as error:
            cause = classify_error(error)
            raise TrackingUnavailable(f"MLflow's database: {cause.what}", where=where, hint=cause.hint) from error


def _check_server(access: Access) -> str:
    """Send a server one request without retries; return its version, if it reports one.

    :raises MlopsError: when it cannot be used.
    """
    from airflow_mlops.core.tracking.rest_client import not_mlflow_error
    from airflow_mlops.core.tracking.transport import Transport

    transport = Transport(access, retry=False)  # a person waits, and a retry would not help
    response = transport.send("POST", "/api/2.0/mlflow/experiments/search", once=True, json={"max_results": 1})
    if response.status_code == 403:
        raise BadInput(
            f"MLflow responds, but does not allow reading experiments: {response.text[:200]}",
            where=f"{access.where}: {access.address}",
            hint="request the permission, or use another login; a rejected Host header is a setting of the server",
        )
    try:
        content = response.json()
    except ValueError:
        content = None
    if (
        response.status_code != 200
        or not isinstance(content, dict)
        or not set(content)
        <= {
            "experiments",
            "next_page_token",
        }
    ):
        raise not_mlflow_error(access, f"{response.status_code} {response.text}")
    version = transport.send("GET", "/version", once=False)
    return version.text.strip()[:20] if version.ok and "<" not in version.text else ""
