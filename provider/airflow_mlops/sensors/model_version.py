"""Sensor for new champions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_mlops.sensors.base import StoreSensor
from airflow_mlops.triggers.store_wait import NewChampionTrigger

RUN_START = "{{ dag_run.start_date }}"


class ModelVersionSensor(StoreSensor):
    """Wait until a model has a new champion. Returns ``model``, ``version``, ``revision`` and ``action``.

    The parameters define what is new; several of them are combined with *and*. Without any, a promotion or rollback
    since the start of the DAG run counts. To start a DAG on a new champion, use an ``AssetWatcher`` with a
    ``ModelVersionTrigger`` instead.

    :param model: name of the registered model.
    :param after_revision: the ledger revision is greater than this number; 0: any champion. Default: not checked.
    :param other_than: the version number differs from this one. Default: not checked.
    :param since: recorded in the ledger after this ISO timestamp. Default: the start of the DAG run, if no other
        parameter is set.
    """

    template_fields: Sequence[str] = ("model", "after_revision", "other_than", "since")

    def __init__(
        self,
        *,
        model: str,
        after_revision: int | str | None = None,
        other_than: int | str | None = None,
        since: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.after_revision = after_revision
        self.other_than = other_than
        self.since = RUN_START if after_revision is None and other_than is None and since is None else since
        self.enable_start_from_trigger()

    def build_trigger(self) -> NewChampionTrigger:
        """Return the trigger that waits for the same champion."""
        return NewChampionTrigger(
            self.model, self.after_revision, self.other_than, self.since, **self.trigger_arguments
        )
