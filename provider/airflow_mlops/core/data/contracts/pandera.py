"""Conversion of pandera schemas to contracts; unsupported parts raise an error that names them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from airflow_mlops.common.errors import BadInput

_TYPES = (
    (r"u?int\d*", "int"),
    (r"(float\d*|decimal.*)", "float"),
    (r"(str|string|utf8).*", "str"),
    (r"(categor|enum).*", "category"),
    (r"bool(ean)?", "bool"),
    (r"date(32|64)?(\[day\])?", "date"),
    (r"(datetime|timestamp).*", "datetime"),
)


def is_pandera_schema(value: Any) -> bool:
    """Check whether a value is a pandera schema or model class, without importing pandera."""
    kind = value if isinstance(value, type) else type(value)
    is_pandera = any(base.__module__.split(".")[0] == "pandera" for base in kind.__mro__)
    return is_pandera and (hasattr(value, "columns") or hasattr(value, "to_schema"))


def convert_schema(schema: Any) -> dict[str, Any]:
    """Convert a pandera schema (of pandas or of Polars) to the content of a contract.

    Converted are columns, types, ``nullable``, ``required``, ``unique``, ``strict``, the schema's name, and the
    checks ge, gt, le, lt, in_range, eq, ne, isin, notin, str_matches, str_contains, str_startswith, str_endswith and
    str_length. A check with ``raise_warning`` becomes a warning. ``coerce`` is ignored: data is validated as stored.

    :param schema: a ``DataFrameSchema``, or a ``DataFrameModel`` class.
    :raises BadInput: when a contract has no equivalent of some part; it names the part.
    """
    schema = schema.to_schema() if hasattr(schema, "to_schema") else schema
    name = str(schema.name or "pandera schema")
    _check_frame_options(schema, name)
    columns: dict[str, Any] = {}
    rules: list[dict[str, Any]] = []
    for column, definition in schema.columns.items():
        columns[str(column)], cross_rules = _convert_column(str(column), definition, name)
        rules += cross_rules
    unique = schema.unique or []
    return {
        "name": name,
        "columns": columns,
        "key": [unique] if isinstance(unique, str) else list(unique),
        "checks": _number_duplicates(rules),
        "rows": {"min": 0},
        "unknown_columns": "error" if schema.strict is True else "ignore",
    }


def _unsupported(what: str, where: str, hint: str = "remove it from the schema, or write a contract.yaml") -> BadInput:
    return BadInput(f"{what} cannot be converted from pandera", where=where, hint=hint)


def _check_frame_options(schema: Any, name: str) -> None:
    """Raise BadInput for options of the full frame that a contract does not support."""
    for what, is_used in (
        ("an index", getattr(schema, "index", None) is not None),
        ("ordered=True", bool(getattr(schema, "ordered", False))),
        ("a parser", bool(getattr(schema, "parsers", None))),
    ):
        if is_used:
            raise _unsupported(what, f"schema {name}")
    for check in schema.checks or ():
        what = f"the check {_check_name(check)!r} of the frame"
        raise _unsupported(what, f"schema {name}", "write it under checks in a contract.yaml, such as 'end >= start'")


def _convert_column(name: str, definition: Any, schema: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the rules of one column: the contract's column, and those that become cross-column rules."""
    where = f"schema {schema}, column {name}"
    if definition.regex:
        raise _unsupported("a column named by a pattern (regex=True)", where, "name each column")
    if getattr(definition, "parsers", None):
        raise _unsupported("a parser", where)
    rule: dict[str, Any] = {"type": _convert_type(definition.dtype, where), "nullable": bool(definition.nullable)}
    rule |= {} if definition.required else {"required": False}
    rule |= {"unique": True} if definition.unique else {}
    severity: dict[str, str] = {}
    rules: list[dict[str, Any]] = []
    for check in definition.checks or ():
        if not check.ignore_na and definition.nullable:
            raise _unsupported(
                f"ignore_na=False of the check {_check_name(check)!r}", where, "set nullable=False instead"
            )
        warn = {"severity": "warn"} if check.raise_warning else {}
        for key, value in _convert_check(name, rule["type"], check, where):
            if key == "rule" or key in rule:
                text = value if key == "rule" else _cross_column_rule(name, key, value)
                rules.append({"name": f"{name}: {_check_name(check)}", "rule": text, **warn})
            else:
                rule[key] = value
                severity |= {key: "warn"} if warn else {}
    return rule | ({"severity": severity} if severity else {}), rules


