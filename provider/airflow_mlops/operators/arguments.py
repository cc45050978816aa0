"""Check of an operator's arguments when the DAG is built."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from inspect import signature

from airflow.sdk import BaseOperator

from airflow_mlops.common.errors import BadInput


def check_arguments(
    operator: type[BaseOperator], arguments: Iterable[str], *, where: str, inherited: bool = True
) -> None:
    """Check that an operator has the parameters of these names.

    :param where: the source of the arguments, for the error.
    :param inherited: whether those of its base classes are allowed, such as ``retries``.
    :raises BadInput: when a parameter is unknown.
    """
    own, base = _parameter_names(operator)
    for name in arguments:
        if name not in own and not (inherited and name in base):
            near = get_close_matches(str(name), own, n=1) or get_close_matches(
                str(name), base if inherited else (), n=1
            )
            raise BadInput(
                f"{name!r} is not a parameter of {operator.__name__}",
                where=where,
                hint=f"did you mean {near[0]!r}?" if near else f"supported: {', '.join(sorted(own))}",
            )


@cache
def _parameter_names(operator: type[BaseOperator]) -> tuple[set[str], set[str]]:
    """Return the names of an operator's own parameters, and of those of its base classes."""
    own, *base = (
        signature(vars(cls)["__init__"]).parameters.keys() - {"self", "args", "kwargs"}
        for cls in operator.__mro__
        if "__init__" in vars(cls)
    )
    return own, set().union(*base)
