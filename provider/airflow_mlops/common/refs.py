"""References: the small frozen values that tasks exchange instead of data.

Each is under 2 KB of JSON. XCom carries it as a dict, because Airflow does not deserialise custom classes by default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self

from airflow_mlops.common.errors import BadInput


@dataclass(frozen=True, slots=True)
class Ref:
    """Base class of all references; converts them to and from the dict in XCom."""

    kind: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """Return the dict; it has the reference's ``kind``, so that a wrong XCom is detected."""
        return {"kind": self.kind, **{k: v for k, v in asdict(self).items() if v is not None}}

    @classmethod
    def from_dict(cls, value: Self | Mapping[str, Any]) -> Self:
        """Parse a reference.

        :param value: the output of :meth:`to_dict`, or the reference itself.
        :raises BadInput: when it is not a reference of this kind.
        """
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            raise BadInput(
                f"expected a {cls.kind} reference, got {type(value).__name__}",
                where=repr(value)[:200],
                hint="pass the output of the task that makes it; None usually means that task was skipped",
            )
        if value.get("kind", cls.kind) != cls.kind:
            raise BadInput(
                f"expected a {cls.kind} reference, got a {value['kind']} reference",
                hint=f"pass the output of a task that returns a {cls.kind}",
            )
        names = {f.name for f in fields(cls)}
        try:
            return cls(**{k: v for k, v in value.items() if k in names})
        except TypeError as error:
            raise BadInput(f"incomplete {cls.kind} reference: {error}", where=repr(dict(value))[:300]) from None


@dataclass(frozen=True, slots=True)
class SnapshotRef(Ref):
    """An immutable, content-addressed set of rows.

    :param dataset: the dataset's name.
    :param id: the content id: the same rows in any order have the same id.
    :param uri: the URI of the manifest.
    :param rows: the number of rows.
    :param partition: the partition (cut-off of the data).
    """

    kind: ClassVar[str] = "snapshot"
    dataset: str
    id: str
    uri: str
    rows: int
    partition: str | None = None


@dataclass(frozen=True, slots=True)
class ProfileRef(Ref):
    """A stored profile.

    :param dataset: the profiled dataset.
    :param id: the first 32 hex digits of the SHA-256 of its JSON.
    :param uri: its URI.
    :param rows: the number of profiled rows.
    """

    kind: ClassVar[str] = "profile"
    dataset: str
    id: str
    uri: str
    rows: int


@dataclass(frozen=True, slots=True)
class ReportRef(Ref):
    """A published report.

    :param id: the report's id in the lifecycle store.
    :param report_kind: the evaluator: ``validation``, ``drift``, ``evaluation``, ``gate``, ``performance``.
    :param subject: what was evaluated.
    :param verdict: ``pass``, ``warn``, ``fail`` or ``inconclusive``.
    :param decision: the gate's decision.
    """

    kind: ClassVar[str] = "report"
    id: str
    report_kind: str
    subject: str
    verdict: str
    decision: str | None = None


@dataclass(frozen=True, slots=True)
class RunRef(Ref):
    """A finished training run in MLflow.

    :param run_id: MLflow's run id.
    :param candidate: the candidate's name, such as ``boosted``.
    :param artifact: the model's folder below the run's artifact root.
    :param digest: SHA-256 over the model's files.
    :param metric: the selection metric.
    :param score: its value on validation rows.
    """

    kind: ClassVar[str] = "run"
    run_id: str
    candidate: str
    artifact: str
    digest: str
    metric: str
    score: float


@dataclass(frozen=True, slots=True)
class ModelVersionRef(Ref):
    """A registered version of a model.

    :param model: the model's name.
    :param version: the version number.
    :param digest: SHA-256 over the model's files.
    :param run_id: the MLflow run that trained it.
    :param cutoff: the last partition of its training data.
    """

    kind: ClassVar[str] = "model_version"
    model: str
    version: int
    digest: str
    run_id: str
    cutoff: str | None = None

    def __str__(self) -> str:
        return f"{self.model} v{self.version}"
