"""Tuning a candidate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.operators.base import LifecycleOperator
from airflow_mlops.operators.held import Held
from airflow_mlops.run.parameters import tuning_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.core.training.tuning import Tuning
    from airflow_mlops.runtimes.settings import Elsewhere

SETTINGS = (
    "method",
    "trials",
    "seed",
    "timeout",
    "folds",
    "group",
    "time",
    "gap",
    "prune",
    "iterations",
    "parts",
    "part",
    "backend",
    "jobs",
    "address",
)


class TuneModelOperator(LifecycleOperator):
    """Search for a candidate's best parameters, refit with them, and judge it on validation rows; gives a ``RunRef``.

    A retry goes on where a killed attempt was: a trial that was over is never run again, and none is lost. Map it over
    candidates with ``.partial(...).expand(build=[...])``, or spread one search with ``parts=4`` and
    ``.expand(part=[0, 1, 2, 3])``; :class:`~airflow_mlops.operators.train.SelectChallengerOperator` takes the best.

    :param build: a function (or its import path) that returns an unfitted estimator and takes the searched parameters
        as keywords.
    :param space: keyword -> a list of values, or a range such as ``{"low": 0.01, "high": 0.3, "log": True}``; or the
        path of a YAML file with ``space`` and any of the settings below, which arguments beat.
    :param train: the rows to fit on: a ``SnapshotRef``, or ``dataset@partition``.
    :param validation: the rows that the refitted winner is judged on, and without ``folds`` the trials, too.
    :param target: the column to predict.
    :param features: the columns that the estimator gets; default: the contract's features.
    :param contract: the contract that names the features; it and the profile of the training rows are kept in the run.
    :param metric: the figure that trials and candidates are chosen by; it also says what the task is.
    :param method: ``grid``, ``random`` (the default), or ``optuna``, which needs the extra ``tuning``.
    :param trials: how many; default: all of a grid, 20 otherwise.
    :param timeout: seconds that trials may take in all attempts together, after which none is begun.
    :param seed: of the search and of the folds (0 when not given); given to ``build``, too, when it takes one.
    :param folds: judge trials by cross-validation within the training rows; default: on the validation rows.
    :param group: the column, or columns, whose equal values have to be in one fold.
    :param time: the column of moments: each fold is judged on what came after all that it was fitted on.
    :param gap: with ``time``: how much older the rows to fit on are, such as ``14d``.
    :param prune: with ``optuna``: give up a trial that is worse than the median of the others so far.
    :param iterations: ``{"name": "max_iter", "steps": [50, 100, 200]}``: a keyword that says how long a fit takes, and
        the steps at which a trial can be given up.
    :param parts: over how many tasks a grid or random search is spread.
    :param part: which of them this is, from 0 on.
    :param backend: runs the trials of a grid or random search side by side: ``processes`` of the worker, or a cluster:
        ``dask`` or ``ray``, which need the extra of that name; default: one by one.
    :param jobs: how many side by side; default: one for each processor.
    :param address: of the cluster, such as ``tcp://dask:8786``; default: a cluster on the worker, for this task.
    :param model_params: keywords for ``build`` that are fixed.
    :param experiment: MLflow's experiment; default: the DAG's id.
    :param candidate: the candidate's name; default: the function's.
    :param trusted_types: the project's own types that the model may contain.
    :param sample_weight: the column with the weights of the training rows.
    :param class_weight: ``balanced``, or class -> weight.
    :param input_example: whether five feature rows are kept with the model, for people to look at.
    :param runtime: where it runs: ``in_process`` (the default), ``docker``, ``external_python``, or a mapping with
        ``kind`` and settings, or :class:`airflow_mlops.runtimes.Docker` and its like.
    """

    template_fields: Sequence[str] = (
        "build",
        "space",
        "train",
        "validation",
        "target",
        "features",
        "contract",
        "metric",
        *SETTINGS,
        "model_params",
        "experiment",
        "candidate",
        "trusted_types",
        "sample_weight",
        "class_weight",
        "input_example",
        "runtime",
    )

    def __init__(
        self,
        *,
        build: str | Callable[..., Any],
        space: str | Mapping[str, Any],
        train: str | Mapping[str, Any],
        validation: str | Mapping[str, Any],
        target: str,
        features: Sequence[str] | None = None,
        contract: str | Mapping[str, Any] | None = None,
        metric: str = "roc_auc",
        method: str | None = None,
        trials: int | str | None = None,
        timeout: float | str | None = None,
        seed: int | str | None = None,
        folds: int | str | None = None,
        group: str | Sequence[str] | None = None,
        time: str | None = None,
        gap: str | None = None,
        prune: bool | str | None = None,
        iterations: Mapping[str, Any] | None = None,
        parts: int | str | None = None,
        part: int | str | None = None,
        backend: str | None = None,
        jobs: int | str | None = None,
        address: str | None = None,
        model_params: Mapping[str, Any] | None = None,
        experiment: str | None = None,
        candidate: str | None = None,
        trusted_types: Sequence[str] = (),
        sample_weight: str | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
        input_example: bool | str = True,
        runtime: str | Mapping[str, Any] | Elsewhere | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.build = Held.of(build)
        self.space = space
        self.train = train
        self.validation = validation
        self.target = target
        self.features = features
        self.contract = contract
        self.metric = metric
        self.method = method
        self.trials = trials
        self.timeout = timeout
        self.seed = seed
        self.folds = folds
        self.group = group
        self.time = time
        self.gap = gap
        self.prune = prune
        self.iterations = iterations
        self.parts = parts
        self.part = part
        self.backend = backend
        self.jobs = jobs
        self.address = address
        self.model_params = model_params
        self.experiment = experiment
        self.candidate = candidate
        self.trusted_types = trusted_types
        self.sample_weight = sample_weight
        self.class_weight = class_weight
        self.input_example = input_example
        self.runtime = runtime

    def step(self, context: Context) -> dict[str, Any] | None:
        """Search, refit, judge, keep."""
        return self.carry_out("tune", context, build=Held.free(self.build))

    def tuning(self) -> Tuning:
        """Give the search that the parameters mean: what is given here beats what a file says.

        :raises BadInput: when something is wrong in it; it names the key.
        """
        return tuning_of(self.space, {name: getattr(self, name) for name in SETTINGS})
