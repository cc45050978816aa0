"""Leakage between the parts of a split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow_mlops.operators.base import ReportingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class CheckLeakageOperator(ReportingOperator):
    """Look for what would make a model look better on the gate rows than it will be; gives a ``ReportRef``.

    Rows, groups and contents that two parts share, features that tell the target alone or add up to it, and rows or
    labels from a time that they cannot be from. Errors fail the task before anything is trained.

    :param parts: part -> ``SnapshotRef``: ``train``, and ``validation``, ``test`` or both.
    :param contract: the contract, that says what target, features, key and group are where they are not named here.
    :param target: the column to predict.
    :param features: the columns that a model may learn from.
    :param key: the column, or columns, that name a row.
    :param groups: columns whose equal values have to be in one part; default: the contract's cluster, but none where
        ``time`` is given.
    :param time: the column of moments.
    :param ordered: whether each part has to be older than the next, as in a temporal split.
    :param cutoff: rows and labels may not be from after it: a moment, or a day, month or year to its end.
    :param label_time: the column that says when a row's label was known.
    :param ignore: what is known to be no leak: ``[{"check": ..., "where": ..., "reason": ...}]``.
    :param when_failed: ``fail``: the task fails, after the report is published; ``warn``: it only says so.
    """

    template_fields: Sequence[str] = (
        "parts",
        "contract",
        "target",
        "features",
        "key",
        "groups",
        "time",
        "ordered",
        "cutoff",
        "label_time",
        "ignore",
    )

    def __init__(
        self,
        *,
        parts: Mapping[str, Any],
        contract: str | Mapping[str, Any] | None = None,
        target: str | None = None,
        features: Sequence[str] | None = None,
        key: str | Sequence[str] | None = None,
        groups: str | Sequence[str] | None = None,
        time: str | None = None,
        ordered: bool | str = True,
        cutoff: str | None = None,
        label_time: str | None = None,
        ignore: Sequence[Mapping[str, Any]] = (),
        when_failed: Literal["fail", "warn"] = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(when_failed=when_failed, **kwargs)
        self.parts = parts
        self.contract = contract
        self.target = target
        self.features = features
        self.key = key
        self.groups = groups
        self.time = time
        self.ordered = ordered
        self.cutoff = cutoff
        self.label_time = label_time
        self.ignore = ignore

    def step(self, context: Context) -> dict[str, Any]:
        """Look, publish, then fail if there is a leak."""
        from airflow_mlops.core.training.leakage import check_leakage
        from airflow_mlops.core.yes_no import yes_or_no

        report = check_leakage(
            {part: self.open(ref) for part, ref in self.parts.items()},
            contract=self.contract,
            target=self.target or None,
            features=self.features,
            key=self.key,
            groups=self.groups,
            time=self.time or None,
            ordered=yes_or_no(self.ordered, "ordered"),
            cutoff=self.cutoff or None,
            label_time=self.label_time or None,
            ignore=self.ignore,
        )
        return self.conclude(report, context)
