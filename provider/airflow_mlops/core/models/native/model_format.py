"""Model formats: how the fitted models of one library are stored. Other packages can add their own."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.extensions import ExtensionPoint
from airflow_mlops.common.imports import import_object

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger(__name__)


class ModelFormat(Protocol):
    """How the fitted models of one library are stored, as a class without arguments.

    :meth:`load` and :meth:`predict` run in the model's isolated process. They see bytes only after the digest is
    verified. Loading the bytes must not be able to run code that they contain.
    """

    packages: Sequence[str]
    """Distributions that loading needs. They are pinned in the model's requirements."""

    def recognises(self, model: Any) -> bool:
        """Return whether the format stores this fitted model completely. It must not import the library.

        :param model: a model, or the last step of a pipeline.
        """

    def classes(self, model: Any) -> Sequence[Any] | None:
        """Return the classes in the order of the probabilities; ``None`` for a regressor."""

    def save(self, model: Any, trusted: Sequence[str]) -> Mapping[str, bytes]:
        """Return the files of a model: name -> content. The same model has to give the same content.

        :param trusted: import paths that the caller trusts, for a format that stores some.
        """

    def load(self, files: Mapping[str, bytes], trusted: Sequence[str]) -> Any:
        """Return the model from the content of its files.

        :param trusted: import paths that the caller trusts; the files may contain others.
        """

    def predict(self, model: Any, rows: Any) -> np.ndarray[Any, Any]:
        """Return n values, or for a classifier n probabilities of the second class, or n x k.

        :param model: a model that :meth:`recognises` accepts or :meth:`load` returned.
        :param rows: a frame of the feature columns, or the output of the pipeline's other steps.
        """


_METHODS = ("recognises", "classes", "save", "load", "predict")


def _problem_of(value: Any) -> str | None:
    """Return why an object is not a format."""
    if not isinstance(value, type):
        return "it is not a class"
    missing = [name for name in _METHODS if not callable(getattr(value, name, None))]
    missing += [] if hasattr(value, "packages") else ["packages"]
    return f"it has no {', '.join(missing)}" if missing else None


FORMATS: ExtensionPoint[type[ModelFormat]] = ExtensionPoint(
    kind="model format",
    group="formats",
    builtin={
        "lightgbm": "airflow_mlops.core.models.native.lightgbm:LightGbmFormat",
        "xgboost": "airflow_mlops.core.models.native.xgboost:XgBoostFormat",
        "torch": "airflow_mlops.core.models.native.torch:TorchFormat",
    },
    check=_problem_of,
)


def get_format(name: str) -> ModelFormat:
    """Return a format by its name or import path.

    :raises BadInput: when there is none.
    """
    return FORMATS.get(name)()


def find_format(model: Any, trusted: Sequence[str] = ()) -> str | None:
    """Return the name of the format that stores a model; ``None``: it is stored as skops.

    Formats whose import path is trusted come first, then the built-in ones, then those of installed packages.

    :param model: a model, or the last step of a pipeline.
    :param trusted: names that the caller trusts; those with a colon may be formats.
    """
    named = [path for path in trusted if ":" in path and _problem_of(import_object(path)) is None]
    # Installed formats are not asked for scikit-learn's models, so that installing one changes nothing for them.
    known = [] if type(model).__module__.startswith("sklearn.") else [*FORMATS.builtin, *_installed()]
    return next((name for name in [*named, *known] if get_format(name).recognises(model)), None)


def _installed() -> list[str]:
    """Return the names of the usable formats of other packages; log why others are not usable."""
    usable = []
    for name in FORMATS.names()[len(FORMATS.builtin) :]:
        try:
            FORMATS.get(name)
        except BadInput as error:
            log.warning("%s", error)
        else:
            usable.append(name)
    return usable


def is_trusted(path: str, trusted: Collection[str]) -> bool:
    """Check whether an import path is among the trusted names, written with a colon or a dot."""
    return path.replace(":", ".") in {name.replace(":", ".") for name in trusted}


def to_class_list(classes: Any) -> list[Any] | None:
    """Return classes as JSON-serialisable values."""
    return None if classes is None else [c.item() if hasattr(c, "item") else c for c in classes]
