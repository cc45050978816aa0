"""Validation: does the data keep its contract?

All rules of all columns become expressions of one Polars query, run once a slice; each counts the rows that
break it. Only for a rule that is broken are a few rows read again, to be shown. A second query looks at the
key alone, whose uniqueness no slice can decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from os import PathLike
from typing import Any

import polars as pl

from airflow_mlops.core.data.contracts.model import ColumnRule, Contract
from airflow_mlops.core.data.frames import Slice, Table, collected, open_table
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.report import Check, Report, Severity

MOST_EXAMPLES = 5
ROW = "row"


@dataclass(frozen=True, slots=True)
class RowCheck:
    """A rule that each row keeps or breaks.

    :param name: the rule: ``type``, ``missing``, ``finite``, ``min``, ``max``, ``values`` or ``pattern``.
    :param column: the column it is about.
    :param broken: true for a row that breaks it; null counts as kept.
    :param severity: what a failure means.
    :param expected: what the rule asks for.
    :param says: what is wrong with the broken rows, for a sentence.
    :param allowed: the share of rows that may break it.
    """

    name: str
    column: str
    broken: pl.Expr
    severity: Severity
    expected: Any
    says: str
    allowed: float = 0.0


def validate(
    data: Any,
    contract: Contract | Mapping[str, Any] | str | PathLike[str],
    *,
    subject: str = "",
    environment: str | None = None,
) -> Report:
    """Judge data by its contract. Bad data gives a report that fails, never an exception.

    :param data: a Parquet path, a list of them, a ``Snapshot``, a Polars or a pandas frame.
    :param contract: the contract, its file or its content.
    :param subject: what to call the data; by default the contract's name.
    :param environment: where the data is used, such as ``serving``.
    :return: a report of the kind ``validation``: one check for each rule of each column, kept or broken. A
        broken one has ``observed = {count, share, examples}``, at most five examples with key (or row number)
        and value.
    :raises BadInput: when a file cannot be read, or the contract is not valid.
    """
    contract = Contract.load(contract).for_environment(environment)
    _check_patterns(contract)
    table = open_table(data)
    checks = [_row_count(contract, table.rows), *_columns_there(contract, table)]
    rules: list[RowCheck] = []
    for name, rule in contract.columns.items():
        if name in table.schema:
            wrong = _wrong_type(name, rule, table.schema[name])
            checks += [wrong, *_not_judged(contract, name)] if wrong else []
            rules += [] if wrong else list(row_checks(contract, name, table.schema[name]))
    checks += _scan(table, rules, contract.key)
    checks += _key_unique(contract, table)
    facts = {
        "rows": table.rows,
        "columns": len(table.schema),
        "contract": contract.name,
        "environment": environment,
    }
    return Report.of("validation", subject or contract.name, checks, facts=facts)


def _check_patterns(contract: Contract) -> None:
    """Try patterns on nothing: Polars' regular expressions are fewer than Python's (no look-around)."""
    for name, rule in contract.columns.items():
        if rule.pattern is not None:
            try:
                pl.Series([""]).str.contains(_whole(rule.pattern))
            except pl.exceptions.PolarsError as error:
                raise BadInput(
                    f"the pattern {rule.pattern!r} cannot be used: {str(error).splitlines()[-1]}",
                    where=f"contract {contract.name}, columns.{name}.pattern",
                    mend="write it without look-around and back-references (Rust's regex syntax)",
                ) from None


def _whole(pattern: str) -> str:
    return rf"^(?:{pattern})\z"


def _row_count(contract: Contract, rows: int) -> Check:
    least, most = contract.rows.min, contract.rows.max
    fine = rows >= least and (most is None or rows <= most)
    if fine:
        message = f"{rows} rows"
    elif rows == 0:
        message = "the data is empty"
    else:
        message = f"{rows} rows, {f'fewer than {least}' if rows < least else f'more than {most}'}"
    expected = {"min": least, "max": most}
    return Check("rows", "pass" if fine else "fail", "error", {"rows": rows}, expected, None, message)


def _columns_there(contract: Contract, table: Table) -> Iterator[Check]:
    """Judge which columns there are."""
    for name, rule in contract.columns.items():
        if name in table.schema:
            if rule.required:
                yield Check("required", "pass", rule.severity, True, True, name)
        elif rule.required:
            near = f"; the data has {list(table.schema)[:20]}"
            yield Check("required", "fail", rule.severity, False, True, name, f"the column is missing{near}")
    unknown = [name for name in table.schema if name not in contract.columns]
    if contract.unknown_columns == "ignore":
        return
    severity: Severity = contract.unknown_columns
    for name in unknown:
        message = "the contract does not know this column: add it, or drop it from the data"
        yield Check("unknown column", "fail", severity, str(table.schema[name]), None, name, message)
    if not unknown:
        yield Check("unknown column", "pass", severity, 0, 0, None, "no unknown columns")


def _fits(dtype: pl.DataType, wanted: str) -> bool:
    """Say whether a column's type can hold the wanted values; some are then looked at value by value."""
    text = dtype in (pl.String, pl.Categorical, pl.Enum)
    fits = {
        "int": dtype.is_integer() or dtype.is_float(),
        "float": dtype.is_numeric(),
        "str": text,
        "category": text or dtype.is_integer() or dtype.is_float() or dtype == pl.Boolean,
        "bool": dtype == pl.Boolean,
        "date": dtype in (pl.Date, pl.Datetime, pl.String),
        "datetime": dtype in (pl.Datetime, pl.String),
    }
    return dtype == pl.Null or fits[wanted]


