"""What a serving container is told: the file ``serving.json`` in its image."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from airflow_mlops.core.settings import Settings


class Limits(Settings):
    """What one caller, and all of them, may ask for.

    :param body_bytes: the most bytes of a request's body.
    :param rows: the most rows of a request.
    :param text: the most characters of a text, where the contract does not say.
    :param waiting: how many requests may wait for the model before others are sent away.
    :param seconds: how long a request may wait for its answer.
    :param rate: requests a second that one address may send; ``None`` for no limit.
    :param burst: how many it may send at once; by default two seconds' worth.
    """

    body_bytes: int = Field(default=8 << 20, ge=1)
    rows: int = Field(default=10_000, ge=1)
    text: int = Field(default=10_000, ge=1)
    waiting: int = Field(default=256, ge=1)
    seconds: float = Field(default=30.0, gt=0)
    rate: float | None = Field(default=None, gt=0)
    burst: int | None = Field(default=None, ge=1)


class ServingSettings(Settings):
    """What is served, and how.

    :param model: the model's name.
    :param version: its version.
    :param digest: the registered digest of its files; no byte of them is loaded before it is verified.
    :param contract: what each row of a request has to keep.
    :param trusted: types of the project's own that the model may contain.
    :param processes: how many processes of the model score side by side.
    :param together: how many rows that wait are scored in one call.
    :param limits: what may be asked for.
    :param log_table: the table that gets each prediction, ``table`` or ``schema.table``; its database is named by a
        secret file. ``None`` for no log.
    """

    model: str
    version: int
    digest: str
    contract: dict[str, Any]
    trusted: tuple[str, ...] = ()
    processes: int = Field(default=1, ge=1, le=64)
    together: int = Field(default=1000, ge=1)
    limits: Limits = Limits()
    log_table: str | None = None
