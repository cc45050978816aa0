"""Health checks of the stack's services: exit code 0 or 1, and a line with the reason.

Each check imports as little as possible, since it runs twice a minute in every container. Airflow's own commands
import Airflow, which takes seconds of CPU.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable

ALIVE_SECONDS = 90
"""How old the last heartbeat of a job may be; Airflow's components write one every five seconds."""
RESPONSE_SECONDS = 20.0
"""How long a service may take to respond on a busy machine."""


def http(url: str) -> str | None:
    """Check an HTTP server; return the problem, or None.

    :param url: must respond with status 200.
    """
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=RESPONSE_SECONDS) as response:  # noqa: S310  # the compose file's own URL
            return None if response.status == 200 else f"{url} responded {response.status}"
    except OSError as error:
        return f"{url}: {error}"


def job(kind: str) -> str | None:
    """Check for a recent heartbeat of this container's job in Airflow's database; return the problem, or None.

    :param kind: job type: ``SchedulerJob``, ``TriggererJob``, ``DagProcessorJob``.
    """
    import psycopg2

    url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("postgresql+psycopg2", "postgresql")
    query = (
        "SELECT count(*) FROM job WHERE job_type = %s AND hostname = %s AND state = 'running'"
        " AND latest_heartbeat > now() - %s * interval '1 second'"
    )
    try:
        connection = psycopg2.connect(url, connect_timeout=int(RESPONSE_SECONDS))
    except psycopg2.OperationalError as error:
        return f"no database: {error}".strip()
    with connection, connection.cursor() as cursor:
        cursor.execute(query, (kind, socket.gethostname(), ALIVE_SECONDS))
        (count,) = cursor.fetchone() or (0,)
    return None if count else f"no heartbeat of a {kind} on {socket.gethostname()} in {ALIVE_SECONDS} s"


def worker(_: str = "") -> str | None:
    """Ping this container's Celery worker through the broker; return the problem, or None."""
    from celery import Celery

    name = f"celery@{socket.gethostname()}"
    app = Celery(broker=os.environ["AIRFLOW__CELERY__BROKER_URL"])
    try:
        reply = app.control.inspect(destination=[name], timeout=RESPONSE_SECONDS, limit=1).ping()
    except Exception as error:  # the broker's client raises many types
        return f"no broker: {error}"
    return None if reply else f"{name} does not respond"


CHECKS: dict[str, Callable[[str], str | None]] = {"http": http, "job": job, "worker": worker}


def main() -> int:
    """Run the check named on the command line."""
    problem = CHECKS[sys.argv[1]](sys.argv[2] if len(sys.argv) > 2 else "")
    print(problem or "healthy")
    return 1 if problem else 0


if __name__ == "__main__":
    raise SystemExit(main())
