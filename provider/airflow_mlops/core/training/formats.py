"""The formats in which a model is kept. None of them can run code when it is read.

Pickle, which can, is never written, and read only by those who ask for it: for models that MLflow had before.

scikit-learn's estimators are kept as skops; models of LightGBM and XGBoost in their libraries' own formats, and
PyTorch's weights as safetensors. Each lies in MLflow's layout, with an ``MLmodel`` file that MLflow reads and we never
do: what is loaded, and which types are trusted, is for the caller to say and not for the artifact.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import is_zipfile

from airflow_mlops.core.errors import BadInput, Refused
from airflow_mlops.core.imports import import_quietly
from airflow_mlops.core.training.native import LIBRARIES, NativeClassifier, NativeRegressor, adapted
from airflow_mlops.core.training.prediction import predict
from airflow_mlops.core.training.reproducible import noted, settled

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import Model

log = logging.getLogger(__name__)
MODEL_FILE, PICKLE_FILE = "model.skops", "model.pkl"
NATIVE_FILE, PREPARE_FILE = "native.json", "prepare.skops"
EXAMPLE_FILE = "input_example.json"
NEEDED = (MODEL_FILE, NATIVE_FILE, PREPARE_FILE, PICKLE_FILE, *(library.file for library in LIBRARIES.values()))
"""What models are loaded from; whatever else lies beside it is for MLflow and for people."""
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
_BASE = ("scikit-learn", "skops", "numpy", "pandas")


def save(
    model: Any, folder: Path, example: pd.DataFrame, *, trusted: Sequence[str] = (), keep_example: bool = False
) -> None:
    """Write a fitted model into a new folder.

    :param example: a few feature rows, for the signature.
    :param trusted: types of the project's own that the model may contain, beside :data:`TRUSTED_TYPES`.
    :param keep_example: whether the rows of the example are kept with it.
    :raises BadInput: when the model contains a type that is not trusted, so that it could not be loaded again.
    """
    model = as_kept(model, example)
    if isinstance(model, NativeRegressor):
        _save_native(model, folder, example, trusted=trusted, keep_example=keep_example)
    else:
        _save_skops(model, folder, example, trusted=trusted, keep_example=keep_example)


def as_kept(model: Any, example: pd.DataFrame) -> Any:
    """Give a model as it will be when it has been kept and loaded again: what is judged is what will be used.

    :param example: a few feature rows.
    :raises BadInput: when it would then predict something else.
    """
    import numpy as np

    kept = adapted(model, list(example.columns))
    if kept is model or type(model).__name__ == "Booster":  # whose own predict has no form for several classes
        return kept
    if not np.allclose(predict(model, example), predict(kept, example), rtol=1e-5, atol=1e-6, equal_nan=True):
        raise BadInput(
            f"{type(model).__name__} would predict something else after it has been kept and loaded again",
            mend="use the library's own objective and classes from 0 on, or scikit-learn's estimators",
        )
    return kept


def restore(
    files: Mapping[str, bytes], *, trusted: Sequence[str] = (), allow_pickle: bool = False, where: str = ""
) -> Any:
    """Read a model back. Only for files whose digest is right: call :func:`airflow_mlops.core.training.artifact.load`.

    :param files: name -> content, of at least those of :data:`NEEDED` that the model has.
    :param trusted: types of the project's own that the model may contain.
    :param allow_pickle: whether a model that is kept in no other format may be unpickled, which can run any code.
    :param where: the folder they are from, for the errors.
    :raises Refused: when the format or a type is not what it has to be.
    """
    if NATIVE_FILE in files:
        return _restore_native(files, trusted, where)
    if MODEL_FILE in files or PICKLE_FILE not in files:
        return _read_skops(files, MODEL_FILE, trusted, where)
    if not allow_pickle:
        raise Refused(
            f"the artifact has no {MODEL_FILE}: it is a pickle, which runs code when it is loaded",
            where=where,
            mend='keep it as skops; or, if you trust its maker, adopt it with {"allow_pickle": true} in the extra '
            "of the MLflow connection",
        )
    log.warning("a pickle is loaded, which can run any code; its digest is the registered one: %s", where)
    import pickle

    return pickle.loads(files[PICKLE_FILE])  # noqa: S301 - asked for, on the connection


def _save_skops(model: Any, folder: Path, example: pd.DataFrame, *, trusted: Sequence[str], keep_example: bool) -> None:
    """Write what ``mlflow.sklearn.save_model`` writes, without its search through all installed packages.

    It takes some seconds of CPU to find out whether what is pinned is installed; what we pin is what is installed.
    """
    import mlflow.pyfunc
    import sklearn
    from mlflow.models import infer_signature

    signature = infer_signature(example, model.predict(example))
    content = _checked(model, trusted)
    folder.mkdir(parents=True)
    (folder / MODEL_FILE).write_bytes(content)
    note = noted(folder, signature)
    mlflow.pyfunc.add_to_model(
        note,
        loader_module="mlflow.sklearn",
        model_path=MODEL_FILE,
        conda_env="conda.yaml",
        python_env="python_env.yaml",
        predict_fn="predict",
    )
    note.add_flavor(
        "sklearn",
        pickled_model=MODEL_FILE,
        sklearn_version=sklearn.__version__,
        serialization_format="skops",
        code=None,
        skops_trusted_types=[*TRUSTED_TYPES, *trusted],
    )
    _write_environment(folder, _requirements(["mlflow", *trusted]))
    _save_note(note, folder, example, keep_example=keep_example)


def _save_native(
    model: NativeRegressor, folder: Path, example: pd.DataFrame, *, trusted: Sequence[str], keep_example: bool
) -> None:
    from mlflow.models import infer_signature

    prepare = None if model.prepare is None else _checked(model.prepare, trusted)
    folder.mkdir(parents=True)
    library = LIBRARIES[model.library]
    beside = library.save(model.fitted, folder / library.file, trusted)
    if prepare is not None:
        (folder / PREPARE_FILE).write_bytes(prepare)
    described = {
        "library": model.library,
        "columns": list(model.columns),
        "prepare": model.prepare is not None,
        **({"beside": beside} if beside else {}),
    }
    if isinstance(model, NativeClassifier):
        described["classes"] = list(model.classes_)
    (folder / NATIVE_FILE).write_text(json.dumps(described, indent=1), encoding="utf-8")
    needed = _requirements([*trusted, model.library, *([library.package] if library.package else [])])
    note = noted(folder, infer_signature(example, model.predict(example)))
    _write_environment(folder, needed)
    if library.known_to_mlflow and model.prepare is None:  # it would leave out the preparation without a word
        kind = type(model.fitted)
        note.add_flavor(model.library, data=library.file, model_class=f"{kind.__module__}.{kind.__qualname__}")
    else:
        note.add_flavor("airflow_mlops", library=model.library)
    _save_note(note, folder, example, keep_example=keep_example)


def _save_note(note: Model, folder: Path, example: pd.DataFrame, *, keep_example: bool) -> None:
    """Write the ``MLmodel`` file, and the rows of the example where they are wanted."""
    if keep_example:
        rows = json.loads(example.to_json(orient="split", index=False, date_format="iso"))
        (folder / EXAMPLE_FILE).write_text(json.dumps(rows), encoding="utf-8")
        note.saved_input_example_info = {"artifact_path": EXAMPLE_FILE, "type": "dataframe", "pandas_orient": "split"}
    note.save(str(folder / "MLmodel"))


def _write_environment(folder: Path, needed: Sequence[str]) -> None:
    """Write what the model needs as pip, conda and MLflow read it."""
    import platform

    import yaml

    (folder / "requirements.txt").write_text("\n".join(needed) + "\n", encoding="utf-8")
    described = {
        "conda.yaml": {
            "channels": ["conda-forge"],
            "dependencies": [f"python={platform.python_version()}", "pip", {"pip": list(needed)}],
            "name": "mlflow-env",
        },
        "python_env.yaml": {
            "python": platform.python_version(),
            "build_dependencies": ["pip", "setuptools", "wheel"],
            "dependencies": ["-r requirements.txt"],
        },
    }
    for name, content in described.items():
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def _restore_native(files: Mapping[str, bytes], trusted: Sequence[str], where: str) -> Any:
    described = json.loads(files[NATIVE_FILE])
    library = LIBRARIES.get(described["library"])
    if library is None:
        raise Refused(
            f"the artifact is in an unknown format, {described['library']!r}",
            where=f"{where}: {NATIVE_FILE}",
            mend=f"known are skops and those of {sorted(LIBRARIES)}; is it of a later release?",
        )
    if library.file not in files:
        raise Refused(f"the artifact has no {library.file}", where=where, mend="restore the files from a backup")
    try:
        fitted = library.load(files[library.file], described.get("beside", {}), trusted)
    except ImportError as error:
        raise BadInput(
            f"{described['library']} is not installed here, so its model cannot be loaded",
            where=where,
            mend=f"pip install {described['library']} {library.package or ''}".rstrip(),
        ) from error
    prepare = _read_skops(files, PREPARE_FILE, trusted, where) if described["prepare"] else None
    values = (described["library"], fitted, described["columns"], prepare)
    return NativeClassifier(*values, described["classes"]) if "classes" in described else NativeRegressor(*values)


def _read_skops(files: Mapping[str, bytes], name: str, trusted: Sequence[str], where: str) -> Any:
    content = files.get(name, b"")
    if not is_zipfile(io.BytesIO(content)):
        raise Refused(f"the artifact has no {name}", where=where, mend="only skops models are loaded")
    skops_io = import_quietly("skops.io")

    unknown = set(skops_io.get_untrusted_types(data=content)) - {*TRUSTED_TYPES, *trusted}
    if unknown:
        raise Refused(
            f"the model contains types that are not trusted: {sorted(unknown)[:5]}",
            where=f"{where}: {name}",
            mend="name the project's own types with trusted_types=[...] if you know them",
        )
    return skops_io.loads(content, trusted=[*TRUSTED_TYPES, *trusted])


def _checked(model: Any, trusted: Sequence[str]) -> bytes:
    """Give a model as skops, which can be loaded again.

    :raises BadInput: when it contains a type that is not trusted, or skops cannot keep it.
    """
    skops_io = import_quietly("skops.io")
    try:
        content = settled(skops_io.dumps(model))
        unknown = set(skops_io.get_untrusted_types(data=content)) - {*TRUSTED_TYPES, *trusted}
        if not unknown:
            skops_io.loads(content, trusted=[*TRUSTED_TYPES, *trusted])
    except Exception as error:  # whatever the model's own code raises when it is taken apart and put together
        raise BadInput(f"{type(model).__name__} cannot be kept as skops: {str(error)[:300]}") from error
    if unknown:
        raise BadInput(
            f"the model contains types that are not trusted: {sorted(unknown)[:5]}",
            mend="build it from scikit-learn's own parts, or name your own types with trusted_types=[...]",
        )
    return content


def _requirements(types: Collection[str]) -> list[str]:
    """Pin what the model needs. Given explicitly: MLflow's own search for it takes tens of seconds."""
    from importlib.metadata import PackageNotFoundError, version

    names = [*_BASE, *sorted({t.partition(".")[0] for t in types} - {"sklearn", "numpy", "pandas", "builtins"})]
    pinned = []
    for name in names:
        try:
            pinned.append(f"{name}=={version(name)}")
        except PackageNotFoundError:  # a module of the standard library, or of the bundle
            continue
    return pinned
