"""The model as files: how it is written, and the digest that stands for it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.imports import import_quietly

if TYPE_CHECKING:
    import pandas as pd

MODEL_FILE = "model.skops"
# What skops does not trust by itself and scikit-learn's own estimators need. Named one by one: a prefix such as
# "sklearn." would also trust whatever a later release puts there.
TRUSTED_TYPES = (
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
)


def digest_of(folder: str | Path) -> str:
    """Give the SHA-256 over a folder: each file's relative path and content, in the order of the paths.

    :raises BadInput: when the folder has no file, or something in it is a link.
    """
    root = Path(folder)
    files = sorted(
        (p for p in root.rglob("*") if p.is_symlink() or not p.is_dir()), key=lambda p: p.relative_to(root).as_posix()
    )
    if not files:
        raise BadInput("a model artifact without files", where=str(folder))
    total = hashlib.sha256()
    for path in files:
        if path.is_symlink():
            raise BadInput("a link inside a model artifact", where=str(path), mend="write the file itself")
        total.update(path.relative_to(root).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def size_of(folder: str | Path) -> int:
    """Give the bytes of all files below a folder."""
    return sum(p.stat().st_size for p in Path(folder).rglob("*") if p.is_file())


def write(model: Any, folder: str | Path, example: pd.DataFrame, *, trusted: Sequence[str] = ()) -> str:
    """Write a fitted model in MLflow's layout, as skops.

    :param model: a fitted scikit-learn estimator.
    :param folder: where to; must not exist.
    :param example: a few feature rows, for the signature.
    :param trusted: types of the project's own that the model may contain, beside :data:`TRUSTED_TYPES`.
    :returns: the digest.
    :raises BadInput: when the model contains a type that is not trusted, so that it could not be loaded again.
    """
    import mlflow.sklearn
    from mlflow.models import infer_signature

    skops_io = import_quietly("skops.io")

    unknown = set(skops_io.get_untrusted_types(data=skops_io.dumps(model))) - {*TRUSTED_TYPES, *trusted}
    if unknown:
        raise BadInput(
            f"the model contains types that are not trusted: {sorted(unknown)[:5]}",
            mend="build it from scikit-learn's own parts, or name your own types with trusted_types=[...]",
        )
    mlflow.sklearn.save_model(
        model,
        str(folder),
        serialization_format="skops",
        skops_trusted_types=[*TRUSTED_TYPES, *trusted],
        pip_requirements=_requirements(),
        signature=infer_signature(example, _first_output(model, example)),
    )
    return digest_of(folder)


def predict(model: Any, features: pd.DataFrame) -> Any:
    """Give one score a row: the positive class's probability of a classifier, a regressor's value.

    :returns: n floats.
    :raises BadInput: when the classifier knows more or fewer than two classes.
    """
    if not hasattr(model, "predict_proba"):
        return model.predict(features)
    probabilities = model.predict_proba(features)
    if probabilities.shape[1] != 2:
        raise BadInput(
            f"the classifier knows {probabilities.shape[1]} classes, a binary task has 2",
            mend="check that the training rows have both classes, coded 0 and 1",
        )
    return probabilities[:, 1]


def _first_output(model: Any, example: pd.DataFrame) -> Any:
    return model.predict(example)


def _requirements() -> list[str]:
    """Pin what the model needs. Given explicitly: MLflow's own search for it takes tens of seconds."""
    from importlib.metadata import version

    return [f"{name}=={version(name)}" for name in ("scikit-learn", "skops", "numpy", "pandas")]
