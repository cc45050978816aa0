"""MLflow client for a server, over our transport."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from mlflow import MlflowClient
from mlflow.exceptions import RestException
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.model_registry.rest_store import RestStore as RegistryStore
from mlflow.store.tracking.rest_store import RestStore as TrackingStore
from mlflow.tracking._model_registry.client import ModelRegistryClient
from mlflow.tracking._tracking_service.client import TrackingServiceClient
from mlflow.utils.proto_json_utils import parse_dict
from mlflow.utils.rest_utils import MlflowHostCreds, verify_rest_response

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.tracking.access import Access, TrackingUri
from airflow_mlops.core.tracking.server_artifacts import ServerArtifactRepository, is_served_by
from airflow_mlops.core.tracking.transport import Transport

# Idempotent calls. A call that is neither read-only nor listed here is sent only once.
REPEATABLE = frozenset(
    {
        "SearchRuns",
        "SearchExperiments",
        "UpdateRun",
        "UpdateExperiment",
        "LogBatch",  # a metric's row is identified by step, timestamp and value; a parameter's first value stays
        "LogMetric",
        "LogParam",
        "LogInputs",  # identified by the dataset's digest
        "SetTag",
        "SetExperimentTag",
        "SetRegisteredModelTag",
        "SetModelVersionTag",
        "SetRegisteredModelAlias",
        "UpdateModelVersion",
        "UpdateRegisteredModel",
    }
)


class MlflowRestClient(MlflowClient):
    """An MLflow client whose calls go to one server, with one login and with timeouts.

    :param access: the connection settings.
    """

    def __init__(self, access: Access) -> None:
        super().__init__(tracking_uri=access.uri, registry_uri=access.uri)
        self.access, transport = access, Transport(access)
        self._tracking_client = _Tracking(transport)
        self._registry_client_lazy = _Registry(transport)  # MLflow creates its own only if this is missing

    @property
    def tracking_uri(self) -> TrackingUri:
        """The tracking URI, which carries the login and the timeouts."""
        return self.access.tracking_uri

    def folder_of(self, artifact_uri: str) -> Path:
        """Download an artifact's files; return the local folder."""
        return Path(self._tracking_client.repository(artifact_uri).download_artifacts(""))


class _Tracking(TrackingServiceClient):
    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._store = _TrackingCalls(transport)
        self._repositories: dict[str, ArtifactRepository] = {}
        super().__init__(transport.access.uri)

    @property
    def store(self) -> TrackingStore:
        return self._store

    def repository(self, artifact_uri: str) -> ArtifactRepository:
        """Return the artifact repository: ours where the server serves the artifacts, else MLflow's."""
        if is_served_by(artifact_uri, self.tracking_uri):
            return ServerArtifactRepository(artifact_uri, self.transport)
        return get_artifact_repository(artifact_uri, tracking_uri=self.tracking_uri)

    def _get_artifact_repo(
        self, resource_id: str, *, resource: Literal["run", "logged_model"] = "run"
    ) -> ArtifactRepository:
        if resource_id not in self._repositories:
            uri = (
                self.get_run(resource_id).info.artifact_uri
                if resource == "run"
                else self.get_logged_model(resource_id).artifact_location
            )
            self._repositories[resource_id] = self.repository(uri)
        return self._repositories[resource_id]

    def list_artifacts(self, run_id: str, path: str | None = None) -> list[Any]:
        return list(self._get_artifact_repo(run_id).list_artifacts(path))

    def download_artifacts(self, run_id: str, path: str, dst_path: str | None = None) -> str:
        return str(self._get_artifact_repo(run_id).download_artifacts(path, dst_path))


class _Registry(ModelRegistryClient):
    def __init__(self, transport: Transport) -> None:
        self._store = _RegistryCalls(transport)
        super().__init__(transport.access.uri, transport.access.uri)

    @property
    def store(self) -> RegistryStore:
        return self._store


class _TrackingCalls(TrackingStore):
    def __init__(self, transport: Transport) -> None:
        super().__init__(_host_creds(transport.access))
        self._transport = transport

    def _call_endpoint(
        self, api: Any, json_body: str | None = None, endpoint: str | None = None, response_proto: Any = None, **_: Any
    ) -> Any:
        routes = self._V3_METHOD_TO_INFO if api in getattr(self, "_V3_APIS", ()) else self._METHOD_TO_INFO
        default, method = routes[api]
        return _call(self._transport, api, endpoint or default, method, json_body, response_proto or api.Response())


class _RegistryCalls(RegistryStore):
    def __init__(self, transport: Transport) -> None:
        super().__init__(_host_creds(transport.access))
        self._transport = transport

    def _call_endpoint(self, api: Any, json_body: str | None, call_all_endpoints: bool = False, **_: Any) -> Any:
        endpoints = (
            self._get_all_endpoints_from_method(api) if call_all_endpoints else [self._get_endpoint_from_method(api)]
        )
        for endpoint, method in endpoints[:-1]:
            try:
                return _call(self._transport, api, endpoint, method, json_body, api.Response())
            except RestException as error:  # an older server has the older endpoint only
                if error.error_code != "ENDPOINT_NOT_FOUND":
                    raise
        endpoint, method = endpoints[-1]
        return _call(self._transport, api, endpoint, method, json_body, api.Response())


def _call(transport: Transport, api: Any, endpoint: str, method: str, json_body: str | None, reply: Any) -> Any:
    body = json.loads(json_body) if json_body else None
    once = method != "GET" and api.DESCRIPTOR.name not in REPEATABLE
    is_get = method == "GET"
    response = transport.send(
        method, endpoint, once=once, params=body if is_get else None, json=None if is_get else body
    )
    access = transport.access
    if response.status_code == 403:
        raise BadInput(
            f"MLflow denied the request: {response.text[:200]}",
            where=f"{access.where}: {access.address}, {endpoint}",
            hint="request the permission, or use another login",
        )
    if response.status_code == 204:
        return reply
    verify_rest_response(response, endpoint)
    try:
        content = response.json()
    except ValueError:
        raise not_mlflow_error(access, response.text) from None
    parse_dict(js_dict=content, message=reply)
    return reply


def not_mlflow_error(access: Access, text: str) -> BadInput:
    """Return the error for a server that is not MLflow."""
    return BadInput(
        f"the server is not MLflow: {text[:100]!r}",
        where=f"{access.where}: {access.address}",
        hint="check host, port and path of the tracking URI",
    )


def _host_creds(access: Access) -> Any:
    """Return MLflow's own credentials getter, for features that we do not use, such as traces."""
    creds = MlflowHostCreds(
        host=access.uri,
        username=access.login,
        password=access.password,
        token=access.token,
        ignore_tls_verification=not access.verify,
        client_cert_path=access.client_cert,
        server_cert_path=access.ca_bundle if access.verify else None,
    )
    return lambda: creds
