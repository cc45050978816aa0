"""What the parameters of a step mean: a template has made text of some, and some name a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_mlops.core.data.contracts import Contract
    from airflow_mlops.core.training.tuning import Tuning


def features_of(contract: str | Mapping[str, Any] | None, features: Sequence[str] | None) -> list[str]:
    """Give the feature columns: those named, or the contract's.

    :raises BadInput: when there is neither.
    """
    from airflow_mlops.core.errors import BadInput

    if features:
        return list(features)
    if contract is None:
        raise BadInput("no feature columns are known", mend="give features=[...] or contract='.../contract.yaml'")
    from airflow_mlops.core.data.contracts import Contract

    return list(Contract.load(contract).features)


def contract_of(contract: str | Mapping[str, Any] | None) -> Contract | None:
    """Give the contract that a parameter means."""
    if contract is None:
        return None
    from airflow_mlops.core.data.contracts import Contract

    return Contract.load(contract)


def name_of(build: str | Callable[..., Any]) -> str:
    """Name a candidate after the function that builds it."""
    while isinstance(build, partial):
        build = build.func
    path = build if isinstance(build, str) else getattr(build, "__name__", type(build).__name__)
    return path.rpartition(":")[2].rpartition(".")[2]


def whole(seed: int | str | None) -> int | None:
    """Give a seed as a number: a template has made text of it.

    :raises BadInput: when it is no whole number.
    """
    from airflow_mlops.core.errors import BadInput

    if seed is None or seed in ("", "None"):
        return None
    try:
        return int(seed)
    except ValueError:
        raise BadInput(f"seed={seed!r} is no whole number") from None


def columns_of(key: str | Sequence[str]) -> list[str]:
    """Give the columns that name a row."""
    return [key] if isinstance(key, str) else list(key)


def tuning_of(space: str | Mapping[str, Any], settings: Mapping[str, Any]) -> Tuning:
    """Give the search that is meant: what is given beside the space beats what a file says.

    :param space: what is searched, or the path of a YAML file with it.
    :param settings: the others.
    :raises BadInput: when something is wrong in it; it names the key.
    """
    from airflow_mlops.core.errors import BadInput
    from airflow_mlops.core.settings import read_yaml
    from airflow_mlops.core.training.tuning import Tuning

    given = {name: value for name, value in settings.items() if value not in (None, "", "None")}
    if not isinstance(space, str):
        return Tuning.load({"space": space, **given})
    read = read_yaml(space, "Tuning")
    if not isinstance(read, Mapping):
        raise BadInput("a tuning file has to be a mapping", where=space, mend="write space: and its keys")
    return Tuning.load({**read, **given}, where=space)
