"""Resolution of import paths (``include.churn.model:build``) and files when a task runs, not at DAG parsing."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

from airflow_mlops.common.errors import BadInput


def import_object(path: str) -> Any:
    """Return the object at an import path.

    :param path: ``package.module:attribute`` (``package.module.attribute`` works too).
    :raises BadInput: when the path is malformed, the module is not importable, or it has no such attribute.
    """
    module_name, _, attribute = path.partition(":") if ":" in path else path.rpartition(".")
    if not module_name or not attribute:
        raise BadInput(
            f"{path!r} is not an import path",
            hint="write 'package.module:function', for example 'include.churn.model:boosted'",
        )
    try:
        value = import_module(module_name)
    except ImportError as error:
        raise BadInput(
            f"cannot import {module_name!r}: {error}",
            where=path,
            hint="the module must be importable by the worker: below the bundle's root, or installed",
        ) from error
    for part in attribute.split("."):
        if not hasattr(value, part):
            raise BadInput(f"{module_name!r} has no {attribute!r}", where=path, hint="check the spelling")
        value = getattr(value, part)
    return value


def resolve_callable(target: str | Callable[..., Any]) -> Callable[..., Any]:
    """Return the callable at an import path.

    :param target: an import path, as :func:`import_object` takes it, or the callable itself.
    :raises BadInput: as :func:`import_object`, and when the object is not callable.
    """
    if callable(target):
        return target
    value = import_object(target)
    if not callable(value):
        raise BadInput(f"{target!r} is a {type(value).__name__}, not a function", where=target)
    return value  # type: ignore[no-any-return]


def import_without_warnings(name: str) -> ModuleType:
    """Import a module with warnings suppressed.

    Needed for skops: its import reads every attribute of every loaded module, including Airflow's deprecated ones, and
    triggers about a hundred irrelevant warnings.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(name)


def find_file(path: str | PathLike[str]) -> Path:
    """Find a file relative to the entries of ``sys.path``, where Airflow puts the bundle's root.

    :param path: such as ``include/churn/contract.yaml``, or an absolute path.
    :raises BadInput: when there is no such file.
    """
    for base in ("", *sys.path):
        candidate = Path(base) / path
        if candidate.is_file():
            return candidate
    raise BadInput(
        f"there is no file {path}",
        where=f"searched {[p for p in sys.path if 'site-packages' not in p and not p.endswith('.zip')][:6]}",
        hint="give the path from the bundle's root, for example include/churn/contract.yaml",
    )
