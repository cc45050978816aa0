"""Training candidates, and choosing the challenger among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.keys import run_key, task_key
from airflow_mlops.operators.base import LifecycleOperator, features_of

if TYPE_CHECKING:
    from airflow.sdk import Context


class TrainModelOperator(LifecycleOperator):
    """Fit one candidate in an MLflow run and judge it on validation rows; gives a ``RunRef``.

    Map it over candidates: ``TrainModelOperator.partial(...).expand(build=["include.churn.model:linear", ...])``.

    :param build: a function (or its import path) that returns an unfitted scikit-learn estimator, features inside it.
    :param train: the rows to fit on: a ``SnapshotRef``, or ``dataset@partition``.
    :param validation: the rows to choose on.
    :param target: the column to predict.
    :param features: the columns that the estimator gets; default: the contract's features.
    :param contract: the contract that names the features.
    :param metric: the figure that candidates are chosen by.
    :param model_params: keywords for ``build``.
    :param experiment: MLflow's experiment; default: the DAG's id.
    :param candidate: the candidate's name; default: the function's.
    :param trusted_types: the project's own types that the model may contain.
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
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.build = build
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

    def step(self, context: Context) -> dict[str, Any]:
        """Fit, judge, keep."""
        from airflow_mlops.core.training.fit import Candidate, train

        candidate = Candidate(
            name=self.candidate or self._name(),
            build=self.build,
            features=features_of(self.contract, self.features),
            target=self.target,
            metric=self.metric,
            params=self.model_params or {},
            trusted_types=tuple(self.trusted_types),
        )
        ref = train(
            self.mlflow,
            self.database,
            candidate,
            train=self.open(self.train),
            validation=self.open(self.validation),
            experiment=self.experiment or context["ti"].dag_id,
            key=task_key(context),
            tags={"mlops.dag_run": run_key(context)},
            artifact_location=self.mlflow_hook.artifact_location,
        )
        self.log.info("%s: %s %.4f on validation rows", ref.candidate, ref.metric, ref.score)
        return ref.to_dict()

    def _name(self) -> str:
        path = self.build if isinstance(self.build, str) else self.build.__name__
        return path.rpartition(":")[2].rpartition(".")[2]


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
