"""What a model card is made from: facts and reports, as they were kept. Whatever is not known is ``None``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.evaluation.card.owners import Owners
from airflow_mlops.core.metrics import METRICS, Metric
from airflow_mlops.core.pages import words
from airflow_mlops.core.report import Check, Report

CHALLENGER, CHAMPION = "challenger", "champion"


@dataclass(frozen=True, slots=True)
class Run:
    """What the training's MLflow run has noted.

    :param params: its parameters.
    :param tags: its tags.
    :param metrics: its metrics.
    :param estimator: the fitted estimator's type and parameters, as its training has kept them.
    """

    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    estimator: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a version.

    :param model: the model's name.
    :param version: the version's number.
    :param digest: SHA-256 over its files.
    :param run_id: the MLflow run that made it.
    :param candidate: which candidate it was.
    :param actor: the task that registered it.
    :param recorded_at: when, ISO.
    :param artifact_uri: where its files are.
    :param cutoff: the partition of the last data it was trained on.
    :param data: part -> snapshot reference.
    :param split: the rule by which the rows were split.
    :param contract: the contract that its data kept.
    :param run: what its run has noted.
    :param evaluation: its evaluation.
    :param gate: what the gate decided on it.
    :param self_tests: its self-tests.
    :param entry: its newest entry in the ledger.
    :param owners: what its owners say of it.
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
    run: Run | None = None
    evaluation: Report | None = None
    gate: Report | None = None
    self_tests: Report | None = None
    entry: Mapping[str, Any] | None = None
    owners: Owners = field(default_factory=Owners)

    def __str__(self) -> str:
        return f"{self.model} v{self.version}"

    def __post_init__(self) -> None:
        """Refuse reports of another version or of other files: their figures are not this version's.

        :raises BadInput: when one is.
        """
        for what, report in (
            ("evaluation", self.evaluation),
            ("gate", self.gate),
            ("self_test", self.self_tests),
        ):
            if report is not None and not self._is_of_this(what, report):
                raise BadInput(
                    f"the report is the {report.kind} of {words.text(report.subject)}, not the {what} of {self}",
                    where=f"report {report.id}",
                    mend="pass the output of the task that judged this version",
                )

    def _is_of_this(self, kind: str, report: Report) -> bool:
        bound = report.facts.get("binding")
        if kind == "gate" and isinstance(bound, Mapping):
            named = (bound.get("model"), bound.get("version"), bound.get("digest"))
            return report.kind == kind and named == (self.model, self.version, self.digest)
        digest = report.facts.get("digest") if kind == "self_test" else role_of(report, CHALLENGER).get("digest")
        return report.kind == kind and report.subject == str(self) and digest in (None, self.digest)

    @property
    def ours(self) -> Mapping[str, Any]:
        """The evaluation's figures of this version; empty when there are none."""
        return role_of(self.evaluation, CHALLENGER)

    @property
    def theirs(self) -> Mapping[str, Any]:
        """The evaluation's figures of the champion; empty when there was none."""
        return role_of(self.evaluation, CHAMPION)

    @property
    def rival(self) -> str:
        """What to call the champion in a table's head."""
        return f"Champion v{words.figure(self.theirs.get('version'))}"

    @property
    def metric(self) -> Metric | None:
        """The main figure, when it is known."""
        return METRICS.get(str(self.fact("metric")))

    @property
    def task(self) -> str | None:
        """``binary``, ``multiclass`` or ``regression``; ``None`` when it is not known."""
        return None if self.metric is None else self.metric.task

    @property
    def rows(self) -> int | None:
        """How many gate rows it was judged on."""
        evidence = self.fact("evidence")
        rows = evidence.get("rows") if isinstance(evidence, Mapping) else None
        return rows if isinstance(rows, int) else None

    @property
    def checks(self) -> tuple[Check, ...]:
        """The evaluation's checks."""
        return () if self.evaluation is None else self.evaluation.checks

    def fact(self, name: str) -> Any:
        """Give a fact of the evaluation."""
        return None if self.evaluation is None else self.evaluation.facts.get(name)

    def without(self, what: str) -> str:
        """Say why the evaluation has no such figures."""
        if self.evaluation is None:
            return "no evaluation was given."
        if not self.ours:
            broken = [c.message for c in self.evaluation.failed if c.message]
            return f"the evaluation came to nothing: {words.sentence(broken[0] if broken else 'it has no figures')}"
        return f"the evaluation has no {what}."


def role_of(report: Report | None, role: str) -> Mapping[str, Any]:
    """Give an evaluation's figures of one role; empty when it has none."""
    roles = mapping(None if report is None else report.facts.get("roles"))
    return mapping(roles.get(role))


def mapping(value: Any) -> Mapping[str, Any]:
    """Give a mapping as it is, and an empty one for what is none."""
    return value if isinstance(value, Mapping) else {}
