"""Import paths such as ``include.churn.model:build``, and files: found when a task runs, not when the DAG is parsed."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

from airflow_mlops.core.errors import BadInput


def resolve(target: str | Callable[..., Any]) -> Callable[..., Any]:
    """Give the callable behind an import path.

    :param target: ``package.module:attribute`` (a dot before the attribute is accepted too), or the callable itself.
    :raises BadInput: when the path is malformed, the module cannot be imported or has no such callable.
    """
    if callable(target):
        return target
    module_name, _, attribute = target.partition(":") if ":" in target else target.rpartition(".")
    if not module_name or not attribute:
        raise BadInput(
            f"{target!r} is not an import path",
            mend="write 'package.module:function', for example 'include.churn.model:boosted'",
        )
    try:
        found = import_module(module_name)
    except ImportError as error:
        raise BadInput(
            f"cannot import {module_name!r}: {error}",
            where=target,
            mend="the module must be importable by the worker: below the bundle's root, or installed",
        ) from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise BadInput(f"{module_name!r} has no {attribute!r}", where=target, mend="check the spelling")
        found = getattr(found, part)
    if not callable(found):
        raise BadInput(f"{target!r} is a {type(found).__name__}, not a function", where=target)
    return found


def import_quietly(name: str) -> ModuleType:
    """Import a module without the warnings that its import sets off.

    For skops: it looks at every attribute of every loaded module, also at all those that Airflow has deprecated, which
    makes some hundred warnings that concern nobody.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(name)


def find_file(path: str | PathLike[str]) -> Path:
    """Find a file as imports are found: from each entry of ``sys.path``, where Airflow puts the bundle's root.

    :param path: such as ``include/churn/contract.yaml``; an absolute path is taken as it is.
    :raises BadInput: when there is no such file.
    """
    for base in ("", *sys.path):
        found = Path(base) / path
        if found.is_file():
            return found
    raise BadInput(
        f"there is no file {path}",
        where=f"looked below {[p for p in sys.path if 'site-packages' not in p and not p.endswith('.zip')][:6]}",
        mend="name it from the bundle's root, for example include/churn/contract.yaml",
    )
