"""Facts and reports that a model card is built from; unknown ones are ``None``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.metrics import Metric, find_metric
from airflow_mlops.core.model_card.owner_notes import OwnerNotes
from airflow_mlops.core.reports import formatting

CHALLENGER, CHAMPION = "challenger", "champion"


@dataclass(frozen=True, slots=True)
class TrainingRunFacts:
    """The MLflow run of the training.

    :param params: its parameters.
    :param tags: its tags.
    :param metrics: its metrics.
    :param estimator: the type and parameters of the fitted estimator.
    """

    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    estimator: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CardInputs:
    """The facts about a version.

    :param model: the model's name.
    :param version: the version's number.
    :param digest: SHA-256 over its files.
    :param run_id: the MLflow run that created it.
    :param candidate: the name of the candidate.
    :param actor: the task that registered it.
    :param recorded_at: the time of registration, ISO 8601.
    :param artifact_uri: the location of its files.
    :param cutoff: the last partition of its training data.
    :param data: part -> snapshot reference.
    :param split: the split rule.
    :param contract: the contract of its data.
    :param run: its MLflow run.
    :param evaluation: the evaluation report.
    :param gate: the gate report.
    :param self_tests: the report of the model tests.
    :param entry: its newest ledger entry.
    :param owners: the owners' notes.
    """

    model: str
    version: int
    digest: str
    run_id: str
    candidate: str
    actor: str = ""
    recorded_at: str = ""
    artifact_uri: str = ""
    cutoff: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    split: Mapping[str, Any] | None = None
    contract: Contract | None = None
    run: TrainingRunFacts | None = None
    evaluation: Report | None = None
    gate: Report | None = None
    self_tests: Report | None = None
    entry: Mapping[str, Any] | None = None
    owners: OwnerNotes = field(default_factory=OwnerNotes)

    def __str__(self) -> str:
        return f"{self.model} v{self.version}"

    def __post_init__(self) -> None:
        """Check that all reports are of this version and of the same files.

        :raises BadInput: when a report is not.
        """
        for what, report in (
            ("evaluation", self.evaluation),
            ("gate", self.gate),
            ("self_test", self.self_tests),
        ):
            if report is not None and not self._matches_version(what, report):
                raise BadInput(
                    f"the report is the {report.kind} of {formatting.format_text(report.subject)},"
                    f" not the {what} of {self}",
                    where=f"report {report.id}",
                    hint="pass the output of the task that evaluated this version",
                )

    def _matches_version(self, kind: str, report: Report) -> bool:
        binding = report.facts.get("binding")
        if kind == "gate" and isinstance(binding, Mapping):
            version = (binding.get("model"), binding.get("version"), binding.get("digest"))
            return report.kind == kind and version == (self.model, self.version, self.digest)
        digest = report.facts.get("digest") if kind == "self_test" else role_facts(report, CHALLENGER).get("digest")
        return report.kind == kind and report.subject == str(self) and digest in (None, self.digest)

    @property
    def challenger_facts(self) -> Mapping[str, Any]:
        """The evaluation's facts about this version; empty when there are none."""
        return role_facts(self.evaluation, CHALLENGER)

    @property
    def champion_facts(self) -> Mapping[str, Any]:
        """The evaluation's facts about the champion; empty when there was none."""
        return role_facts(self.evaluation, CHAMPION)

    @property
    def champion_label(self) -> str:
        """The column label of the champion."""
        return f"Champion v{formatting.format_value(self.champion_facts.get('version'))}"

    @property
    def metric(self) -> Metric | None:
        """The main metric; ``None`` when unknown."""
        return find_metric(str(self.evaluation_fact("metric")))

    @property
    def task(self) -> str | None:
        """``binary``, ``multiclass`` or ``regression``; ``None`` when unknown."""
        return None if self.metric is None else self.metric.task

    @property
    def gate_row_count(self) -> int | None:
        """The number of gate rows; ``None`` when unknown."""
        evidence = self.evaluation_fact("evidence")
        rows = evidence.get("rows") if isinstance(evidence, Mapping) else None
        return rows if isinstance(rows, int) else None

    @property
    def checks(self) -> tuple[Check, ...]:
        """The evaluation's checks."""
        return () if self.evaluation is None else self.evaluation.checks

    def evaluation_fact(self, name: str) -> Any:
        """Return a fact of the evaluation."""
        return None if self.evaluation is None else self.evaluation.facts.get(name)

    def missing_reason(self, what: str) -> str:
        """Return why the evaluation lacks ``what``."""
        if self.evaluation is None:
            return "there is no evaluation."
        if not self.challenger_facts:
            errors = [c.message for c in self.evaluation.failed if c.message]
            return f"the evaluation failed: {formatting.format_sentence(errors[0] if errors else 'it has no metrics')}"
        return f"the evaluation has no {what}."


def role_facts(report: Report | None, role: str) -> Mapping[str, Any]:
    """Return an evaluation's facts about one role; empty when there are none."""
    roles = as_mapping(None if report is None else report.facts.get("roles"))
    return as_mapping(roles.get(role))


def as_mapping(value: Any) -> Mapping[str, Any]:
    """Return a mapping unchanged, and an empty one for any other value."""
    return value if isinstance(value, Mapping) else {}
