"""Operator that writes model cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.links.model_card import ModelCardLink
from airflow_mlops.operators.base import ReportingOperator
from airflow_mlops.task_keys import task_key

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.common.report import Report


class ModelCardOperator(ReportingOperator):
    """Write the model card of a version from its evidence. Returns the ``ReportRef`` of the saved card.

    The card is saved as ``model_card.md`` and ``model_card.html`` among the artifacts of the version's MLflow run,
    replacing an earlier one. The link *Model card* on the task opens it. Missing evidence is listed as missing.

    Place it downstream of promotion and rejection, as the join of both branches: ``trigger_rule`` defaults to
    ``none_failed_min_one_success``.

    :param version: ``ModelVersionRef`` of the version.
    :param evaluation: ``ReportRef`` of its evaluation. Default: none.
    :param gate: ``ReportRef`` of its gate. Default: the newest gate decision on the version.
    :param self_tests: ``ReportRef`` of its model tests. Default: none.
    :param text: the owners' section: the path of a Markdown file, such as ``include/churn/card.md``, or the text
        itself. See :meth:`~airflow_mlops.core.model_card.Owners.read`. Default: none.
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
        """Collect the evidence, render the card, publish it and attach it to the MLflow run."""
        from airflow_mlops.common.refs import ModelVersionRef
        from airflow_mlops.core.model_card import OwnerNotes, build_card_report, build_model_card
        from airflow_mlops.core.model_card.assembly import collect_facts, write_card

        version = ModelVersionRef.from_dict(self.version)
        evidence = collect_facts(
            self.mlflow,
            self.database,
            self.snapshots,
            version,
            evaluation=self._read(self.evaluation),
            gate=self._read(self.gate),
            self_tests=self._read(self.self_tests),
            owners=OwnerNotes.parse(self.text),
        )
        card = build_model_card(evidence)
        report = build_card_report(card, evidence, report_id=_card_id(task_key(context), version.digest))
        ref = self.publish(report, context)
        write_card(self.mlflow, version, card)
        return ref

    def _read(self, ref: Mapping[str, Any] | None) -> Report | None:
        from airflow_mlops.common.refs import ReportRef
        from airflow_mlops.store import reports

        return reports.get(self.database, ReportRef.from_dict(ref).id) if ref else None


def _card_id(key: str, digest: str) -> str:
    """Return the report ID of a task's card, the same in every attempt.

    :param key: key of the task.
    :param digest: SHA-256 of the model's files.
    """
    from hashlib import sha256

    return sha256(f"{key}\n{digest}".encode()).hexdigest()[:32]