def _wrong_type(name: str, rule: ColumnRule, dtype: pl.DataType) -> Check | None:
    if _fits(dtype, rule.type):
        return None
    message = f"the column is {dtype}, the contract says {rule.type}"
    return Check("type", "fail", rule.severity, str(dtype), rule.type, name, message)


def _not_judged(contract: Contract, name: str) -> Iterator[Check]:
    """Name the rules that cannot be judged because the type is wrong."""
    for rule in row_checks(contract, name, None):
        if rule.name != "type":
            message = "not judged: the column has another type"
            yield Check(rule.name, "not_judged", rule.severity, None, rule.expected, name, message)


def row_checks(contract: Contract, name: str, dtype: pl.DataType | None) -> Iterator[RowCheck]:
    """Compile the rules of one column.

    :param name: the column.
    :param dtype: the type it has; None when only the rules' names matter.
    """
    rule, column = contract.columns[name], pl.col(name)
    floating = dtype is not None and dtype.is_float()
    present = column.is_not_null() & column.is_not_nan() if floating else column.is_not_null()
    finite = column.is_finite() if floating else present
    value = _value(column, dtype, rule)

    def check(label: str, broken: pl.Expr, expected: Any, says: str, allowed: float = 0.0) -> RowCheck:
        return RowCheck(label, name, broken, rule.severity, expected, says, allowed)

    yield check("type", _broken_type(column, value, dtype, rule, finite), rule.type, f"are not {rule.type}")
    if not contract.nullable(name):
        yield check("missing", ~present, 0, "are missing")
    elif rule.max_missing is not None:
        yield check("missing", ~present, rule.max_missing, "are missing", rule.max_missing)
    if rule.type in ("int", "float"):
        yield check("finite", column.is_infinite() if floating else pl.lit(False), "finite numbers", "are infinite")
    if rule.min is not None:
        yield check("min", finite & (value < _bound(rule.min, rule)), rule.min, f"are below {rule.min}")
    if rule.max is not None:
        yield check("max", finite & (value > _bound(rule.max, rule)), rule.max, f"are above {rule.max}")
    if rule.values is not None:
        yield check("values", present & ~_in_set(value, rule), list(rule.values), "are not in the set")
    if rule.pattern is not None:
        kept = value.str.contains(_whole(rule.pattern))
        yield check("pattern", present & ~kept, rule.pattern, f"do not match {rule.pattern}")


def _value(column: pl.Expr, dtype: pl.DataType | None, rule: ColumnRule) -> pl.Expr:
    """Bring a column to the form in which the contract's bounds and sets are written."""
    if dtype is None:
        return column
    if rule.type in ("str", "category"):
        if dtype.is_float():  # codes with missing values arrive as floats: 1.0 is the code 1
            whole = (column == column.round()) & (column.abs() < 2.0**53)
            code = column.cast(pl.Int64, strict=False).cast(pl.String)
            return pl.when(whole).then(code).otherwise(column.cast(pl.String))
        return column.cast(pl.String)
    if rule.type in ("date", "datetime"):
        if dtype == pl.String:
            return column.str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
        if dtype == pl.Datetime and dtype.time_zone:  # type: ignore[attr-defined]
            return column.dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC"))
        return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if rule.type == "int" and dtype == pl.Null:
        return column.cast(pl.Int64)
    return column.cast(pl.Float64) if dtype == pl.Null and rule.type == "float" else column


def _broken_type(
    column: pl.Expr, value: pl.Expr, dtype: pl.DataType | None, rule: ColumnRule, finite: pl.Expr
) -> pl.Expr:
    """Say which values are not of the type, although the column could hold them."""
    if dtype is None:
        return pl.lit(False)
    if rule.type == "int" and dtype.is_float():
        return finite & (column != column.round())
    if rule.type in ("date", "datetime") and dtype == pl.String:
        unread = column.is_not_null() & value.is_null()
        return unread if rule.type == "datetime" else unread | (value.dt.truncate("1d") != value)
    if rule.type == "date" and dtype == pl.Datetime:
        return column.dt.truncate("1d") != column
    return pl.lit(False)


