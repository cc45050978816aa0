"""Splitting: by a stable key, by time, or by partition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.operators.base import LifecycleOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.core.refs import SnapshotRef


class SplitDatasetOperator(LifecycleOperator):
    """Split a snapshot into ``train``, ``validation`` and ``test``; gives a ``SnapshotRef`` for each.

    Use the outputs by name: ``split.output["test"]``. ``split.output["rule"]`` says how it was split, with which seed,
    and how many rows belong to no part. Three ways:

    - ``key``: the part of a row follows from the hash of its key alone: a test row stays a test row over all
      retrainings.
    - ``temporal``: the newest rows are the test part. What is test today is for training one day; what holds instead:
      no row of a test part is older than a row that this model, or one trained before it by the same rule, has seen.
    - ``partition``: whole partitions, named or counted from the newest. As ``temporal``.

    :param snapshot: a ``SnapshotRef``, or ``dataset@partition``.
    :param how: ``key``, ``temporal`` or ``partition``.
    :param key: by key: the column, or columns, that decide; rows with the same values stay together.
    :param group: by key: the column that decides in place of ``key``, whose rows belong together.
    :param seed: by key: another seed gives another split.
    :param stratify: by key: give each value of this column the same shares (needs one value a key).
    :param earlier: by key: an earlier split whose rows keep their parts: part -> ``SnapshotRef``, or a model's name for
        the data of its champion. Makes a stratified split stay.
    :param time: by time: the column of moments: dates, date-times, or their ISO text.
    :param partition: by partition: the column that says of which one a row is; default ``partition``.
    :param test: the share of gate rows, 0 to 1 (0.25). By time also a span up to the newest row, such as ``90d``. By
        partition how many of the newest (1), or a list of their names.
    :param validation: the share of rows to choose candidates on (0.15), or as ``test``, of what is before it.
    :param train: by partition: the names of those for training; default: all that are left.
    :param gap: what lies between two parts and belongs to none: a span of time, or a number of partitions.
    """

    template_fields: Sequence[str] = (
        "snapshot",
        "how",
        "key",
        "group",
        "seed",
        "stratify",
        "earlier",
        "time",
        "partition",
        "test",
        "validation",
        "train",
        "gap",
    )

    def __init__(
        self,
        *,
        snapshot: str | Mapping[str, Any],
        how: str = "key",
        key: str | Sequence[str] | None = None,
        group: str | None = None,
        seed: int | str | None = None,
        stratify: str | None = None,
        earlier: str | Mapping[str, Any] | None = None,
        time: str | None = None,
        partition: str | None = None,
        test: float | str | Sequence[str] | None = None,
        validation: float | str | Sequence[str] | None = None,
        train: Sequence[str] | None = None,
        gap: int | str | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("multiple_outputs", True)
        super().__init__(**kwargs)
        self.snapshot = snapshot
        self.how = how
        self.key = key
        self.group = group
        self.seed = seed
        self.stratify = stratify
        self.earlier = earlier
        self.time = time
        self.partition = partition
        self.test = test
        self.validation = validation
        self.train = train
        self.gap = gap

    def step(self, context: Context) -> dict[str, Any]:
        """Assign each row to a part and commit the three parts as snapshots."""
        from airflow_mlops.core.training.splits import split
        from airflow_mlops.core.training.splits.reading import rule_of

        names = [name for name in self.template_fields if name not in ("snapshot", "how")]
        rule = rule_of(self.how, {name: getattr(self, name) for name in names} | {"earlier": self._earlier()})
        whole = self.open(self.snapshot)
        refs = split(self.snapshots, whole, rule)
        for part, ref in refs.items():
            self.log.info("%s: %s rows (%s)", part, ref.rows, ref.id)
        left_out = whole.ref.rows - sum(ref.rows for ref in refs.values())
        if left_out:
            self.log.info("in the gap, and in no part: %s rows", left_out)
        return {
            **{part: ref.to_dict() for part, ref in refs.items()},
            "rule": {**rule.to_dict(), "left_out": left_out},
        }

    def _earlier(self) -> dict[str, str] | None:
        """Give key -> part of the earlier split, if one is meant and there is one."""
        from airflow_mlops.core.refs import SnapshotRef
        from airflow_mlops.core.training.splits.write import parts_of

        refs: Mapping[str, Any] | None = None
        if isinstance(self.earlier, Mapping):
            refs = self.earlier
        elif self.earlier:
            refs = self._data_of_champion(self.earlier)
        key = self.group or self.key
        if not refs or not key:
            return None
        opened: dict[str, SnapshotRef] = {part: SnapshotRef.from_dict(ref) for part, ref in refs.items()}
        return parts_of(self.snapshots, opened, key)

    def _data_of_champion(self, model: str) -> Mapping[str, Any] | None:
        from airflow_mlops.store import ledger, versions

        head = ledger.head(self.database, model)
        if head is None:
            self.log.info("%s has no champion yet: no row has an earlier part", model)
            return None
        return versions.get(self.database, model, head.version).data
