from __future__ import annotations

from typing import Any

import pytest

from airflow_mlops.core.data.object_store import for_polars


def test_a_login_of_s3fs_is_said_in_the_words_of_polars() -> None:
    options = {"key": "k", "secret": "s", "client_kwargs": {"endpoint_url": "https://s3.example.org"}}
    assert for_polars(options) == {
        "aws_access_key_id": "k",
        "aws_secret_access_key": "s",
        "aws_endpoint_url": "https://s3.example.org",
    }


def test_an_address_without_tls_is_allowed_as_it_was_asked_for() -> None:
    assert for_polars({"endpoint_url": "http://minio:9000"}) == {
        "aws_endpoint_url": "http://minio:9000",
        "aws_allow_http": "true",
    }


@pytest.mark.parametrize(
    "options", [{}, {"client_kwargs": None}, {"use_listings_cache": False, "config_kwargs": {"retries": 3}}]
)
def test_without_a_login_the_machines_own_counts(options: dict[str, Any]) -> None:
    assert for_polars(options) is None


def test_a_public_bucket_is_read_without_a_login() -> None:
    assert for_polars({"anon": True}) == {"aws_skip_signature": "true"}
    assert for_polars({"anon": False}) is None


def test_names_of_other_stores_are_the_same_there() -> None:
    assert for_polars({"account_name": "shop"}) == {"account_name": "shop"}
