"""Connection settings of one MLflow: tracking URI, credentials, TLS and timeouts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from airflow_mlops.common.errors import BadInput

CONNECT_SECONDS, READ_SECONDS, OVERALL_SECONDS = 5.0, 30.0, 60.0
SCHEMES = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "file", "databricks")


@dataclass(frozen=True, slots=True)
class Access:
    """Connection settings of one MLflow.

    :param uri: the full tracking URI (scheme, host, port, path), or a database's URL for a local store.
    :param login: with ``password``, for a server with basic authentication.
    :param token: a bearer token, instead of a login.
    :param verify: whether the server's certificate is checked.
    :param ca_bundle: a file with the trusted certificates, instead of the system's.
    :param client_cert: a file with this client's certificate and key, for a server that requires one.
    :param connect_seconds: the timeout of a connection.
    :param read_seconds: the longest time without data from the server.
    :param overall_seconds: the timeout of one call, retries included.
    :param where: a name for error messages, such as ``connection mlflow_default``.
    :raises BadInput: when the settings contradict each other, or the URI is not complete.
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
        scheme, colon, rest = self.uri.partition("://")
        if not colon or scheme.partition("+")[0].lower() not in SCHEMES or (scheme in ("http", "https") and not rest):
            raise BadInput(
                "the MLflow connection has no full tracking URI",
                where=f"{self.where}: {self.address!r}",
                hint='put {"tracking_uri": "http://host:port"} (or sqlite:////path, postgresql://…) in its extra',
            )
        if self.is_server and "@" in urlsplit(self.uri).netloc:
            raise BadInput(
                "the tracking URI contains a login, which would show in logs",
                where=f"{self.where}: {self.address!r}",
                hint="put it in the connection's login and password",
            )
        if self.token and self.login:
            raise BadInput("both a login and a token are set", where=self.where, hint="remove one of them")
        if bool(self.login) != bool(self.password):
            raise BadInput("a login needs a password, and a password a login", where=self.where)
        for name in ("connect_seconds", "read_seconds", "overall_seconds"):
            if not 0 < getattr(self, name) < 86_400:
                raise BadInput(f"{name} is {getattr(self, name)}", where=self.where, hint="set seconds above 0")

    @property
    def is_server(self) -> bool:
        """Whether the URI is a server's and not a database's."""
        return self.uri.lower().startswith(("http://", "https://"))

    @property
    def address(self) -> str:
        """The URI with its password hidden."""
        parts = urlsplit(self.uri)
        if "@" not in parts.netloc:
            return self.uri
        login, _, host = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{login.partition(':')[0]}:***@{host}"))

    @property
    def tracking_uri(self) -> TrackingUri:
        """The URI, with these settings attached."""
        return TrackingUri(self)


class TrackingUri(str):
    """A tracking URI that carries its connection settings.

    Login and timeouts are passed on with it within the process; printing or pickling gives the URI alone.

    :param access: the connection settings.
    """

    access: Access

    def __new__(cls, access: Access) -> Self:
        """Create the text."""
        uri = super().__new__(cls, access.uri)
        uri.access = access
        return uri

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """Pickle and copy as plain text, without the credentials."""
        return str, (str(self),)
