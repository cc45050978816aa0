"""Translation of database driver errors into a cause and a hint.

Drivers raise one class of error for a wrong port, a wrong password and a full disk; only the message tells them apart.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from airflow_mlops.common.errors import StoreNotReady
from airflow_mlops.store.schema import HOW_TO_MIGRATE


class ErrorCause(NamedTuple):
    """One cause of database errors.

    :param pattern: matches the driver's message.
    :param what: the cause.
    :param hint: how to fix it.
    """

    pattern: re.Pattern[str]
    what: str
    hint: str


def _cause(pattern: str, what: str, hint: str) -> ErrorCause:
    return ErrorCause(re.compile(pattern, re.IGNORECASE), what, hint)


# The first match counts.
_CAUSES = (
    _cause("no such table|UndefinedTable", "it has no tables yet", HOW_TO_MIGRATE),
    _cause("no such column|UndefinedColumn", "its tables are older than this code", HOW_TO_MIGRATE),
    _cause(
        "could not translate host name|failed to resolve host",
        "no such host",
        "correct the connection's host, or the name service of this machine",
    ),
    _cause(
        "connection refused",
        "the host is there, but nothing listens at that port",
        "correct the connection's host and port, and check that the database server runs",
    ),
    _cause(
        "timeout expired|timed out|no route to host|network is unreachable",
        "no response from that address",
        "correct the connection's host and port, and check for a firewall in between",
    ),
    _cause(
        r"on socket .* no such file or directory",
        "no database server listens at that socket",
        "correct the socket's folder ('host' in the connection's query), and check that the database server runs",
    ),
    _cause(
        "invalid response to SSL negotiation|expected authentication",
        "the server at that port is not PostgreSQL",
        "correct the connection's port",
    ),
    _cause(
        "certificate|does not support SSL|SSL error",
        "a secure connection failed",
        "correct 'sslmode' and 'sslrootcert' in the connection's query",
    ),
    _cause(
        r"password authentication failed|no password supplied|role .* does not exist|authentication failed",
        "the login or the password is wrong",
        "correct the connection's login and password",
    ),
    _cause(
        r"pg_hba\.conf|is not permitted to log in",
        "the server does not accept this login from this host",
        "allow it in the server's pg_hba.conf, or use another login",
    ),
    _cause(
        r"database .* does not exist",
        "the database does not exist",
        "correct the connection's schema (the database's name), or create it: CREATE DATABASE",
    ),
    _cause(
        "permission denied|InsufficientPrivilege",
        "the login lacks the required privilege",
        "grant it: a worker reads and writes the tables, 'airflow mlops db upgrade' creates them",
    ),
    _cause(
        "readonly database|read-only transaction|read-only file system",
        "it cannot be written to",
        "connect to the primary server, or give this user the right to write the file and its folder",
    ),
    _cause(
        "unable to open database file",
        "the file cannot be opened",
        "correct the connection's schema (the file's path); its folder has to exist and be writable",
    ),
    _cause(
        "is not a database|malformed", "the file is not a SQLite database, or is damaged", "restore it from a backup"
    ),
    _cause(
        "database is locked",
        "another process has locked it for too long",
        "end that process; for more than a few workers use PostgreSQL",
    ),
    _cause(
        "too many clients|remaining connection slots|too many connections",
        "it has no free connection",
        "raise max_connections, or use a connection pooler",
    ),
    _cause("no space left|disk is full|DiskFull", "its disk is full", "free space on the database's disk"),
    _cause(
        "server closed the connection|terminating connection|connection already closed|connection is lost",
        "the connection was lost",
        "check the server's log for a restart, or for a timeout because this process froze in a transaction",
    ),
    _cause("starting up|shutting down|in recovery mode", "it is starting or stopping", "wait until it runs"),
)
_DEFAULT_HINT = "check the database server's log, and the connection of type mlops_store"


def explain(error: DBAPIError, where: str) -> StoreNotReady | None:
    """Return the error with its cause and a hint; ``None`` when a statement is wrong, not the store.

    :param where: the store's address, without its password.
    """
    if isinstance(error, (DataError, IntegrityError)):
        return None
    # The first line only: below it PostgreSQL quotes the statement, which may contain values of a row.
    reason = (str(error.orig).strip() or type(error.orig).__name__).splitlines()[0]
    message = f"{type(error.orig).__name__}: {reason}"
    for cause in _CAUSES:
        if cause.pattern.search(message):
            return StoreNotReady(f"the lifecycle store: {cause.what} ({reason})", where=where, hint=cause.hint)
    if isinstance(error, OperationalError):
        return StoreNotReady(f"the lifecycle store: {reason}", where=where, hint=_DEFAULT_HINT)
    return None
