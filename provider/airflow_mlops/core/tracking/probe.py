"""Whether an MLflow can be used, and what is wrong if not: address, login, TLS, or something else that answers."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from airflow_mlops.core.errors import BadInput, MlopsError
from airflow_mlops.core.tracking.access import Access
from airflow_mlops.core.tracking.connecting import connect
from airflow_mlops.core.tracking.trouble import TrackingUnavailable, told

MOST_SECONDS = 10.0


def probe(access: Access) -> tuple[bool, str]:
    """Ask for one experiment; gives whether that went well, and a sentence for a person."""
    seconds = min(access.overall_seconds, MOST_SECONDS)
    try:
        if access.served:
            version = _served(replace(access, overall_seconds=seconds))
            return True, f"MLflow {version} answers at {access.address}".replace("  ", " ")
        _reachable(access)
        connect(access).search_experiments(max_results=1)
    except MlopsError as error:
        return False, str(error)
    except Exception as error:  # whatever it is, the form shall say it, without the password
        reason = (str(error).strip().splitlines() or [""])[0].replace(access.uri, access.address)
        return False, f"{access.address}: {type(error).__name__}: {reason}"
    return True, f"MLflow's database answers at {access.address}"


def _reachable(access: Access) -> None:
    """Look at a database's address first: MLflow would make a missing SQLite file, or try a closed port for minutes.

    :raises MlopsError: saying what is wrong.
    """
    parts = urlsplit(access.uri)
    where = f"{access.where}: {access.address}"
    if parts.scheme == "sqlite" and not Path(unquote(parts.path).removeprefix("/")).is_file():
        raise BadInput(
            "there is no such SQLite file",
            where=where,
            mend="correct the path (four slashes for an absolute one), or make it: mlflow db upgrade <tracking URI>",
        )
    if parts.hostname:
        try:
            socket.create_connection((parts.hostname, parts.port or 5432), access.connect_seconds).close()
        except OSError as error:
            trouble = told(error)
            raise TrackingUnavailable(f"MLflow's database: {trouble.what}", where=where, mend=trouble.mend) from error


def _served(access: Access) -> str:
    """Ask a server, once; gives its version, where it tells it.

    :raises MlopsError: saying what is wrong.
    """
    from airflow_mlops.core.tracking.served import not_mlflow
    from airflow_mlops.core.tracking.transport import Transport

    transport = Transport(access, patient=False)  # a person waits, and a repetition would say the same
    answer = transport.send("POST", "/api/2.0/mlflow/experiments/search", once=True, json={"max_results": 1})
    if answer.status_code == 403:
        raise BadInput(
            f"MLflow answers, but does not allow to look at experiments: {answer.text[:200]}",
            where=f"{access.where}: {access.address}",
            mend="ask for the permission, or use another login; a refused Host header is a setting of the server's",
        )
    try:
        content = answer.json()
    except ValueError:
        content = None
    if (
        answer.status_code != 200
        or not isinstance(content, dict)
        or not set(content)
        <= {
            "experiments",
            "next_page_token",
        }
    ):
        raise not_mlflow(access, f"{answer.status_code} {answer.text}")
    version = transport.send("GET", "/version", once=False)
    return version.text.strip()[:20] if version.ok and "<" not in version.text else ""
