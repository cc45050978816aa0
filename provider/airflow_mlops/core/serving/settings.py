"""Settings of a serving container: the file ``serving.json`` in its image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from airflow_mlops.common.settings import Settings


class RequestLimits(Settings):
    """The limits for requests.

    :param max_body_bytes: the maximum size of a request body.
    :param max_rows: the maximum number of rows of a request.
    :param max_text_length: the maximum number of characters of a text, where the contract does not set one.
    :param max_queued_requests: the maximum number of queued requests before others are rejected.
    :param timeout_seconds: the timeout of a request.
    :param requests_per_second: the requests per second allowed for one address; ``None`` for no limit.
    :param burst: the number of requests it may send at once; default: two seconds' worth.
    """

    renamed: ClassVar[Mapping[str, str]] = {
        "body_bytes": "max_body_bytes",
        "rows": "max_rows",
        "text": "max_text_length",
        "waiting": "max_queued_requests",
        "seconds": "timeout_seconds",
        "rate": "requests_per_second",
    }
    max_body_bytes: int = Field(default=8 << 20, ge=1)
    max_rows: int = Field(default=10_000, ge=1)
    max_text_length: int = Field(default=10_000, ge=1)
    max_queued_requests: int = Field(default=256, ge=1)
    timeout_seconds: float = Field(default=30.0, gt=0)
    requests_per_second: float | None = Field(default=None, gt=0)
    burst: int | None = Field(default=None, ge=1)


class ServingSettings(Settings):
    """The served version and the configuration of its server.

    :param model: the model's name.
    :param version: its version.
    :param digest: the registered digest of its files, verified before anything is loaded.
    :param contract: the contract for the rows of a request.
    :param trusted_types: the project's own types that the model may contain.
    :param processes: the number of model processes that score in parallel.
    :param max_batch_rows: the maximum number of queued rows scored in one call.
    :param limits: the limits for requests.
    :param log_table: the table for predictions, ``table`` or ``schema.table``; its database URL is in a secret file.
        ``None`` disables logging.
    """

    model: str
    version: int
    digest: str
    contract: dict[str, Any]
    trusted_types: tuple[str, ...] = ()
    processes: int = Field(default=1, ge=1, le=64)
    max_batch_rows: int = Field(default=1000, ge=1)
    limits: RequestLimits = RequestLimits()
    log_table: str | None = None
