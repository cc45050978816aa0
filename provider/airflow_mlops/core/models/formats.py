"""Model file formats, none of which can run code when read.

Pickle, which can, is never written. It is read only on request, for adopted models.

scikit-learn estimators are stored as skops, and models of other libraries in a
:class:`~airflow_mlops.core.models.native.ModelFormat`: LightGBM's and XGBoost's own formats, PyTorch weights as
safetensors, or the format of another package. The layout is MLflow's, but the ``MLmodel`` file is written for MLflow
only and never read here: the caller, not the artifact, decides what is loaded and which types are trusted.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from zipfile import is_zipfile

from airflow_mlops.common.errors import BadInput, Refused
from airflow_mlops.common.imports import import_without_warnings
from airflow_mlops.core.models.native import (
    FORMATS,
    NativeClassifier,
    NativeRegressor,
    get_format,
    is_trusted,
    to_native,
)
from airflow_mlops.core.models.prediction import predict
from airflow_mlops.core.models.reproducible import build_mlmodel, canonicalise_skops

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import Model

log = logging.getLogger(__name__)
MODEL_FILE, PICKLE_FILE = "model.skops", "model.pkl"
NATIVE_FILE, PREPARE_FILE, NATIVE_FOLDER = "native.json", "prepare.skops", "native"
INPUT_EXAMPLE_FILE = "input_example.json"
# Formats that MLflow can read, too: name -> (file, class).
_MLFLOW_FORMATS = {
    "lightgbm": ("model.lgb", "lightgbm.basic.Booster"),
    "xgboost": ("model.json", "xgboost.core.Booster"),
}
# Types that scikit-learn's own estimators need and skops does not trust by default. Listed one by one: a prefix such
# as "sklearn." would also trust types added by later releases.
TRUSTED_TYPES = (
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
)
_BASE_REQUIREMENTS = ("scikit-learn", "skops", "numpy", "pandas")


def is_loadable(name: str) -> bool:
    """Check whether models are loaded from a file. Other files in the folder are for MLflow and for people.

    :param name: the path in the model's folder.
    """
    return name in (MODEL_FILE, NATIVE_FILE, PREPARE_FILE, PICKLE_FILE) or name.startswith(f"{NATIVE_FOLDER}/")


def save(
    model: Any, folder: Path, example: pd.DataFrame, *, trusted: Sequence[str] = (), save_example: bool = False
) -> None:
    """Write a fitted model into a new folder.

    :param example: a few feature rows, for the signature.
    :param trusted: project types that the model may contain, in addition to :data:`TRUSTED_TYPES`, and import paths of
        formats that it may be stored in.
    :param save_example: whether to store the example rows with the model.
    :raises BadInput: when the model contains an untrusted type, which would prevent loading it.
    """
    model = to_saved_form(model, example, trusted)
    if isinstance(model, NativeRegressor):
        _save_native(model, folder, example, trusted=trusted, keep_example=save_example)
    else:
        _save_skops(model, folder, example, trusted=trusted, keep_example=save_example)


def to_saved_form(model: Any, example: pd.DataFrame, trusted: Sequence[str] = ()) -> Any:
    """Return a model in the form it has after saving and loading, so that evaluation uses the same form as serving.

    :param example: a few feature rows.
    :param trusted: as for :func:`save`.
    :raises BadInput: when its predictions would then differ.
    """
    saved_form = to_native(model, list(example.columns), trusted)
    if saved_form is not model and hasattr(model, "fit"):  # a Booster's own predict has no multiclass form
        _compare_predictions(model, saved_form, example)
    return saved_form


def _compare_predictions(model: Any, saved_form: Any, example: pd.DataFrame) -> None:
    """Check that a model predicts the same before and after saving.

    :raises BadInput: when it does not.
    """
    import numpy as np

    if not np.allclose(predict(model, example), predict(saved_form, example), rtol=1e-5, atol=1e-6, equal_nan=True):
        raise BadInput(
            f"{type(model).__name__} would give different predictions after saving and loading",
            hint="use the library's own objective and classes from 0 on, or scikit-learn's estimators",
        )


def restore(
    files: Mapping[str, bytes], *, trusted: Sequence[str] = (), allow_pickle: bool = False, where: str = ""
) -> Any:
    """Deserialise a model from verified files; :func:`airflow_mlops.core.models.artifact.load_model` verifies them.

    :param files: path -> content, of at least the files that :func:`is_loadable` accepts.
    :param trusted: project types that the model may contain.
    :param allow_pickle: whether a model stored only as a pickle may be unpickled, which can run any code.
    :param where: the source folder, for error messages.
    :raises Refused: when the format or a type is not allowed.
    """
    if NATIVE_FILE in files:
        return _restore_native(files, trusted, where)
    if MODEL_FILE in files or PICKLE_FILE not in files:
        return _read_skops(files, MODEL_FILE, trusted, where)
    if not allow_pickle:
        raise Refused(
            f"the artifact has no {MODEL_FILE}: it is a pickle, which can run code when loaded",
            where=where,
            hint='save it as skops; or, if you trust its source, adopt it with {"allow_pickle": true} in the extra '
            "of the MLflow connection",
        )
    log.warning("loading a pickle, which can run any code; its digest matches the registered one: %s", where)
    import pickle

    return pickle.loads(files[PICKLE_FILE])  # noqa: S301 - enabled on the connection


def _save_skops(model: Any, folder: Path, example: pd.DataFrame, *, trusted: Sequence[str], keep_example: bool) -> None:
    """Write what ``mlflow.sklearn.save_model`` writes, without its scan of all installed packages.

    The scan takes seconds of CPU to check that pinned packages are installed; the versions pinned here always are.
    """
    import mlflow.pyfunc
    import sklearn
    from mlflow.models import infer_signature

    signature = infer_signature(example, model.predict(example))
    content = _to_trusted_skops(model, trusted)
    folder.mkdir(parents=True)
    (folder / MODEL_FILE).write_bytes(content)
    mlmodel = build_mlmodel(folder, signature)
    mlflow.pyfunc.add_to_model(
        mlmodel,
        loader_module="mlflow.sklearn",
        model_path=MODEL_FILE,
        conda_env="conda.yaml",
        python_env="python_env.yaml",
        predict_fn="predict",
    )
    mlmodel.add_flavor(
        "sklearn",
        pickled_model=MODEL_FILE,
        sklearn_version=sklearn.__version__,
        serialization_format="skops",
        code=None,
        skops_trusted_types=[*TRUSTED_TYPES, *trusted],
    )
    _write_environment(folder, _requirements(["mlflow", *trusted]))
    _save_mlmodel(mlmodel, folder, example, keep_example=keep_example)


def _save_native(
    model: NativeRegressor, folder: Path, example: pd.DataFrame, *, trusted: Sequence[str], keep_example: bool
) -> None:
    from mlflow.models import infer_signature

    prepare = None if model.prepare is None else _to_trusted_skops(model.prepare, trusted)
    model_format = get_format(model.format)
    files = _to_native_files(model, example, trusted)
    (folder / NATIVE_FOLDER).mkdir(parents=True)
    for name, content in files.items():
        (folder / NATIVE_FOLDER / name).write_bytes(content)
    if prepare is not None:
        (folder / PREPARE_FILE).write_bytes(prepare)
    metadata = {"format": model.format, "columns": list(model.columns), "prepare": model.prepare is not None}
    if isinstance(model, NativeClassifier):
        metadata["classes"] = list(model.classes_)
    (folder / NATIVE_FILE).write_text(json.dumps(metadata, indent=1), encoding="utf-8")
    mlmodel = build_mlmodel(folder, infer_signature(example, model.predict(example)))
    _write_environment(folder, _requirements([*trusted, *model_format.packages]))
    if model.format in _MLFLOW_FORMATS and model.prepare is None:  # MLflow would silently skip the preprocessing
        file, model_class = _MLFLOW_FORMATS[model.format]
        mlmodel.add_flavor(model.format, data=f"{NATIVE_FOLDER}/{file}", model_class=model_class)
    else:
        mlmodel.add_flavor("airflow_mlops", format=model.format)
    _save_mlmodel(mlmodel, folder, example, keep_example=keep_example)


def _to_native_files(model: NativeRegressor, example: pd.DataFrame, trusted: Sequence[str]) -> Mapping[str, bytes]:
    """Return the files of a model's format, and check those of other packages' formats by loading them.

    :raises BadInput: when they do not give the same predictions, or a name is not that of a file.
    """
    model_format = get_format(model.format)
    files = model_format.save(model.fitted, trusted)
    if model.format in FORMATS.builtin:
        return files
    for name, content in files.items():
        if not isinstance(content, bytes) or PurePosixPath(name).name != name:
            raise BadInput(
                f"the model format {model.format!r} returned an invalid file: {name!r}",
                hint="save() has to return plain file names and their content as bytes",
            )
    _compare_predictions(model, replace(model, fitted=model_format.load(files, trusted)), example)
    return files


def _save_mlmodel(mlmodel: Model, folder: Path, example: pd.DataFrame, *, keep_example: bool) -> None:
    """Write the ``MLmodel`` file, and the example rows if requested."""
    if keep_example:
        rows = json.loads(example.to_json(orient="split", index=False, date_format="iso"))
        (folder / INPUT_EXAMPLE_FILE).write_text(json.dumps(rows), encoding="utf-8")
        mlmodel.saved_input_example_info = {
            "artifact_path": INPUT_EXAMPLE_FILE,
            "type": "dataframe",
            "pandas_orient": "split",
        }
    mlmodel.save(str(folder / "MLmodel"))


def _write_environment(folder: Path, requirements: Sequence[str]) -> None:
    """Write the model's requirements for pip, conda and MLflow."""
    import platform

    import yaml

    (folder / "requirements.txt").write_text("\n".join(requirements) + "\n", encoding="utf-8")
    metadata = {
        "conda.yaml": {
            "channels": ["conda-forge"],
            "dependencies": [f"python={platform.python_version()}", "pip", {"pip": list(requirements)}],
            "name": "mlflow-env",
        },
        "python_env.yaml": {
            "python": platform.python_version(),
            "build_dependencies": ["pip", "setuptools", "wheel"],
            "dependencies": ["-r requirements.txt"],
        },
    }
    for name, content in metadata.items():
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def _restore_native(files: Mapping[str, bytes], trusted: Sequence[str], where: str) -> Any:
    try:
        metadata = json.loads(files[NATIVE_FILE])
        name, columns, prepared = metadata["format"], metadata["columns"], metadata["prepare"]
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(
            f"{NATIVE_FILE} is not valid: {error!r}", where=where, hint="was it written by another release?"
        ) from None
    if name not in FORMATS:
        raise Refused(
            f"{name!r} is not an installed model format",
            where=f"{where}: {NATIVE_FILE}",
            hint="install the package that adds it wherever the model is loaded; installed here: skops, "
            + ", ".join(FORMATS.names()),
        )
    if ":" in name and not is_trusted(name, trusted):
        raise Refused(
            f"the model's format is not trusted: {name}",
            where=f"{where}: {NATIVE_FILE}",
            hint="add it to trusted_types=[...] if you trust it",
        )
    model_format = get_format(name)
    prefix = f"{NATIVE_FOLDER}/"
    content = {path.removeprefix(prefix): files[path] for path in files if path.startswith(prefix)}
    if not content:
        raise Refused(f"the artifact has no {NATIVE_FOLDER}", where=where, hint="restore the files from a backup")
    try:
        fitted = model_format.load(content, trusted)
    except ImportError as error:
        raise BadInput(
            f"cannot load the model: {error}", where=where, hint=f"pip install {' '.join(model_format.packages)}"
        ) from error
    prepare = _read_skops(files, PREPARE_FILE, trusted, where) if prepared else None
    values = (name, fitted, columns, prepare)
    return NativeClassifier(*values, metadata["classes"]) if "classes" in metadata else NativeRegressor(*values)


