"""The connection to MLflow."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

if TYPE_CHECKING:
    from airflow.sdk import Connection
    from mlflow import MlflowClient


class MlflowHook(BaseHook):
    """Gives a client of its own for one MLflow, without touching ``os.environ`` or MLflow's global state.

    The connection's extra has ``tracking_uri``, in full: ``https://mlflow.example.org:5000/path``, or a database URL
    for a local store, which then also needs ``artifact_location``: where new experiments keep their files. A
    tracking URI without a scheme is refused: MLflow would silently make it a local folder.

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

    @property
    def tracking_uri(self) -> str:
        """The tracking URI, as it stands in the connection.

        :raises BadInput: when it is missing or has no scheme.
        """
        from airflow_mlops.core.errors import BadInput

        uri = str(self.connection.extra_dejson.get("tracking_uri") or "")
        if "://" not in uri:
            raise BadInput(
                "the MLflow connection has no full tracking URI",
                where=f"connection {self.mlflow_conn_id}: tracking_uri={uri!r}",
                mend='put {"tracking_uri": "http://host:port"} (or sqlite:////path, postgresql://…) in its extra',
            )
        return uri

    @property
    def artifact_location(self) -> str | None:
        """Where a new experiment keeps its artifacts; ``None`` leaves it to the server."""
        return self.connection.extra_dejson.get("artifact_location") or None

    def get_conn(self) -> MlflowClient:
        """Give a client."""
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.tracking_uri, registry_uri=self.tracking_uri)

    @cached_property
    def client(self) -> MlflowClient:
        """The client."""
        return self.get_conn()

    def test_connection(self) -> tuple[bool, str]:
        """Tell whether MLflow answers."""
        try:
            self.get_conn().search_experiments(max_results=1)
        except Exception as error:  # whatever it is, the form shall say it
            return False, f"{type(error).__name__}: {error}"
        return True, "MLflow answers"
