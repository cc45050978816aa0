"""The steps that run a team's model code: parameters in, a reference out. Every runtime comes through here."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.yes_no import yes_or_no
from airflow_mlops.run.parameters import columns_of, contract_of, features_of, name_of, tuning_of, whole
from airflow_mlops.run.places import Places
from airflow_mlops.run.spec import Spec, tags_of

if TYPE_CHECKING:
    from airflow_mlops.core.data.snapshot import Snapshot
    from airflow_mlops.core.refs import RunRef
    from airflow_mlops.core.training.candidate import Candidate

log = logging.getLogger(__name__)


def execute(step: str, spec: Spec, places: Places) -> dict[str, Any] | None:
    """Do a step.

    :param step: ``train``, ``tune``, ``evaluate`` or ``score``.
    :param spec: what it is asked to do; its parameters are those of the step's operator, rendered.
    :param places: where everything is.
    :returns: the reference to what was made, as plain JSON; ``None`` when there was nothing to do.
    :raises BadInput: when there is no such step, or it does not take the parameters.
    """
    if step not in STEPS:
        raise BadInput(f"there is no step {step!r}", mend=f"known are {', '.join(STEPS)}")
    try:
        inspect.signature(STEPS[step]).bind(spec, places, **spec.parameters)
    except TypeError as error:
        raise BadInput(f"{step}: {error}", where=spec.key, mend="give the parameters of the step's operator") from None
    return STEPS[step](spec, places, **spec.parameters)


def train(
    spec: Spec,
    places: Places,
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
) -> dict[str, Any]:
    """Fit a candidate, judge it, keep it; gives a ``RunRef``. Parameters are those of ``TrainModelOperator``."""
    from airflow_mlops.core.training import fit

    asked = _candidate(
        build,
        candidate,
        features=features_of(contract, features),
        target=target,
        metric=metric,
        params=model_params,
        trusted_types=trusted_types,
        sample_weight=sample_weight,
        class_weight=class_weight,
        seed=whole(seed),
    )
    rows = {"train": train, "validation": validation}
    common = _common(spec, places, rows, build, experiment=experiment, contract=contract, input_example=input_example)
    return _told(fit.train(places.mlflow, places.database, asked, **common))


def tune(
    spec: Spec,
    places: Places,
    *,
    build: str | Callable[..., Any],
    space: str | Mapping[str, Any],
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
    input_example: bool | str = True,
    **settings: Any,
) -> dict[str, Any]:
    """Search, refit, judge, keep; gives a ``RunRef``. Parameters are those of ``TuneModelOperator``."""
    from airflow_mlops.core.training.tuning import tune as tuned

    tuning = tuning_of(space, settings)
    asked = _candidate(
        build,
        candidate,
        features=features_of(contract, features),
        target=target,
        metric=metric,
        params=model_params,
        trusted_types=trusted_types,
        sample_weight=sample_weight,
        class_weight=class_weight,
        seed=tuning.seed if "seed" in tuning.model_fields_set else None,
    )
    rows = {"train": train, "validation": validation}
    common = _common(spec, places, rows, build, experiment=experiment, contract=contract, input_example=input_example)
    return _told(tuned.tune(places.mlflow, places.database, asked, tuning, **common))


def evaluate(
    spec: Spec,
    places: Places,
    *,
    challenger: Mapping[str, Any],
    test: str | Mapping[str, Any],
    target: str,
    key: str | Sequence[str],
    split_key: str | Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    contract: str | Mapping[str, Any] | None = None,
    metric: str = "roc_auc",
    trusted_types: Sequence[str] = (),
    **asked: Any,
) -> dict[str, Any]:
    """Judge challenger and champion, publish the report; gives a ``ReportRef``.

    What cannot be judged is published, too, before it is raised. Parameters are those of ``EvaluateModelOperator``.
    """
    from airflow_mlops.core.errors import MlopsError
    from airflow_mlops.core.evaluation.asked import Asked
    from airflow_mlops.core.evaluation.scoring import said
    from airflow_mlops.core.refs import ModelVersionRef
    from airflow_mlops.core.registry.comparison import Rows, compare, unjudged

    read = Asked.read(**asked)
    version = ModelVersionRef.from_dict(challenger)
    rows = Rows(
        snapshot=_open(places, test),
        key=columns_of(key),
        split_key=split_key or None,
        target=target,
        features=features_of(contract, features),
    )
    try:
        report = compare(
            places.database,
            places.snapshots,
            challenger=version,
            rows=rows,
            metric=metric,
            tracking_uri=places.mlflow.tracking_uri,
            trusted=tuple(trusted_types),
            asked=read,
            how=places.loading,
        )
    except Exception as error:
        known = error if isinstance(error, MlopsError) else MlopsError(f"the evaluation broke off: {said(error)}")
        places.publish(unjudged(version, known))
        raise
    return places.publish(report)


def score(
    spec: Spec,
    places: Places,
    *,
    model: str,
    snapshot: str | Mapping[str, Any],
    key: str | Sequence[str],
    dataset: str | None = None,
    features: Sequence[str] | None = None,
    contract: str | Mapping[str, Any] | None = None,
    champion_at: str | None = None,
    trusted_types: Sequence[str] = (),
    conn_id: str | None = None,
    table: str | None = None,
    batch_rows: int | str = 250_000,
) -> dict[str, Any] | None:
    """Score with the champion, publish; gives a ``SnapshotRef``, or ``None`` when there was no champion. Parameters are
    those of ``ScoreDatasetOperator``.
    """
    from airflow_mlops.core.monitoring.scoring import Job
    from airflow_mlops.core.monitoring.scoring.published import publish
    from airflow_mlops.core.registry import history
    from airflow_mlops.core.registry.loading import load_version
    from airflow_mlops.store import versions
    from airflow_mlops.store.predictions import prediction_log

    champion = history.champion_at(places.database, model, champion_at)
    if champion is None:
        return None
    job = Job(
        _open(places, snapshot),
        versions.ref(champion),
        key=columns_of(key),
        features=features_of(contract, features),
        dataset=dataset or f"{model}_scores",
        batch_rows=int(batch_rows),
    )

    def load() -> Any:
        return load_version(champion, places.mlflow.tracking_uri, tuple(trusted_types), places.loading)

    table_too = prediction_log(places.engine, conn_id, table)
    ref = publish(places.database, places.snapshots, job, load, actor=spec.key, log=table_too)
    log.info("%s rows scored by %s v%s", ref.rows, model, champion.version)
    return ref.to_dict()


def _open(places: Places, value: str | Mapping[str, Any]) -> Snapshot:
    from airflow_mlops.core.address import snapshot_at

    return places.snapshots.open(snapshot_at(places.database, value))


def _candidate(
    build: str | Callable[..., Any],
    name: str | None,
    *,
    params: Mapping[str, Any] | None,
    trusted_types: Sequence[str],
    sample_weight: str | None,
    class_weight: str | Mapping[Any, float] | None,
    **plain: Any,
) -> Candidate:
    """Give what is to be fitted; a step's parameters may say with an empty text that there is none of something."""
    from airflow_mlops.core.training.candidate import Candidate

    return Candidate(
        name=name or name_of(build),
        build=build,
        params=params or {},
        trusted_types=tuple(trusted_types),
        sample_weight=sample_weight or None,
        class_weight=class_weight or None,
        **plain,
    )


def _common(
    spec: Spec,
    places: Places,
    rows: Mapping[str, str | Mapping[str, Any]],
    build: str | Callable[..., Any],
    *,
    experiment: str | None,
    contract: str | Mapping[str, Any] | None,
    input_example: bool | str,
) -> dict[str, Any]:
    """Give what training and tuning are told alike, beside what is to be fitted.

    :param rows: the rows to fit on and those to judge on, by the name that both know them by.
    """
    return {
        **{name: _open(places, part) for name, part in rows.items()},
        "experiment": experiment or spec.key.partition("/")[0],
        "key": spec.key,
        "tags": tags_of(build, spec.code, spec.tags),
        "artifact_location": places.artifact_location,
        "contract": contract_of(contract),
        "input_example": yes_or_no(input_example, "input_example"),
    }


def _told(ref: RunRef) -> dict[str, Any]:
    log.info("%s: %s %.4f on validation rows", ref.candidate, ref.metric, ref.score)
    return ref.to_dict()


STEPS: Mapping[str, Callable[..., dict[str, Any] | None]] = {
    "train": train,
    "tune": tune,
    "evaluate": evaluate,
    "score": score,
}