def _read_skops(files: Mapping[str, bytes], name: str, trusted: Sequence[str], where: str) -> Any:
    content = files.get(name, b"")
    if not is_zipfile(io.BytesIO(content)):
        raise Refused(f"the artifact has no {name}", where=where, hint="only skops models can be loaded")
    skops_io = import_without_warnings("skops.io")

    untrusted = set(skops_io.get_untrusted_types(data=content)) - {*TRUSTED_TYPES, *trusted}
    if untrusted:
        raise Refused(
            f"the model contains untrusted types: {sorted(untrusted)[:5]}",
            where=f"{where}: {name}",
            hint="add the project's own types to trusted_types=[...] if you trust them",
        )
    return skops_io.loads(content, trusted=[*TRUSTED_TYPES, *trusted])


def _to_trusted_skops(model: Any, trusted: Sequence[str]) -> bytes:
    """Serialise a model as skops, and check that it can be loaded.

    :raises BadInput: when it contains an untrusted type, or skops cannot serialise it.
    """
    skops_io = import_without_warnings("skops.io")
    try:
        content = canonicalise_skops(skops_io.dumps(model))
        untrusted = set(skops_io.get_untrusted_types(data=content)) - {*TRUSTED_TYPES, *trusted}
        if not untrusted:
            skops_io.loads(content, trusted=[*TRUSTED_TYPES, *trusted])
    except Exception as error:  # the model's own code may raise anything here
        raise BadInput(f"{type(model).__name__} cannot be saved as skops: {str(error)[:300]}") from error
    if untrusted:
        raise BadInput(
            f"the model contains untrusted types: {sorted(untrusted)[:5]}",
            hint="use scikit-learn's own types, or add your types to trusted_types=[...]",
        )
    return content


def _requirements(types: Collection[str]) -> list[str]:
    """Return pinned requirements. MLflow's own inference of them takes tens of seconds."""
    from importlib.metadata import PackageNotFoundError, version

    names = [
        *_BASE_REQUIREMENTS,
        *sorted({t.partition(".")[0] for t in types} - {"sklearn", "numpy", "pandas", "builtins"}),
    ]
    pinned = []
    for name in names:
        try:
            pinned.append(f"{name}=={version(name)}")
        except PackageNotFoundError:  # a module of the standard library or of the DAG bundle
            continue
    return pinned
