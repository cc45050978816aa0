"""One login for an object store: fsspec's options, in the words of what else reads the files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OF_S3 = {
    "key": "aws_access_key_id",
    "secret": "aws_secret_access_key",
    "token": "aws_session_token",
    "endpoint_url": "aws_endpoint_url",
    "region_name": "aws_region",
}
"""s3fs's names, and boto's in its ``client_kwargs`` -> those of object_store, which Polars reads by."""


def for_polars(options: Mapping[str, Any]) -> dict[str, str] | None:
    """Say fsspec's options as Polars wants them.

    Those of s3fs are translated; other text, such as ``account_name`` of adlfs, is called the same there. What is not
    text belongs to fsspec alone (its caches, for instance), but for ``anon``.

    :param options: of an fsspec file system.
    :return: ``storage_options``; ``None`` when there is nothing to say, and the machine's own login counts.
    """
    named = {**options, **(options.get("client_kwargs") or {})}
    said = {_OF_S3.get(name, name): value for name, value in named.items() if isinstance(value, str)}
    if named.get("anon"):
        said["aws_skip_signature"] = "true"
    if said.get("aws_endpoint_url", "").startswith("http://"):
        said["aws_allow_http"] = "true"  # whoever names such an address wants it
    return said or None
