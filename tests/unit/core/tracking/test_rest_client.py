"""MLflow's private methods that the REST client overrides are there, with the parameters it takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from mlflow.store.model_registry.rest_store import RestStore as RegistryStore
from mlflow.store.tracking.rest_store import RestStore as TrackingStore
from mlflow.tracking._model_registry.client import ModelRegistryClient
from mlflow.tracking._tracking_service.client import TrackingServiceClient


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        (TrackingStore._call_endpoint, ["self", "api", "json_body", "endpoint"]),
        (RegistryStore._call_endpoint, ["self", "api", "json_body", "call_all_endpoints"]),
        (RegistryStore._get_endpoint_from_method, ["self", "method"]),
        (RegistryStore._get_all_endpoints_from_method, ["self", "method"]),
        (TrackingServiceClient._get_artifact_repo, ["self", "resource_id"]),
    ],
)
def test_an_overridden_method_takes_the_parameters_that_the_override_relies_on(
    method: Callable[..., Any], parameters: list[str]
) -> None:
    assert list(inspect.signature(method).parameters)[: len(parameters)] == parameters


def test_the_stores_are_properties_that_a_subclass_can_replace() -> None:
    assert isinstance(TrackingServiceClient.store, property)
    assert isinstance(ModelRegistryClient.store, property)
    assert TrackingStore._METHOD_TO_INFO
