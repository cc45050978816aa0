"""Training candidates, and choosing the challenger among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_mlops.keys import run_key, task_key
from airflow_mlops.operators.base import LifecycleOperator, features_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.core.data.contracts import Contract


@dataclass(frozen=True, slots=True)
class Held:
    """A callable that a template field holds: Airflow calls bare ones, with its context, when it renders the fields.

    :param function: the callable.
    """

    function: Callable[..., Any]

    def __str__(self) -> str:
        """Name it, without an address in memory: the name is part of the serialised DAG."""
        return f"{getattr(self.function, '__module__', '')}:{name_of(self.function)}"

    __repr__ = __str__

    @classmethod
    def of(cls, value: str | Callable[..., Any] | Held) -> str | Held:
        """Hold a callable; an import path needs no holding."""
        return cls(value) if callable(value) else value

    @classmethod
    def free(cls, value: str | Held) -> str | Callable[..., Any]:
        """Give back what was held."""
        return value.function if isinstance(value, cls) else str(value)


class TrainModelOperator(LifecycleOperator):
    """Fit one candidate in an MLflow run and judge it on validation rows; gives a ``RunRef``.

    Map it over candidates: ``TrainModelOperator.partial(...).expand(build=["include.churn.model:linear", ...])``.

    :param build: a function (or its import path) that returns an unfitted scikit-learn estimator, features inside it;
        an estimator's class will do.
    :param train: the rows to fit on: a ``SnapshotRef``, or ``dataset@partition``.
    :param validation: the rows to choose on.
    :param target: the column to predict.
    :param features: the columns that the estimator gets; default: the contract's features.
    :param contract: the contract that names the features; it and the profile of the training rows are kept in the run.
    :param metric: the figure that candidates are chosen by; it also says what the task is: two classes, several, or a
        number.
    :param model_params: keywords for ``build``.
    :param experiment: MLflow's experiment; default: the DAG's id.
    :param candidate: the candidate's name; default: the function's.
    :param trusted_types: the project's own types that the model may contain.
    :param sample_weight: the column with the weights of the training rows.
    :param class_weight: ``balanced``, or class -> weight.
    :param seed: recorded, and given to ``build`` when it takes a ``seed`` or a ``random_state``.
    :param input_example: whether five feature rows are kept with the model, for people to look at.
    """

    template_fields: Sequence[str] = (
        "build",
        "train",
        "validation",
        "target",
        "features",
        "contract",
        "metric",
        "model_params",
        "experiment",
        "candidate",
        "trusted_types",
        "sample_weight",
        "class_weight",
        "seed",
        "input_example",
    )

    def __init__(
        self,
        *,
        build: str | Callable[..., Any],
        train: str | Mapping[str, Any],
        validation: str | Mapping[str, Any],
        target: str,
        features: Sequence[str] | None = None,
        contract: str | Mapping[str, Any] | None = None,
        metric: str = "roc_auc",
        model_params: Mapping[str, Any] | None = None,
        experiment: str | None = None,
        candidate: str | None = None,
        trusted_types: Sequence[str] = (),
        sample_weight: str | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
        seed: int | str | None = None,
        input_example: bool | str = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.build = Held.of(build)
        self.train = train
        self.validation = validation
        self.target = target
        self.features = features
        self.contract = contract
        self.metric = metric
        self.model_params = model_params
        self.experiment = experiment
        self.candidate = candidate
        self.trusted_types = trusted_types
        self.sample_weight = sample_weight
        self.class_weight = class_weight
        self.seed = seed
        self.input_example = input_example

    def step(self, context: Context) -> dict[str, Any]:
        """Fit, judge, keep."""
        from airflow_mlops.core.training.fit import Candidate, train

        build = Held.free(self.build)
        candidate = Candidate(
            name=self.candidate or name_of(build),
            build=build,
            features=features_of(self.contract, self.features),
            target=self.target,
            metric=self.metric,
            params=self.model_params or {},
            trusted_types=tuple(self.trusted_types),
            sample_weight=self.sample_weight or None,
            class_weight=self.class_weight or None,
            seed=whole(self.seed),
        )
        ref = train(
            self.mlflow,
            self.database,
            candidate,
            train=self.open(self.train),
            validation=self.open(self.validation),
            experiment=self.experiment or context["ti"].dag_id,
            key=task_key(context),
            tags=run_tags(context, build),
            artifact_location=self.mlflow_hook.artifact_location,
            contract=contract_of(self.contract),
            input_example=flag(self.input_example),
        )
        self.log.info("%s: %s %.4f on validation rows", ref.candidate, ref.metric, ref.score)
        return ref.to_dict()


def run_tags(context: Context, code: str | Callable[..., Any]) -> dict[str, str]:
    """Give the tags that lead from a training's MLflow run back to Airflow and to the code.

    :param code: the function that builds or trains the model, or its import path.
    """
    from airflow_mlops.core.training.provenance import CODE_TAG, code_version

    bundle = getattr(context["ti"], "bundle_instance", None)
    file = getattr(context.get("dag"), "fileloc", None)
    found = code_version(
        code,
        bundle=getattr(bundle, "name", None),
        version=getattr(bundle, "version", None),
        files=[file] if file else [],
    )
    return {"mlops.dag_run": run_key(context), CODE_TAG: found}


def contract_of(contract: str | Mapping[str, Any] | None) -> Contract | None:
    """Give the contract that a parameter means."""
    if contract is None:
        return None
    from airflow_mlops.core.data.contracts import Contract

    return Contract.load(contract)


def name_of(build: str | Callable[..., Any]) -> str:
    """Name a candidate after the function that builds it."""
    while isinstance(build, partial):
        build = build.func
    path = build if isinstance(build, str) else getattr(build, "__name__", type(build).__name__)
    return path.rpartition(":")[2].rpartition(".")[2]


def whole(seed: int | str | None) -> int | None:
    """Give a seed as a number: a template has made text of it.

    :raises BadInput: when it is no whole number.
    """
    from airflow_mlops.core.errors import BadInput

    if seed is None or seed in ("", "None"):
        return None
    try:
        return int(seed)
    except ValueError:
        raise BadInput(f"seed={seed!r} is no whole number") from None


def flag(given: bool | str) -> bool:
    """Give what may be text out of a template as yes or no.

    :raises BadInput: when it is neither.
    """
    from airflow_mlops.core.errors import BadInput

    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    text = str(given).strip().lower()
    if text not in known:
        raise BadInput(f"{given!r} is neither true nor false")
    return known[text]


class SelectChallengerOperator(LifecycleOperator):
    """Choose the best candidate by its metric on validation rows, never on gate rows; gives its ``RunRef``.

    :param candidates: the ``RunRef`` of each, such as the output of a mapped :class:`TrainModelOperator`.
    """

    template_fields: Sequence[str] = ("candidates",)

    def __init__(self, *, candidates: Iterable[Mapping[str, Any]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.candidates = candidates

    def step(self, context: Context) -> dict[str, Any]:
        """Choose."""
        from airflow_mlops.core.refs import RunRef
        from airflow_mlops.core.training.fit import choose

        runs = [RunRef.from_dict(c) for c in self.candidates if c is not None]
        chosen = choose(runs)
        for run in runs:
            self.log.info("%s %s: %s %.4f", "*" if run is chosen else " ", run.candidate, run.metric, run.score)
        return chosen.to_dict()
