"""Parameters of the steps that run a team's model code: the one model of operator, decorator, task group and YAML.

Each parameter is explained by its operator. Imported at DAG parsing: no heavy library at module level.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, PlainValidator, model_validator

from airflow_mlops.common.settings import Settings, read_yaml

if TYPE_CHECKING:
    from airflow_mlops.core.data.snapshots.snapshot import Snapshot
    from airflow_mlops.core.evaluation.comparison import GateDataset
    from airflow_mlops.core.evaluation.options import EvaluationOptions
    from airflow_mlops.core.training.candidate import Candidate
    from airflow_mlops.core.training.run_recording import TrainingJob
    from airflow_mlops.core.training.tuning import Tuning


def resolve_features(contract: str | Mapping[str, Any] | None, features: Sequence[str] | None) -> list[str]:
    """Return the feature columns: those of the parameter, otherwise the contract's.

    :raises BadInput: when neither is set.
    """
    from airflow_mlops.common.errors import BadInput

    if features:
        return list(features)
    if contract is None:
        raise BadInput("no feature columns are set", hint="give features=[...] or contract='.../contract.yaml'")
    from airflow_mlops.core.data.contracts import Contract

    return list(Contract.load(contract).features)


def candidate_name(build: str | Callable[..., Any]) -> str:
    """Return the default name of a candidate: that of its build function."""
    while isinstance(build, partial):
        build = build.func
    path = build if isinstance(build, str) else getattr(build, "__name__", type(build).__name__)
    return path.rpartition(":")[2].rpartition(".")[2]


def _check_mapping(value: Any, expected: str = "a mapping") -> Mapping[str, Any]:
    """Return a reference or a file's content as mapping."""
    value = value.to_dict() if hasattr(value, "to_dict") else value
    if not isinstance(value, Mapping):
        hint = "; None usually means that the task which makes it was skipped" if value is None else ""
        raise ValueError(f"has to be {expected}{hint}")
    return value


def _check_text_or_mapping(value: Any) -> str | Mapping[str, Any]:
    """Return a path or an address as text, and a reference or a file's content as mapping."""
    return str(value) if isinstance(value, (str, PathLike)) else _check_mapping(value, "a mapping or text")


def _check_function(value: Any) -> str | Callable[..., Any]:
    if not (callable(value) or (isinstance(value, str) and value)):
        raise ValueError("has to be a function or its import path, such as include.churn.model:boosted")
    return value  # type: ignore[no-any-return]


