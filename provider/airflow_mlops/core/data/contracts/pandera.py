"""A pandera schema as a contract, for teams that have one. What cannot be said in a contract is refused by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput

if TYPE_CHECKING:
    from airflow_mlops.core.data.contracts.model import Contract

_TYPES = (
    (r"u?int\d*", "int"),
    (r"(float\d*|decimal.*)", "float"),
    (r"(str|string|utf8).*", "str"),
    (r"(categor|enum).*", "category"),
    (r"bool(ean)?", "bool"),
    (r"date(32|64)?(\[day\])?", "date"),
    (r"(datetime|timestamp).*", "datetime"),
)


def is_schema(value: Any) -> bool:
    """Say whether something is a pandera schema, or a model class that makes one; pandera is not imported for it."""
    kind = value if isinstance(value, type) else type(value)
    ours = [base for base in kind.__mro__ if base.__module__.split(".")[0] == "pandera"]
    return bool(ours) and (hasattr(value, "columns") or hasattr(value, "to_schema"))


def from_pandera(schema: Any) -> Contract:
    """Make a contract of a pandera schema (of pandas or of Polars).

    Taken over are: columns, types, ``nullable``, ``required``, ``unique``, ``strict``, the schema's name, and the
    checks ge, gt, le, lt, in_range, eq, ne, isin, notin, str_matches, str_contains, str_startswith, str_endswith and
    str_length. A check with ``raise_warning`` warns. ``coerce`` is not: data is judged as it is.

    :param schema: a ``DataFrameSchema``, or a ``DataFrameModel`` class.
    :raises BadInput: when something in it cannot be said in a contract; it names what.
    """
    from airflow_mlops.core.data.contracts.model import Contract

    schema = schema.to_schema() if hasattr(schema, "to_schema") else schema
    name = str(schema.name or "pandera schema")
    _refuse_what_is_more(schema, name)
    columns: dict[str, Any] = {}
    rules: list[dict[str, Any]] = []
    for column, definition in schema.columns.items():
        columns[str(column)], more = _column(str(column), definition, name)
        rules += more
    unique = schema.unique or []
    content = {
        "name": name,
        "columns": columns,
        "key": [unique] if isinstance(unique, str) else list(unique),
        "checks": _numbered(rules),
        "rows": {"min": 0},
        "unknown_columns": "error" if schema.strict is True else "ignore",
    }
    return Contract.load(content, where=f"pandera schema {name}")


def _refuse(what: str, where: str, mend: str = "leave it out of the schema, or write a contract.yaml") -> BadInput:
    return BadInput(f"{what} cannot be taken over from pandera", where=where, mend=mend)


def _refuse_what_is_more(schema: Any, name: str) -> None:
    """Refuse what concerns the whole frame and has no place in a contract."""
    for what, there in (
        ("an index", getattr(schema, "index", None) is not None),
        ("ordered=True", bool(getattr(schema, "ordered", False))),
        ("a parser", bool(getattr(schema, "parsers", None))),
    ):
        if there:
            raise _refuse(what, f"schema {name}")
    for check in schema.checks or ():
        told = f"the check {_named(check)!r} of the whole frame"
        raise _refuse(told, f"schema {name}", "write it under checks in a contract.yaml, such as 'end >= start'")


def _column(name: str, definition: Any, schema: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Give the rules of one column: as the contract's column, and those that have to be cross-column rules."""
    where = f"schema {schema}, column {name}"
    if definition.regex:
        raise _refuse("a column named by a pattern (regex=True)", where, "name each column")
    if getattr(definition, "parsers", None):
        raise _refuse("a parser", where)
    rule: dict[str, Any] = {"type": _type(definition.dtype, where), "nullable": bool(definition.nullable)}
    rule |= {} if definition.required else {"required": False}
    rule |= {"unique": True} if definition.unique else {}
    severity: dict[str, str] = {}
    rules: list[dict[str, Any]] = []
    for check in definition.checks or ():
        if not check.ignore_na and definition.nullable:
            raise _refuse(f"ignore_na=False of the check {_named(check)!r}", where, "set nullable=False instead")
        warn = {"severity": "warn"} if check.raise_warning else {}
        for key, value in _translated(name, rule["type"], check, where):
            if key == "rule" or key in rule:
                text = value if key == "rule" else _as_rule(name, key, value)
                rules.append({"name": f"{name}: {_named(check)}", "rule": text, **warn})
            else:
                rule[key] = value
                severity |= {key: "warn"} if warn else {}
    return rule | ({"severity": severity} if severity else {}), rules


