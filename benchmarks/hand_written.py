"""Training and evaluating with scikit-learn and MLflow alone, as a script does that uses no framework.

It imports nothing of ours, as it also runs in the environments of peers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

SAMPLE = 5_000
REQUIREMENTS = ("scikit-learn", "skops", "numpy", "pandas")
TRUSTED = (
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)


def compute_metrics(target: Any, scores: Any) -> dict[str, float]:
    """Return nine metrics of a model of two classes, by scikit-learn.

    :param target: n classes, 0 or 1.
    :param scores: n probabilities of the class 1.
    """
    import numpy as np
    from sklearn import metrics
    from sklearn.calibration import calibration_curve

    decided = scores >= 0.5
    true, mean = calibration_curve(target, scores, n_bins=10, strategy="quantile")
    return {
        "roc_auc": float(metrics.roc_auc_score(target, scores)),
        "pr_auc": float(metrics.average_precision_score(target, scores)),
        "log_loss": float(metrics.log_loss(target, scores)),
        "brier": float(metrics.brier_score_loss(target, scores)),
        "accuracy": float(metrics.accuracy_score(target, decided)),
        "f1": float(metrics.f1_score(target, decided)),
        "precision": float(metrics.precision_score(target, decided)),
        "recall": float(metrics.recall_score(target, decided)),
        "calibration_error": float(np.abs(true - mean).mean()),
    }


def fit_and_log(
    build: Callable[[], Any],
    train: Any,
    validation: Any,
    *,
    features: Sequence[str],
    target: str,
    experiment: str,
    params: Mapping[str, Any],
) -> tuple[str, float]:
    """Fit, and log a run with parameters, metrics and the model as skops.

    :param train: the frame to fit on; figures on 5,000 rows of it are logged, too.
    :param validation: the frame to judge on.
    :param experiment: MLflow's experiment.
    :returns: the model's URI, and the ROC AUC on validation rows.
    """
    from importlib.metadata import version

    import mlflow
    import mlflow.sklearn
    from mlflow.models import infer_signature

    mlflow.set_experiment(experiment)
    with mlflow.start_run(run_name=build.__name__):
        model = build().fit(train[list(features)], train[target])
        sample = train.sample(min(SAMPLE, len(train)), random_state=0)
        found = {
            f"{part}_{name}": value
            for part, rows in (("validation", validation), ("train", sample))
            for name, value in compute_metrics(rows[target], model.predict_proba(rows[list(features)])[:, 1]).items()
        }
        example = train[list(features)].head(5)
        mlflow.log_params({"features": ",".join(features), "target": target, **params})
        mlflow.log_metrics(found)
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            serialization_format="skops",
            skops_trusted_types=list(TRUSTED),
            pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
            signature=infer_signature(example, model.predict(example)),
        )
    return str(logged.model_uri), found["validation_roc_auc"]


def score_models(models: Mapping[str, str], rows: Any, *, features: Sequence[str]) -> dict[str, Any]:
    """Load models and score the same rows with each.

    :param models: role -> the model's URI.
    :returns: role -> n probabilities of the class 1.
    """
    import mlflow.sklearn

    scores = {}
    for role, uri in models.items():
        model = mlflow.sklearn.load_model(uri)
        scores[role] = model.predict_proba(rows[list(features)])[:, 1]
    return scores