def _convert_type(dtype: Any, where: str) -> str:
    text = str(dtype).lower()
    text = text.rpartition(".")[2] if re.fullmatch(r"[\w.]+", text) else text
    for pattern, kind in _TYPES:
        if dtype is not None and re.fullmatch(pattern, text):
            return kind
    raise _unsupported(f"the type {dtype}", where, "use one of int, float, str, category, bool, date, datetime")


def _convert_check(column: str, kind: str, check: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Convert a check to keys of the contract's column, or to ``rule`` and the text of a cross-column rule."""
    convert = _CHECKS.get(str(check.name))
    if convert is None:
        raise _unsupported(f"the check {_check_name(check)!r}", where)
    for key, value in convert(check.statistics or {}):
        if key in ("min", "max") and kind not in ("int", "float", "date", "datetime"):
            raise _unsupported(f"the check {_check_name(check)!r} of a column of {kind}", where)
        if key in (">", "<", "!="):
            yield "rule", f"col({column!r}) {key} {_literal(value)}"
        elif key == "not in":
            yield "rule", f"col({column!r}) not in [{', '.join(map(_literal, value))}]"
        else:
            yield key, value


def _cross_column_rule(column: str, key: str, value: Any) -> str:
    """Return a second rule of one kind as a cross-column rule: a contract's column can have only one."""
    name = f"col({column!r})"
    if key == "values":
        return f"{name} in [{', '.join(map(_literal, value))}]"
    if key == "pattern":
        return f"matches({name}, {value!r})"
    side = f"length({name})" if key.endswith("length") else name
    return f"{side} {'>=' if key.startswith('min') else '<='} {_literal(value)}"


def _literal(value: Any) -> str:
    return repr(value.isoformat()) if isinstance(value, date) else repr(value)


def _range_keys(s: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "min" if s.get("include_min", True) else ">", s["min_value"]
    yield "max" if s.get("include_max", True) else "<", s["max_value"]


def _length_keys(s: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    exact = s.get("exact_value")
    bounds = {"min_length": s.get("min_value"), "max_length": s.get("max_value")}
    bounds = {"min_length": exact, "max_length": exact} if exact is not None else bounds
    yield from ((key, value) for key, value in bounds.items() if value is not None)


_CHECKS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "greater_than_or_equal_to": lambda s: [("min", s["min_value"])],
    "greater_than": lambda s: [(">", s["min_value"])],
    "less_than_or_equal_to": lambda s: [("max", s["max_value"])],
    "less_than": lambda s: [("<", s["max_value"])],
    "in_range": _range_keys,
    "equal_to": lambda s: [("values", [s["value"]])],
    "not_equal_to": lambda s: [("!=", s["value"])],
    "isin": lambda s: [("values", list(s["allowed_values"]))],
    "notin": lambda s: [("not in", list(s["forbidden_values"]))],
    # pandera matches at the start, or anywhere; a contract's pattern must match the full text.
    "str_matches": lambda s: [("pattern", f"(?:{_pattern_text(s['pattern'])})(?s:.*)")],
    "str_contains": lambda s: [("pattern", f"(?s:.*)(?:{_pattern_text(s['pattern'])})(?s:.*)")],
    "str_startswith": lambda s: [("pattern", f"{re.escape(s['string'])}(?s:.*)")],
    "str_endswith": lambda s: [("pattern", f"(?s:.*){re.escape(s['string'])}")],
    "str_length": _length_keys,
}


def _pattern_text(pattern: Any) -> str:
    return str(getattr(pattern, "pattern", pattern))


def _check_name(check: Any) -> str:
    return str(check.name or check.error or "a function")


def _number_duplicates(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Append a number to repeated rule names, in place."""
    counts: dict[str, int] = {}
    for rule in rules:
        counts[rule["name"]] = count = counts.get(rule["name"], 0) + 1
        rule["name"] += f" ({count})" if count > 1 else ""
    return rules
