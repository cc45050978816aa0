"""What the reader of rules has read, and how it tells a mistake: what is wrong, and where in the rule."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_mlops.core.data.contracts.expression import Column, Node, Sort

SORT_NAMES: dict[Sort, str] = {
    "number": "a number",
    "text": "text",
    "bool": "true or false",
    "moment": "a date or time",
}
AROUND = 40  # characters of the rule that are shown before and after the mistake


class RuleError(ValueError):
    """A rule that cannot be read: what is wrong, and where in it."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A node, and the sort of value that it gives.

    :param node: the node.
    :param sort: its sort; None for ``None``.
    """

    node: Node
    sort: Sort | None


def named(found: Typed) -> str:
    """Say what has been read, for a sentence."""
    what = SORT_NAMES[found.sort] if found.sort else "None"
    return f"{found.node.name} ({what})" if isinstance(found.node, Column) else what


def shown(text: str, what: str, place: int) -> str:
    """Say what is wrong with a rule, and mark where.

    :param text: the rule.
    :param what: what is wrong.
    :param place: the number of the character where it is wrong, from 0.
    """
    start = max(0, place - AROUND)
    line = " ".join(text[start : place + AROUND].splitlines())
    return f"{what}\n        {line}\n        {' ' * (place - start)}^"
