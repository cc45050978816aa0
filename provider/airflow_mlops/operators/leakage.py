"""Operator that checks a split for data leakage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow_mlops.operators.base import ReportingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class CheckLeakageOperator(ReportingOperator):
    """Check the parts of a split for leakage. Returns a ``ReportRef``.

    The checks find rows, groups and contents that two parts share, features that reveal the target alone or by a sum,
    and rows or labels from after the cutoff. Errors fail the task before anything is trained.

    :param parts: part name -> ``SnapshotRef``: ``train``, and ``validation``, ``test`` or both.
    :param contract: contract with defaults for target, features, key and groups: its path or content. Default: none.
    :param target: column to predict. Default: the contract's.
    :param features: model input columns. Default: the contract's.
    :param key: column, or columns, that identify a row. Default: the contract's.
    :param groups: columns whose equal values must be in one part. Default: the contract's cluster column, or none when
        ``time`` is set.
    :param time: timestamp column. Default: none.
    :param ordered: each part must be older than the next, as in a temporal split. Default: ``True``.
    :param cutoff: rows and labels after it are leakage: an ISO timestamp, or a day, month or year up to its end.
        Default: none.
    :param label_time: column with the time at which a row's label became available. Default: none.
    :param ignore: exemptions for accepted findings: ``[{"check": ..., "where": ..., "reason": ...}]``. Default: none.
    :param when_failed: ``fail`` (default): leakage fails the task after the report is published. ``warn``: it only logs
        a warning.
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
        """Check for leakage, publish the report and fail on errors."""
        from airflow_mlops.common.booleans import parse_bool
        from airflow_mlops.core.training.leakage import check_leakage

        report = check_leakage(
            {part: self.open_snapshot(ref) for part, ref in self.parts.items()},
            contract=self.contract,
            target=self.target or None,
            features=self.features,
            key=self.key,
            groups=self.groups,
            time=self.time or None,
            ordered=parse_bool(self.ordered, "ordered"),
            cutoff=self.cutoff or None,
            label_time=self.label_time or None,
            ignore=self.ignore,
        )
        return self.conclude(report, context)
