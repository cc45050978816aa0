"""Hook for MLflow."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

if TYPE_CHECKING:
    from airflow.sdk import Connection
    from mlflow import MlflowClient

    from airflow_mlops.core.tracking import Access


class MlflowHook(BaseHook):
    """Create a separate MLflow client for a connection, without changing ``os.environ`` or MLflow's global state.

    The connection's extra has the complete ``tracking_uri``: ``https://mlflow.example.org:5000/path``, or a database
    URL for a local store. A local store also needs ``artifact_location`` for the files of new experiments. A tracking
    URI without a scheme is rejected, because MLflow would silently create a local folder. Optional are ``login`` and
    ``password``, and in the extra ``token``, ``verify`` (false: do not verify the certificate), ``ca_bundle``,
    ``client_cert``, ``connect_seconds``, ``read_seconds`` and ``overall_seconds``.

    :param mlflow_conn_id: the connection's id.
    """

    conn_name_attr = "mlflow_conn_id"
    default_conn_name = "mlflow_default"
    conn_type = "mlflow"
    hook_name = "MLflow"

    def __init__(self, mlflow_conn_id: str = default_conn_name, connection: Connection | None = None) -> None:
        super().__init__()
        self.mlflow_conn_id = mlflow_conn_id
        self._connection = connection

    @cached_property
    def connection(self) -> Connection:
        """The Airflow connection."""
        return self._connection or self.get_connection(self.mlflow_conn_id)

    @cached_property
    def access(self) -> Access:
        """The validated settings of the connection.

        :raises BadInput: when a setting is invalid.
        """
        from airflow_mlops.common.booleans import parse_bool
        from airflow_mlops.core.tracking import Access

        extra, where = self.connection.extra_dejson, f"connection {self.mlflow_conn_id}"
        optional: dict[str, Any] = {n: extra[n] for n in ("token", "ca_bundle", "client_cert") if extra.get(n)}
        for name in ("connect_seconds", "read_seconds", "overall_seconds"):
            if extra.get(name) not in (None, ""):
                optional[name] = _parse_seconds(extra[name], name, where)
        return Access(
            str(extra.get("tracking_uri") or ""),
            login=self.connection.login or None,
            password=self.connection.password or None,
            verify=parse_bool(extra.get("verify"), "verify", default=True, where=where),
            where=where,
            **optional,
        )

    @property
    def tracking_uri(self) -> str:
        """The connection's tracking URI.

        :raises BadInput: when it is missing or has no scheme.
        """
        return self.access.tracking_uri

    @property
    def artifact_location(self) -> str | None:
        """The artifact location of new experiments; ``None``: the server's default."""
        return self.connection.extra_dejson.get("artifact_location") or None

    def get_conn(self) -> MlflowClient:
        """Return a new client."""
        from airflow_mlops.core.tracking import connect

        return connect(self.access)

    @cached_property
    def client(self) -> MlflowClient:
        """The client, created once."""
        return self.get_conn()

    def test_connection(self) -> tuple[bool, str]:
        """Check MLflow; the message names the cause of a failure: address, login, TLS or not an MLflow server."""
        from airflow_mlops.common.errors import MlopsError
        from airflow_mlops.core.tracking.probe import probe

        try:
            return probe(self.access)
        except MlopsError as error:
            return False, str(error)


def _parse_seconds(value: Any, name: str, where: str) -> float:
    from airflow_mlops.common.errors import BadInput

    try:
        return float(value)
    except (TypeError, ValueError):
        raise BadInput(f"{name} is not a number: {value!r}", where=where, hint="give seconds") from None
