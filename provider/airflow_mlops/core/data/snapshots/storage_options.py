"""Translation of fsspec's storage options for an object store to those of Polars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_S3_NAMES = {
    "key": "aws_access_key_id",
    "secret": "aws_secret_access_key",
    "token": "aws_session_token",
    "endpoint_url": "aws_endpoint_url",
    "region_name": "aws_region",
}
"""s3fs's names, and boto's in its ``client_kwargs`` -> those of object_store, which Polars uses."""


def to_polars_options(options: Mapping[str, Any]) -> dict[str, str] | None:
    """Translate fsspec's options to Polars' ``storage_options``.

    The names of s3fs are translated; other strings, such as ``account_name`` of adlfs, have the same name in both.
    Except for ``anon``, options that are not strings (caches, for instance) concern only fsspec, and are dropped.

    :param options: the options of an fsspec file system.
    :return: ``storage_options``; ``None`` when empty, so that the machine's default credentials apply.
    """
    flat = {**options, **(options.get("client_kwargs") or {})}
    storage_options = {_S3_NAMES.get(name, name): value for name, value in flat.items() if isinstance(value, str)}
    if flat.get("anon"):
        storage_options["aws_skip_signature"] = "true"
    if storage_options.get("aws_endpoint_url", "").startswith("http://"):
        storage_options["aws_allow_http"] = "true"  # the URL itself opts in to HTTP
    return storage_options or None
