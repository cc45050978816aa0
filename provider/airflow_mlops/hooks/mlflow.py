"""The connection to MLflow."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

if TYPE_CHECKING:
    from airflow.sdk import Connection
    from mlflow import MlflowClient

    from airflow_mlops.core.tracking import Access


class MlflowHook(BaseHook):
    """Gives a client of its own for one MLflow, without touching ``os.environ`` or MLflow's global state.

    The connection's extra has ``tracking_uri``, in full: ``https://mlflow.example.org:5000/path``, or a database URL
    for a local store, which then also needs ``artifact_location``: where new experiments keep their files. A
    tracking URI without a scheme is refused: MLflow would silently make it a local folder. Beside it may stand
    ``login`` and ``password``, or in the extra ``token``, ``verify`` (false: the certificate is not checked),
    ``ca_bundle``, ``client_cert``, ``connect_seconds``, ``read_seconds`` and ``overall_seconds``.

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
        """What the connection says, checked.

        :raises BadInput: when it cannot be meant so.
        """
        from airflow_mlops.core.tracking import Access
        from airflow_mlops.core.yes_no import yes_or_no

        extra, where = self.connection.extra_dejson, f"connection {self.mlflow_conn_id}"
        given: dict[str, Any] = {name: extra[name] for name in ("token", "ca_bundle", "client_cert") if extra.get(name)}
        for name in ("connect_seconds", "read_seconds", "overall_seconds"):
            if extra.get(name) not in (None, ""):
                given[name] = _seconds(extra[name], name, where)
        return Access(
            str(extra.get("tracking_uri") or ""),
            login=self.connection.login or None,
            password=self.connection.password or None,
            verify=yes_or_no(extra.get("verify"), "verify", unsaid=True, where=where),
            where=where,
            **given,
        )

    @property
    def tracking_uri(self) -> str:
        """The tracking URI, as it stands in the connection.

        :raises BadInput: when it is missing or has no scheme.
        """
        return self.access.tracking_uri

    @property
    def artifact_location(self) -> str | None:
        """Where a new experiment keeps its artifacts; ``None`` leaves it to the server."""
        return self.connection.extra_dejson.get("artifact_location") or None

    def get_conn(self) -> MlflowClient:
        """Give a client."""
        from airflow_mlops.core.tracking import connect

        return connect(self.access)

    @cached_property
    def client(self) -> MlflowClient:
        """The client."""
        return self.get_conn()

    def test_connection(self) -> tuple[bool, str]:
        """Tell whether MLflow can be used, and if not, whether it is address, login, TLS, or not MLflow at all."""
        from airflow_mlops.core.errors import MlopsError
        from airflow_mlops.core.tracking.probe import probe

        try:
            return probe(self.access)
        except MlopsError as error:
            return False, str(error)


def _seconds(value: Any, name: str, where: str) -> float:
    from airflow_mlops.core.errors import BadInput

    try:
        return float(value)
    except (TypeError, ValueError):
        raise BadInput(f"{name} is no number: {value!r}", where=where, mend="give seconds") from None
