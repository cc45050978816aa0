"""Operator that splits a snapshot by key, time or partition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.operators.base import LifecycleOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.common.refs import SnapshotRef
    from airflow_mlops.core.training.splits import SplitRule


class SplitDatasetOperator(LifecycleOperator):
    """Split a snapshot into ``train``, ``validation`` and ``test``. Returns a ``SnapshotRef`` for each.

    Use the outputs by name: ``split.output["test"]``. ``split.output["rule"]`` has the method, the seed and the number
    of rows in no part. There are three methods:

    - ``key``: the hash of a row's key determines its part, so a test row remains a test row in all retrainings.
    - ``temporal``: the newest rows are the test part. They become training rows later, but no test row is older than a
      row that this model, or an earlier one with the same rule, was trained on.
    - ``partition``: complete partitions, by name or counted from the newest. Otherwise as ``temporal``.

    Another package's rule is used by its import path or its entry point's name, see docs/extending-splits.md.

    :param snapshot: rows to split: a ``SnapshotRef`` or ``dataset@partition``.
    :param method: ``key`` (default), ``temporal``, ``partition``, or the name or import path of another rule.
    :param method_options: options of another package's rule, beyond those parameters below that are set. Default: none.
    :param key: for ``key``: column, or columns, to hash; rows with equal values stay in one part.
    :param group: for ``key``: column to hash in place of ``key``, whose rows form a group. Default: ``key``.
    :param seed: for ``key``: integer seed of the hash. Default: 0.
    :param stratify: for ``key``: column whose values are split in equal fractions; needs one value per key. Default:
        none.
    :param earlier: for ``key`` and other rules that can keep rows in their parts: earlier split whose rows retain their
        parts, which makes a stratified split stable: part name -> ``SnapshotRef``, or a model's name for the data of
        its champion. Default: none.
    :param time: for ``temporal``: column of dates, date-times, or their ISO text.
    :param partition: for ``partition``: column with the partition of a row. Default: ``partition``.
    :param test: fraction of gate rows, 0 to 1. Default: 0.25. For ``temporal`` also a span before the newest row, such
        as ``90d``. For ``partition``: a count of newest partitions, or their names. Default: 1.
    :param validation: fraction of all rows for model selection. Default: 0.15. Other forms as for ``test``, taken from
        before the test part. 0: no validation part.
    :param train: for ``partition``: names of the training partitions. Default: all remaining.
    :param gap: span of time, or number of partitions, between two parts that belongs to none. Default: no gap.
    """

    template_fields: Sequence[str] = (
        "snapshot",
        "method",
        "method_options",
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
        method: str = "key",
        method_options: Mapping[str, Any] | None = None,
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
        self.method = method
        self.method_options = method_options
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
        from airflow_mlops.core.training.splits import split_snapshot
        from airflow_mlops.core.training.splits.parsing import parse_split_rule
        from airflow_mlops.core.training.splits.snapshots import to_record

        names = [n for n in self.template_fields if n not in ("snapshot", "method", "method_options", "earlier")]
        options = {name: getattr(self, name) for name in names} | dict(self.method_options or {})
        rule = self._with_earlier(parse_split_rule(self.method, options))
        snapshot = self.open_snapshot(self.snapshot)
        refs = split_snapshot(self.snapshots, snapshot, rule)
        for part, ref in refs.items():
            self.log.info("%s: %s rows (%s)", part, ref.rows, ref.id)
        left_out = snapshot.ref.rows - sum(ref.rows for ref in refs.values())
        if left_out:
            self.log.info("gap: %s rows in no part", left_out)
        return {
            **{part: ref.to_dict() for part, ref in refs.items()},
            "rule": {**to_record(rule), "left_out": left_out},
        }

    def _with_earlier(self, rule: SplitRule) -> SplitRule:
        """Return the rule with the parts of the earlier split, if there is one."""
        from airflow_mlops.common.errors import BadInput
        from airflow_mlops.common.refs import SnapshotRef
        from airflow_mlops.core.training.splits.parts import StableSplitRule
        from airflow_mlops.core.training.splits.snapshots import read_key_parts

        if not self.earlier:
            return rule
        if not isinstance(rule, StableSplitRule):
            raise BadInput(
                f"earlier is not an option of the split rule {self.method!r}",
                where=f"task {self.task_id}",
                hint="remove it, or use a rule that keeps rows in their parts, such as 'key'",
            )
        refs = self.earlier if isinstance(self.earlier, Mapping) else self._data_of_champion(self.earlier)
        if not refs:
            return rule
        snapshots: dict[str, SnapshotRef] = {part: SnapshotRef.from_dict(ref) for part, ref in refs.items()}
        return rule.with_earlier(read_key_parts(self.snapshots, snapshots, rule.earlier_key))

    def _data_of_champion(self, model: str) -> Mapping[str, Any] | None:
        from airflow_mlops.store import ledger, versions

        head = ledger.head(self.database, model)
        if head is None:
            self.log.info("%s has no champion yet, splitting without an earlier split", model)
            return None
        return versions.get(self.database, model, head.version).data
