"""References: the small frozen values that tasks exchange instead of data.

Each is JSON under 2 KB and travels as a plain dict, because Airflow deserialises no class of ours by default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self

from airflow_mlops.core.errors import BadInput


@dataclass(frozen=True, slots=True)
class Ref:
    """What all references share: the way to and from the plain dict that travels by XCom."""

    kind: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """Give the plain dict, with the reference's ``kind`` so that a mixed-up XCom is found at once."""
        return {"kind": self.kind, **{k: v for k, v in asdict(self).items() if v is not None}}

    @classmethod
    def from_dict(cls, value: Self | Mapping[str, Any]) -> Self:
        """Read a reference back.

        :param value: the dict that :meth:`to_dict` gave, or the reference itself.
        :raises BadInput: when it is not a reference of this kind.
        """
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            raise BadInput(
                f"expected a {cls.kind} reference, got {type(value).__name__}",
                where=repr(value)[:200],
                mend="pass the output of the task that makes it; None usually means that task was skipped",
            )
        if value.get("kind", cls.kind) != cls.kind:
            raise BadInput(
                f"expected a {cls.kind} reference, got a {value['kind']} reference",
                mend=f"pass the output of a task that returns a {cls.kind}",
            )
        known = {f.name for f in fields(cls)}
        try:
            return cls(**{k: v for k, v in value.items() if k in known})
        except TypeError as error:
            raise BadInput(f"incomplete {cls.kind} reference: {error}", where=repr(dict(value))[:300]) from None


@dataclass(frozen=True, slots=True)
class SnapshotRef(Ref):
    """An immutable, content-addressed set of rows.

    :param dataset: the dataset's name.
    :param id: the content's id: the same rows in any order give the same id.
    :param uri: where the manifest is.
    :param rows: how many rows it has.
    :param partition: the partition (the data's cut-off) that it was made for.
    """

    kind: ClassVar[str] = "snapshot"
    dataset: str
    id: str
    uri: str
    rows: int
    partition: str | None = None


@dataclass(frozen=True, slots=True)
class ProfileRef(Ref):
    """A profile that was kept.

    :param dataset: the dataset that it stands for.
    :param id: SHA-256 over its JSON, the first 32 digits.
    :param uri: where it is.
    :param rows: how many rows it stands for.
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
    :param report_kind: what judged: ``validation``, ``drift``, ``evaluation``, ``gate``, ``performance``.
    :param subject: what was judged.
    :param verdict: ``pass``, ``warn``, ``fail`` or ``not_judged``.
    :param decision: a gate's decision.
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
    :param metric: the name of the metric it is chosen by.
    :param score: that metric on validation rows.
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
    :param version: its version number.
    :param digest: SHA-256 over the model's files.
    :param run_id: the MLflow run that made it.
    :param cutoff: the partition of the last data it was trained on.
    """

    kind: ClassVar[str] = "model_version"
    model: str
    version: int
    digest: str
    run_id: str
    cutoff: str | None = None

    def __str__(self) -> str:
        return f"{self.model} v{self.version}"