def _to_names(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Reference = Annotated[Mapping[str, Any], PlainValidator(lambda value: _check_mapping(value))]
TextOrMapping = Annotated[str | Mapping[str, Any], PlainValidator(_check_text_or_mapping)]
Function = Annotated[str | Callable[..., Any], PlainValidator(_check_function)]
Column = Annotated[str, Field(min_length=1)]
Columns = Annotated[tuple[Column, ...], BeforeValidator(_to_names)]


class StepParameters(Settings):
    """Parameters of all steps. Values may be text from a template: ``"5"`` is 5, ``"true"`` is ``True``.

    Empty text, ``None`` and the text ``None`` stand for the default, except in a required parameter.
    """

    model_config = ConfigDict(defer_build=True)  # only a step validates: DAG parsing needs the names alone

    features: Columns | None = None
    contract: TextOrMapping | None = None
    trusted_types: Columns = ()

    @model_validator(mode="before")
    @classmethod
    def _drop_empty_values(cls, values: Any) -> Any:
        optional = {name for name, field in cls.model_fields.items() if not field.is_required()}
        return {name: value for name, value in values.items() if not (name in optional and _is_empty(value))}

    def resolve_features(self) -> list[str]:
        """Return the feature columns: those of the parameter, otherwise the contract's."""
        return resolve_features(self.contract, self.features)


class TrainingParameters(StepParameters):
    """Parameters of all trainings: of ``TrainModelOperator``, ``TuneModelOperator`` and ``@task.train_model``."""

    model_config = ConfigDict(title="@task.train_model")

    target: Column
    metric: str = "roc_auc"
    experiment: str | None = None
    candidate: str | None = None
    seed: int | None = None
    input_example: bool = True

    def build_candidate(self, name: str, build: str | Callable[..., Any], params: Mapping[str, Any]) -> Candidate:
        """Return the candidate to train.

        :param name: its name, unless ``candidate`` is set.
        :param build: the function that builds or trains the model.
        :param params: the function's keyword arguments.
        """
        from airflow_mlops.core.training.candidate import Candidate

        return Candidate(
            name=self.candidate or name,
            build=build,
            features=self.resolve_features(),
            target=self.target,
            metric=self.metric,
            params=params,
            trusted_types=self.trusted_types,
            seed=self.seed,
        )

    def build_job(self, *, experiment: str, **recorded: Any) -> TrainingJob:
        """Return the training to record.

        :param experiment: its experiment, unless ``experiment`` is set.
        :param recorded: further fields of the job.
        """
        from airflow_mlops.core.data.contracts import Contract
        from airflow_mlops.core.training.run_recording import TrainingJob

        return TrainingJob(
            **recorded,
            experiment=self.experiment or experiment,
            contract=None if self.contract is None else Contract.load(self.contract),
            input_example=self.input_example,
        )


class TrainParameters(TrainingParameters):
    """Parameters of ``TrainModelOperator``."""

    model_config = ConfigDict(title="TrainModelOperator")

    build: Function
    train: TextOrMapping
    validation: TextOrMapping
    model_params: Mapping[str, Any] | None = None
    sample_weight: str | None = None
    class_weight: TextOrMapping | None = None

    def to_candidate(self) -> Candidate:
        """Return the candidate to train."""
        candidate = self.build_candidate(candidate_name(self.build), self.build, self.model_params or {})
        return replace(candidate, sample_weight=self.sample_weight, class_weight=self.class_weight)


class TuneParameters(TrainParameters):
    """Parameters of ``TuneModelOperator``. A search setting that is not set is the file's, or the default."""

    model_config = ConfigDict(title="TuneModelOperator")

    space: TextOrMapping
    method: str | None = None
    trials: int | None = None
    timeout: float | None = None
    folds: int | None = None
    group: Columns | None = None
    time: str | None = None
    gap: str | None = None
    prune: bool | None = None
    iterations: Mapping[str, Any] | None = None
    parts: int | None = None
    part: int | None = None
    backend: str | None = None
    jobs: int | None = None
    address: str | None = None

    def to_tuning(self) -> Tuning:
        """Return the search settings; explicit ones take precedence over those of the file in ``space``.

        :raises BadInput: when a key or a value is invalid.
        """
        from airflow_mlops.common.errors import BadInput
        from airflow_mlops.core.training.tuning import Tuning

        settings = {name: getattr(self, name) for name in SEARCH_SETTINGS if getattr(self, name) is not None}
        if not isinstance(self.space, str):
            return Tuning.load({"space": self.space, **settings})
        content = read_yaml(self.space, "Tuning")
        if not isinstance(content, Mapping):
            raise BadInput("a tuning file has to be a mapping", where=self.space, hint="write space: and its keys")
        return Tuning.load({**content, **settings}, where=self.space)


class EvaluateParameters(StepParameters):
    """Parameters of ``EvaluateModelOperator``."""

    model_config = ConfigDict(title="EvaluateModelOperator")

    challenger: Reference
    test: TextOrMapping
    target: Column
    key: Annotated[Columns, Field(min_length=1)]
    split_key: Columns | None = None
    metric: str = "roc_auc"
    slices: Columns = ()
    groups: Columns = ()
    threshold: float = Field(default=0.5, gt=0, lt=1)
    importance: bool = True
    cost: bool = True
    train_sample: int = Field(default=5000, ge=0)

    def to_dataset(self, snapshot: Snapshot) -> GateDataset:
        """Return the gate rows with the roles of their columns."""
        from airflow_mlops.core.evaluation.comparison import GateDataset

        return GateDataset(snapshot, list(self.key), self.target, self.resolve_features(), self.split_key)

    def to_options(self) -> EvaluationOptions:
        """Return the options of the evaluation."""
        from airflow_mlops.core.evaluation.options import EvaluationOptions

        return EvaluationOptions(**{field.name: getattr(self, field.name) for field in fields(EvaluationOptions)})


class ScoreParameters(StepParameters):
    """Parameters of ``ScoreDatasetOperator``."""

    model_config = ConfigDict(title="ScoreDatasetOperator")

    model: str = Field(min_length=1)
    snapshot: TextOrMapping
    key: Annotated[Columns, Field(min_length=1)]
    dataset: str | None = None
    champion_at: str | None = None
    conn_id: str | None = None
    table: str | None = None
    batch_rows: int = Field(default=250_000, ge=1)


STEP_PARAMETERS: Mapping[str, type[StepParameters]] = {
    "train": TrainParameters,
    "tune": TuneParameters,
    "evaluate": EvaluateParameters,
    "score": ScoreParameters,
}
# The settings of a search: what tuning adds to training, except the space; and the seed, which both have.
SEARCH_SETTINGS = (
    "seed",
    *(n for n in TuneParameters.model_fields if n not in {"space", *TrainParameters.model_fields}),
)


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip() in ("", "None"))
