"""Contract checks of a team's own: rules on the values of one column that other packages add."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from airflow_mlops.common.extensions import ExtensionPoint

if TYPE_CHECKING:
    import polars as pl


class ContractCheck(Protocol):
    """A rule on the values of one column, such as ``iban``.

    A check may also have the method ``violates_sql(column, dialect, **parameters)``. It returns a SQL condition for
    tables that stay in their database; without it the rule is ``inconclusive`` there. Its ``column`` is a SQL
    expression of the column's values, and ``dialect`` is the :class:`~airflow_mlops.api.Dialect`. A literal colon is
    written as ``\\\\:``.
    """

    def violates(self, column: pl.Expr, **parameters: Any) -> pl.Expr:
        """Return a boolean expression that is true where a row breaks the rule.

        It has one result per row, from that row's value alone. Null means unknown, which does not break the rule.

        :param column: the column as the contract's type: missing values and NaN are null, a category is text.
        :param parameters: the parameters in the contract.
        """
        ...


def _invalid_reason(value: Any) -> str | None:
    if isinstance(value, type):
        return "it is a class; name an object of it"
    return None if callable(getattr(value, "violates", None)) else "it has no method violates"


CONTRACT_CHECKS: ExtensionPoint[ContractCheck] = ExtensionPoint(
    kind="contract check",
    group="checks",
    builtin={},
    check=_invalid_reason,
    hint="write an object with the method violates(column, **parameters), which returns a Polars expression",
)


def find_check(name: str, parameters: Mapping[str, Any]) -> ContractCheck:
    """Return a contract check that takes some parameters.

    :param name: the check's name, or its import path.
    :raises BadInput: when there is no such check, or a parameter is unknown or missing.
    """
    check = CONTRACT_CHECKS.get(name)
    violates: Any = check.violates
    CONTRACT_CHECKS.check_options(name, functools.partial(violates, None), parameters)
    return check
