"""Waiting for a new champion, inside a DAG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_mlops.sensors.base import StoreSensor
from airflow_mlops.triggers.waiting import NewChampionTrigger

RUN_BEGAN = "{{ dag_run.start_date }}"


class ModelVersionSensor(StoreSensor):
    """Wait, deferred, until a model has a new champion; gives ``model``, ``version``, ``epoch`` and ``action``.

    New is what the parameters say, and when none is given what was promoted, or rolled back to, since the DAG run
    began. Of several all have to hold. To start a DAG by a new champion, give an ``AssetWatcher`` a
    ``ModelVersionTrigger``.

    :param model: the model's name.
    :param after_epoch: a later epoch of the ledger than this; 0: any champion at all.
    :param other_than: another version than this.
    :param since: recorded in the ledger after this moment, as ISO text.
    """

    template_fields: Sequence[str] = ("model", "after_epoch", "other_than", "since")

    def __init__(
        self,
        *,
        model: str,
        after_epoch: int | str | None = None,
        other_than: int | str | None = None,
        since: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.after_epoch = after_epoch
        self.other_than = other_than
        self.since = RUN_BEGAN if after_epoch is None and other_than is None and since is None else since
        self.begin_in_trigger()

    def trigger(self) -> NewChampionTrigger:
        """Give the trigger that waits for the same."""
        return NewChampionTrigger(self.model, self.after_epoch, self.other_than, self.since, **self.arguments)
