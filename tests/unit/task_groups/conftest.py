"""A DAG of the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from airflow.sdk import DAG


@pytest.fixture
def dag() -> Iterator[DAG]:
    """A DAG that tasks can be put into."""
    with DAG("d", schedule=None) as made:
        yield made
