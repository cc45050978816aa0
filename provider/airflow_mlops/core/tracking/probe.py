"""Whether an MLflow can be used, and what is wrong if not: address, login, TLS, or something else that answers."""

from __future__ import annotations

from dataclasses import replace

from airflow_mlops.core.errors import MlopsError
from airflow_mlops.core.tracking.access import Access
from airflow_mlops.core.tracking.connecting import connect

MOST_SECONDS = 10.0


def probe(access: Access) -> tuple[bool, str]:
    """Ask for one experiment; gives whether that went well, and a sentence for a person."""
    seconds = min(access.overall_seconds, MOST_SECONDS)
    try:
        if access.served:
            version = _served(replace(access, overall_seconds=seconds))
            return True, f"MLflow {version} answers at {access.address}".replace("  ", " ")
        connect(access).search_experiments(max_results=1)
    except MlopsError as error:
        return False, str(error)
    except Exception as error:  # whatever it is, the form shall say it, without the password
        reason = (str(error).strip().splitlines() or [""])[0].replace(access.uri, access.address)
        return False, f"{access.address}: {type(error).__name__}: {reason}"
    return True, f"MLflow's database answers at {access.address}"


def _served(access: Access) -> str:
    """Ask a server, once; gives its version, where it tells it.

    :raises MlopsError: saying what is wrong.
    """
    from airflow_mlops.core.tracking.served import not_mlflow
    from airflow_mlops.core.tracking.transport import Transport

    transport = Transport(access)
    # Once, as a person waits: a repetition would only take longer to say the same.
    answer = transport.send("POST", "/api/2.0/mlflow/experiments/search", once=True, json={"max_results": 1})
    if answer.status_code == 403:
        from airflow_mlops.core.errors import BadInput

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
