"""The model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.keys import task_key
from airflow_mlops.links.card import ModelCardLink
from airflow_mlops.operators.base import ReportingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.core.report import Report


class ModelCardOperator(ReportingOperator):
    """Write a version's model card from the evidence; gives the ``ReportRef`` that keeps it.

    The card is written as ``model_card.md`` and ``model_card.html`` among the artifacts of the version's MLflow run, in
    place of an earlier one, and opens from the task by the link *Model card*. It names what is not known as missing.

    It belongs behind promotion and rejection, as the join of both: its trigger rule is ``none_failed_min_one_success``
    unless another is given.

    :param version: the ``ModelVersionRef``.
    :param evaluation: the ``ReportRef`` of its evaluation.
    :param gate: the ``ReportRef`` of its gate; default: the newest decision on the version.
    :param self_tests: the ``ReportRef`` of its self-tests.
    :param text: what its owners say of it: the path of a Markdown file, such as ``include/churn/card.md``, or the text.
        See :meth:`~airflow_mlops.core.evaluation.card.Owners.read`.
    """

    template_fields: Sequence[str] = ("version", "evaluation", "gate", "self_tests", "text")
    operator_extra_links = (ModelCardLink(),)

    def __init__(
        self,
        *,
        version: Mapping[str, Any],
        evaluation: Mapping[str, Any] | None = None,
        gate: Mapping[str, Any] | None = None,
        self_tests: Mapping[str, Any] | None = None,
        text: str | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("trigger_rule", "none_failed_min_one_success")
        super().__init__(**kwargs)
        self.version = version
        self.evaluation = evaluation
        self.gate = gate
        self.self_tests = self_tests
        self.text = text

    def step(self, context: Context) -> dict[str, Any]:
        """Gather, write, attach, publish."""
        from airflow_mlops.core.evaluation.card import Owners, model_card, report_of
        from airflow_mlops.core.refs import ModelVersionRef
        from airflow_mlops.core.registry.card import attach, gather

        version = ModelVersionRef.from_dict(self.version)
        known = gather(
            self.mlflow,
            self.database,
            self.snapshots,
            version,
            evaluation=self._read(self.evaluation),
            gate=self._read(self.gate),
            self_tests=self._read(self.self_tests),
            owners=Owners.read(self.text),
        )
        card = model_card(known)
        report = report_of(card, known, report_id=card_key(task_key(context), version.digest))
        ref = self.publish(report, context)
        attach(self.mlflow, version, card)
        return ref

    def _read(self, ref: Mapping[str, Any] | None) -> Report | None:
        from airflow_mlops.core.refs import ReportRef
        from airflow_mlops.store import reports

        return reports.get(self.database, ReportRef.from_dict(ref).id) if ref else None


def card_key(key: str, digest: str) -> str:
    """Give the id under which a task keeps the card of some files: the same in every try.

    :param key: the task's key.
    :param digest: SHA-256 over the model's files.
    """
    from hashlib import sha256

    return sha256(f"{key}\n{digest}".encode()).hexdigest()[:32]
