"""Typed expressions and error messages of the rule parser."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_mlops.core.data.contracts.expression import ColumnRef, Node, ValueType

VALUE_TYPE_NAMES: dict[ValueType, str] = {
    "number": "a number",
    "text": "text",
    "bool": "true or false",
    "timestamp": "a date or time",
}
CONTEXT_CHARS = 40  # characters of the rule shown before and after the error


class RuleError(ValueError):
    """A rule that cannot be parsed."""


@dataclass(frozen=True, slots=True)
class TypedNode:
    """A node and the type of its value.

    :param node: the node.
    :param value_type: its type; None for ``None``.
    """

    node: Node
    value_type: ValueType | None


def describe_value(value: TypedNode) -> str:
    """Return a description of a parsed value for a message."""
    what = VALUE_TYPE_NAMES[value.value_type] if value.value_type else "None"
    return f"{value.node.name} ({what})" if isinstance(value.node, ColumnRef) else what


def format_rule_error(rule: str, reason: str, position: int) -> str:
    """Format an error with an excerpt of the rule and a caret below the error.

    :param rule: the rule.
    :param reason: the error.
    :param position: the index of the wrong character, from 0.
    """
    start = max(0, position - CONTEXT_CHARS)
    line = " ".join(rule[start : position + CONTEXT_CHARS].splitlines())
    return f"{reason}\n        {line}\n        {' ' * (position - start)}^"