def _type(dtype: Any, where: str) -> str:
    text = str(dtype).lower()
    text = text.rpartition(".")[2] if re.fullmatch(r"[\w.]+", text) else text
    for pattern, found in _TYPES:
        if dtype is not None and re.fullmatch(pattern, text):
            return found
    raise _refuse(f"the type {dtype}", where, "give the column one of int, float, str, category, bool, date, datetime")


def _translated(column: str, kind: str, check: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Translate a check: keys of the contract's column, or ``rule`` and a cross-column rule's text."""
    translate = _CHECKS.get(str(check.name))
    if translate is None:
        raise _refuse(f"the check {_named(check)!r}", where)
    for key, value in translate(check.statistics or {}):
        if key in ("min", "max") and kind not in ("int", "float", "date", "datetime"):
            raise _refuse(f"the check {_named(check)!r} of a column of {kind}", where)
        if key in (">", "<", "!="):
            yield "rule", f"col({column!r}) {key} {_literal(value)}"
        elif key == "not in":
            yield "rule", f"col({column!r}) not in [{', '.join(map(_literal, value))}]"
        else:
            yield key, value


def _as_rule(column: str, key: str, value: Any) -> str:
    """Write a second rule of one kind as a cross-column rule: a contract's column has room for one."""
    name = f"col({column!r})"
    if key == "values":
        return f"{name} in [{', '.join(map(_literal, value))}]"
    if key == "pattern":
        return f"matches({name}, {value!r})"
    side = f"length({name})" if key.endswith("length") else name
    return f"{side} {'>=' if key.startswith('min') else '<='} {_literal(value)}"


def _literal(value: Any) -> str:
    return repr(value.isoformat()) if isinstance(value, date) else repr(value)


def _range(s: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "min" if s.get("include_min", True) else ">", s["min_value"]
    yield "max" if s.get("include_max", True) else "<", s["max_value"]


def _length(s: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    exact = s.get("exact_value")
    bounds = {"min_length": s.get("min_value"), "max_length": s.get("max_value")}
    bounds = {"min_length": exact, "max_length": exact} if exact is not None else bounds
    yield from ((key, value) for key, value in bounds.items() if value is not None)


_CHECKS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "greater_than_or_equal_to": lambda s: [("min", s["min_value"])],
    "greater_than": lambda s: [(">", s["min_value"])],
    "less_than_or_equal_to": lambda s: [("max", s["max_value"])],
    "less_than": lambda s: [("<", s["max_value"])],
    "in_range": _range,
    "equal_to": lambda s: [("values", [s["value"]])],
    "not_equal_to": lambda s: [("!=", s["value"])],
    "isin": lambda s: [("values", list(s["allowed_values"]))],
    "notin": lambda s: [("not in", list(s["forbidden_values"]))],
    # pandera looks for a match at the start, or anywhere; a contract's pattern is the whole text.
    "str_matches": lambda s: [("pattern", f"(?:{_source(s['pattern'])})(?s:.*)")],
    "str_contains": lambda s: [("pattern", f"(?s:.*)(?:{_source(s['pattern'])})(?s:.*)")],
    "str_startswith": lambda s: [("pattern", f"{re.escape(s['string'])}(?s:.*)")],
    "str_endswith": lambda s: [("pattern", f"(?s:.*){re.escape(s['string'])}")],
    "str_length": _length,
}


def _source(pattern: Any) -> str:
    return str(getattr(pattern, "pattern", pattern))


def _named(check: Any) -> str:
    return str(check.name or check.error or "a function")


def _numbered(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tell rules of the same name apart."""
    seen: dict[str, int] = {}
    for rule in rules:
        seen[rule["name"]] = count = seen.get(rule["name"], 0) + 1
        rule["name"] += f" ({count})" if count > 1 else ""
    return rules
