"""Tell whether a service works, for the engine's health check: exit code 0 or 1, a line that says why.

Each check imports as little as it can. It is made twice a minute in every container, and Airflow's own commands
import Airflow, some seconds of CPU each time.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable

ALIVE_SECONDS = 90
"""How old the last heartbeat of a job may be; Airflow's components write one every five seconds."""
ANSWER_SECONDS = 20.0
"""How long a service may take to answer on a busy machine."""


def http(url: str) -> str | None:
    """Ask a server; gives what is wrong.

    :param url: what has to answer with status 200.
    """
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer:  # noqa: S310  # the compose file's own URL
            return None if answer.status == 200 else f"{url} answered {answer.status}"
    except OSError as error:
        return f"{url}: {error}"


def job(kind: str) -> str | None:
    """Look for a fresh heartbeat of this very container's job in Airflow's database; gives what is wrong.

    :param kind: as the table has it: ``SchedulerJob``, ``TriggererJob``, ``DagProcessorJob``.
    """
    import psycopg2

    url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("postgresql+psycopg2", "postgresql")
    asked = (
        "SELECT count(*) FROM job WHERE job_type = %s AND hostname = %s AND state = 'running'"
        " AND latest_heartbeat > now() - %s * interval '1 second'"
    )
    try:
        connection = psycopg2.connect(url, connect_timeout=int(ANSWER_SECONDS))
    except psycopg2.OperationalError as error:
        return f"no database: {error}".strip()
    with connection, connection.cursor() as cursor:
        cursor.execute(asked, (kind, socket.gethostname(), ALIVE_SECONDS))
        (found,) = cursor.fetchone() or (0,)
    return None if found else f"no heartbeat of a {kind} on {socket.gethostname()} in {ALIVE_SECONDS} s"


def worker(_: str = "") -> str | None:
    """Ask this container's Celery worker through the broker; gives what is wrong."""
    from celery import Celery

    name = f"celery@{socket.gethostname()}"
    app = Celery(broker=os.environ["AIRFLOW__CELERY__BROKER_URL"])
    try:
        answer = app.control.inspect(destination=[name], timeout=ANSWER_SECONDS, limit=1).ping()
    except Exception as error:  # the broker's client has many
        return f"no broker: {error}"
    return None if answer else f"{name} does not answer"


CHECKS: dict[str, Callable[[str], str | None]] = {"http": http, "job": job, "worker": worker}


def main() -> int:
    """Make the check that the command line names."""
    wrong = CHECKS[sys.argv[1]](sys.argv[2] if len(sys.argv) > 2 else "")
    print(wrong or "healthy")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
