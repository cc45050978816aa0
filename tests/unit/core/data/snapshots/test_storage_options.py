from __future__ import annotations

from typing import Any

import pytest

from airflow_mlops.core.data.snapshots.storage_options import to_polars_options


def test_credentials_of_s3fs_are_translated_for_polars() -> None:
    options = {"key": "k", "secret": "s", "client_kwargs": {"endpoint_url": "https://s3.example.org"}}
    assert to_polars_options(options) == {
        "aws_access_key_id": "k",
        "aws_secret_access_key": "s",
        "aws_endpoint_url": "https://s3.example.org",
    }


def test_an_http_endpoint_allows_http() -> None:
    assert to_polars_options({"endpoint_url": "http://minio:9000"}) == {
        "aws_endpoint_url": "http://minio:9000",
        "aws_allow_http": "true",
    }


@pytest.mark.parametrize(
    "options", [{}, {"client_kwargs": None}, {"use_listings_cache": False, "config_kwargs": {"retries": 3}}]
)
def test_without_credentials_the_machines_default_applies(options: dict[str, Any]) -> None:
    assert to_polars_options(options) is None


def test_a_public_bucket_is_read_without_credentials() -> None:
    assert to_polars_options({"anon": True}) == {"aws_skip_signature": "true"}
    assert to_polars_options({"anon": False}) is None


def test_option_names_of_other_stores_are_unchanged() -> None:
    assert to_polars_options({"account_name": "shop"}) == {"account_name": "shop"}
