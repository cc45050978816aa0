"""How one MLflow is reached: where it is, who asks, and how long an answer may take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from airflow_mlops.core.errors import BadInput

CONNECT_SECONDS, READ_SECONDS, OVERALL_SECONDS = 5.0, 30.0, 60.0
SCHEMES = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "file", "databricks")


@dataclass(frozen=True, slots=True)
class Access:
    """How one MLflow is reached.

    :param uri: the tracking URI, in full: scheme, host, port, path; or a database's URL for a local store.
    :param login: with ``password``, for a server with basic authentication.
    :param token: for a server that takes a bearer token, in place of a login.
    :param verify: whether the server's certificate is checked.
    :param ca_bundle: a file with the certificates that are trusted, in place of the system's.
    :param client_cert: a file with this client's certificate and key, for a server that asks for one.
    :param connect_seconds: how long a connection may take.
    :param read_seconds: how long the server may be silent.
    :param overall_seconds: how long one call may take in all, repetitions included.
    :param where: what a person knows it by, such as ``connection mlflow_default``.
    :raises BadInput: when it contradicts itself, or would end in some local folder.
    """

    uri: str
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    verify: bool = True
    ca_bundle: str | None = None
    client_cert: str | None = None
    connect_seconds: float = CONNECT_SECONDS
    read_seconds: float = READ_SECONDS
    overall_seconds: float = OVERALL_SECONDS
    where: str = "the MLflow connection"

    def __post_init__(self) -> None:
        scheme, found, rest = self.uri.partition("://")
        if not found or scheme.partition("+")[0].lower() not in SCHEMES or (scheme in ("http", "https") and not rest):
            raise BadInput(
                "the MLflow connection has no full tracking URI",
                where=f"{self.where}: {self.address!r}",
                mend='put {"tracking_uri": "http://host:port"} (or sqlite:////path, postgresql://…) in its extra',
            )
        if self.served and "@" in urlsplit(self.uri).netloc:
            raise BadInput(
                "the tracking URI has a login in it, which would show in logs",
                where=f"{self.where}: {self.address!r}",
                mend="put it in the connection's login and password",
            )
        if self.token and self.login:
            raise BadInput("both a login and a token are given", where=self.where, mend="leave one out")
        if bool(self.login) != bool(self.password):
            raise BadInput("a login needs a password, and a password a login", where=self.where)
        for name in ("connect_seconds", "read_seconds", "overall_seconds"):
            if not 0 < getattr(self, name) < 86_400:
                raise BadInput(f"{name} is {getattr(self, name)}", where=self.where, mend="give seconds, above 0")

    @property
    def served(self) -> bool:
        """Whether a server is asked, rather than a database."""
        return self.uri.lower().startswith(("http://", "https://"))

    @property
    def address(self) -> str:
        """The URI without a password, for people."""
        parts = urlsplit(self.uri)
        if "@" not in parts.netloc:
            return self.uri
        login, _, host = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{login.partition(':')[0]}:***@{host}"))

    @property
    def tracking_uri(self) -> TrackingUri:
        """The URI, with the access."""
        return TrackingUri(self)


class TrackingUri(str):
    """A tracking URI that knows how it is reached: wherever it is handed on to, its login and its deadlines go with it,
    while what is printed or stored is the URI alone.

    :param access: how it is reached.
    """

    access: Access

    def __new__(cls, access: Access) -> Self:
        """Make the text."""
        made = super().__new__(cls, access.uri)
        made.access = access
        return made

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """Pickle and copy as plain text: no secret travels by accident."""
        return str, (str(self),)
