"""What a database's refusal means, and how to mend it.

Drivers give one class of error for a wrong port, a wrong password and a full disk; only their words tell them apart.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from airflow_mlops.core.errors import StoreNotReady
from airflow_mlops.store.schema import HOW_TO_MIGRATE


class Trouble(NamedTuple):
    """One kind of refusal.

    :param words: what the driver's words match.
    :param what: what it means.
    :param mend: what a person can do about it.
    """

    words: re.Pattern[str]
    what: str
    mend: str


def _trouble(words: str, what: str, mend: str) -> Trouble:
    return Trouble(re.compile(words, re.IGNORECASE), what, mend)


# The first that matches says it.
_TROUBLES = (
    _trouble("no such table|UndefinedTable", "it has no tables yet", HOW_TO_MIGRATE),
    _trouble("no such column|UndefinedColumn", "its tables are older than this code", HOW_TO_MIGRATE),
    _trouble(
        "could not translate host name|failed to resolve host",
        "no such host",
        "correct the connection's host, or the name service of this machine",
    ),
    _trouble(
        "connection refused",
        "the host is there, but nothing listens at that port",
        "correct the connection's host and port, and see that the database server runs",
    ),
    _trouble(
        "timeout expired|timed out|no route to host|network is unreachable",
        "nobody answers at that address",
        "correct the connection's host and port, and see that no firewall is between",
    ),
    _trouble(
        r"on socket .* no such file or directory",
        "no database server listens at that socket",
        "correct the socket's folder ('host' in the connection's query), and see that the database server runs",
    ),
    _trouble(
        "invalid response to SSL negotiation|expected authentication",
        "something answers, but not as PostgreSQL does",
        "correct the connection's port",
    ),
    _trouble(
        "certificate|does not support SSL|SSL error",
        "no secure connection",
        "correct 'sslmode' and 'sslrootcert' in the connection's query",
    ),
    _trouble(
        r"password authentication failed|no password supplied|role .* does not exist|authentication failed",
        "the login or the password is wrong",
        "correct the connection's login and password",
    ),
    _trouble(
        r"pg_hba\.conf|is not permitted to log in",
        "the server does not let this login in from here",
        "let it in, in the server's pg_hba.conf, or use another login",
    ),
    _trouble(
        r"database .* does not exist",
        "there is no such database",
        "correct the connection's schema (the database's name), or make the database: CREATE DATABASE",
    ),
    _trouble(
        "permission denied|InsufficientPrivilege",
        "the login has no right to do that",
        "grant it: a worker reads and writes the tables, 'airflow mlops db upgrade' makes them",
    ),
    _trouble(
        "readonly database|read-only transaction|read-only file system",
        "it cannot be written to",
        "connect to the primary server, or give this user the right to write the file and its folder",
    ),
    _trouble(
        "unable to open database file",
        "the file cannot be opened",
        "correct the connection's schema (the file's path); its folder has to be there and writable",
    ),
    _trouble(
        "is not a database|malformed", "the file is no SQLite database, or is damaged", "restore it from a backup"
    ),
    _trouble(
        "database is locked",
        "another process has kept it locked for too long",
        "end that process; more than a few workers want PostgreSQL",
    ),
    _trouble(
        "too many clients|remaining connection slots|too many connections",
        "it has no connection left to give",
        "raise max_connections, or put a pooler between",
    ),
    _trouble("no space left|disk is full|DiskFull", "its disk is full", "make room on the database's disk"),
    _trouble(
        "server closed the connection|terminating connection|connection already closed|connection is lost",
        "the connection was cut",
        "see in the server's log whether it was restarted, or this process stood still in the middle of its work",
    ),
    _trouble("starting up|shutting down|in recovery mode", "it is starting or stopping", "wait until it runs"),
)
_OTHER = "look at the database server's log, and at the connection of type mlops_store"


def explained(error: DBAPIError, where: str) -> StoreNotReady | None:
    """Give the error in words; ``None`` when it is about a statement, not about the store's being usable.

    :param where: the store's address, without its password.
    """
    if isinstance(error, (DataError, IntegrityError)):
        return None
    # Its first line only: below it, PostgreSQL quotes the statement, with whatever a row may say.
    reason = (str(error.orig).strip() or type(error.orig).__name__).splitlines()[0]
    said = f"{type(error.orig).__name__}: {reason}"
    for trouble in _TROUBLES:
        if trouble.words.search(said):
            return StoreNotReady(f"the lifecycle store: {trouble.what} ({reason})", where=where, mend=trouble.mend)
    if isinstance(error, OperationalError):
        return StoreNotReady(f"the lifecycle store: {reason}", where=where, mend=_OTHER)
    return None