def _in_set(value: pl.Expr, rule: ColumnRule) -> pl.Expr:
    """Compare in one type: text as text, numbers as floats unless all are whole."""
    allowed: list[Any] = list(rule.values or ())
    if rule.type in ("str", "category"):
        return value.is_in([str(v) for v in allowed])
    if rule.type == "bool":
        return value.is_in(allowed)
    return value.cast(pl.Float64).is_in([float(v) for v in allowed])


def _bound(bound: Any, rule: ColumnRule) -> Any:
    if rule.type not in ("date", "datetime"):
        return pl.lit(bound)
    moment = bound if isinstance(bound, datetime) else datetime(bound.year, bound.month, bound.day)
    literal = pl.lit(moment)
    return literal.dt.replace_time_zone("UTC") if moment.tzinfo is None else literal.dt.convert_time_zone("UTC")


def _scan(table: Table, rules: list[RowCheck], key: tuple[str, ...]) -> Iterator[Check]:
    """Run all rules over all slices, and give a check for each."""
    counts, examples = [0] * len(rules), [[] for _ in rules]  # type: list[int], list[list[dict[str, Any]]]
    shown = [name for name in key if name in table.schema]
    for piece in table.slices() if rules else ():
        counted = piece.collect(piece.frame.select(r.broken.sum().alias(str(i)) for i, r in enumerate(rules)))
        for i, found in enumerate(counted.row(0)):
            counts[i] += int(found or 0)
            room = MOST_EXAMPLES - len(examples[i])
            if found and room and counts[i] > rules[i].allowed * table.rows:
                examples[i] += _examples(piece, rules[i], shown, room)
    for rule, count, shown_rows in zip(rules, counts, examples, strict=True):
        yield _judged(rule, count, table.rows, shown_rows)


def _examples(piece: Slice, rule: RowCheck, key: list[str], room: int) -> list[dict[str, Any]]:
    """Read a few rows that break a rule: their key, or the row's number, and the value."""
    numbered = piece.frame.filter(rule.broken)
    wanted = list(dict.fromkeys([*key, rule.column]))
    if not key:
        row = ROW if rule.column != ROW else "row number"
        numbered = piece.frame.with_row_index(row, offset=piece.first_row).filter(rule.broken)
        wanted = [row, rule.column]
    return piece.collect(numbered.select(wanted).head(room)).to_dicts()


def _judged(rule: RowCheck, count: int, rows: int, examples: list[dict[str, Any]]) -> Check:
    share = count / rows if rows else 0.0
    observed: dict[str, Any] = {"count": count, "share": share}
    expected = str(rule.expected) if isinstance(rule.expected, date) else rule.expected
    if share <= rule.allowed:
        return Check(rule.name, "pass", rule.severity, observed, expected, rule.column)
    observed["examples"] = [{k: _plain(v) for k, v in row.items()} for row in examples]
    limit = f", at most {rule.allowed:.2%} may be" if rule.allowed else ""
    seen = ", ".join(dict.fromkeys(repr(row[rule.column])[:40] for row in observed["examples"]))
    such = f", such as {seen}" if seen and rule.name != "missing" else ""
    message = f"{count} of {rows} values ({share:.2%}) {rule.says}{limit}{such}"
    return Check(rule.name, "fail", rule.severity, observed, expected, rule.column, message)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _key_unique(contract: Contract, table: Table) -> Iterator[Check]:
    """Judge that no key occurs twice. Rows whose key is missing are judged by the rule ``missing``."""
    key, where = list(contract.key), ", ".join(contract.key)
    if not key:
        return
    severity: Severity = contract.columns[key[0]].severity
    if absent := [name for name in key if name not in table.schema]:
        yield Check("key", "not_judged", severity, None, "unique", where, f"not judged: {absent} is missing")
        return
    keys = table.lazy().select(key).drop_nulls()
    found = collected(keys.select(rows=pl.len(), different=pl.struct(key).n_unique()), table.where).row(0)
    extra = found[0] - found[1] if found[0] else 0
    if not extra:
        yield Check("key", "pass", severity, {"count": 0, "share": 0.0}, "unique", where)
        return
    count = "rows" if "rows" not in key else "rows with this key"
    often = keys.group_by(key).agg(pl.len().alias(count)).filter(pl.col(count) > 1)
    twice = collected(
        often.sort([count, *key], descending=[True, *[False] * len(key)]).head(MOST_EXAMPLES), table.where
    )
    examples = [{k: _plain(v) for k, v in row.items()} for row in twice.to_dicts()]
    share = extra / table.rows
    message = f"{extra} of {table.rows} rows ({share:.2%}) have a key that another row has, such as {examples[0]}"
    yield Check(
        "key",
        "fail",
        severity,
        {"count": extra, "share": share, "examples": examples},
        "unique",
        where,
        message,
    )
