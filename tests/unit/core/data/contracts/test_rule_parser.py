"""Rules are parsed from text, never evaluated, and an error is shown at its position."""

from __future__ import annotations

import ast
import contextlib
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.core.data.contracts.expression import (
    ColumnRef,
    Comparison,
    Constant,
    IsIn,
    IsMissing,
    Not,
    columns_of,
    format_category,
    parse_iso_timestamp,
)
from airflow_mlops.core.data.contracts.rule_parser import RuleError, parse_rule
from airflow_mlops.core.data.sql.postgres import PostgresDialect
from airflow_mlops.core.data.validation.polars_compiler import PolarsCompiler
from airflow_mlops.core.data.validation.sql_compiler import SqlCompiler

COLUMNS: Any = {
    "start": "date",
    "end": "datetime",
    "a": "int",
    "b": "float",
    "plan": "category",
    "name": "str",
    "ok": "bool",
    "first name": "str",
}


def of(text: str, **row: Any) -> bool | None:
    """Read a rule and apply it to one row."""
    types = {
        "int": pl.Int64,
        "float": pl.Float64,
        "date": pl.Date,
        "datetime": pl.Datetime,
        "bool": pl.Boolean,
        "str": pl.String,
        "category": pl.String,
    }
    schema = {name: types[kind]() for name, kind in COLUMNS.items()}
    frame = pl.DataFrame({name: [row.get(name.replace(" ", "_"))] for name in schema}, schema=schema)
    found: bool | None = frame.select(PolarsCompiler(schema).compile(parse_rule(text, COLUMNS)).alias("x"))["x"][0]
    return found


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("end >= start", {"start": datetime(2024, 1, 1).date(), "end": datetime(2024, 1, 1)}, True),
        ("end >= start", {"start": datetime(2024, 1, 2).date(), "end": datetime(2024, 1, 1, 23)}, False),
        ("end >= start", {"end": datetime(2024, 1, 1)}, None),
        ("0 <= a < b", {"a": 1, "b": 2.0}, True),
        ("0 <= a < b", {"a": -1}, False),
        ("0 <= a < b", {"a": 1}, None),
        ("0 <= a < b", {"a": 1, "b": float("nan")}, None),
        ("a > 0 or ok", {"ok": True}, True),
        ("a > 0 and ok", {"ok": False}, False),
        ("not ok", {}, None),
        ("b is None or b > 5", {"b": float("nan")}, True),
        ("b is not None", {}, False),
        ("plan in ['x', 1]", {"plan": "1"}, True),
        ("plan not in ('x', 'y')", {"plan": "x"}, False),
        ("plan not in ('x', 'y')", {}, None),
        ("plan == 1", {"plan": "1"}, True),
        ("a / b > 1", {"a": 1, "b": 0.0}, None),
        ("a - b == a - b", {"a": 1, "b": float("inf")}, True),
        ("b - b == 0", {"b": float("inf")}, None),
        ("a % 15 == 0", {"a": -30}, True),
        ("a % 15 == 14", {"a": -1}, True),
        ("round(b) == 3", {"b": 2.5}, True),
        ("round(b) == -3", {"b": -2.5}, True),
        ("round(b) == 0", {"b": 0.49999999999999994}, True),
        ("round(b) == b", {"b": 2.0**52 + 1}, True),
        ("round(b, 2) == b", {"b": float("inf")}, True),
        ("round(b, 1) == 0.3", {"b": 0.3}, True),
        ("a / 10 == 0.3", {"a": 3}, True),
        ("b % 0 is None and a % b is None", {"a": 1, "b": float("inf")}, True),
        ("a % -15 == -1", {"a": -1}, True),
        ("a % 7 == 6", {"a": 2**53 - 2}, False),
        ("round(b, 1) == 0.3", {"b": 0.25}, True),
        ("ceil(b) == -2", {"b": -2.5}, True),
        ("floor(b) == -3 and abs(b) == 2.5", {"b": -2.5}, True),
        ("max(a, b) == 3 and min(a, b, 1) == 1", {"a": 2, "b": 3.0}, True),
        ("max(a, b) == 3", {"b": 3.0}, None),
        ("coalesce(a, b, 0) == 0", {}, True),
        ("length(name) == 2", {"name": "日本"}, True),
        ("upper(name) == 'AB' and lower(name) == 'ab'", {"name": "aB"}, True),
        ("matches(name, '[A-Z]+')", {"name": "ABc"}, False),
        ("matches(name, '[A-Z]+')", {"name": "AB\n"}, False),
        ("matches(name, r'\\d+')", {"name": "12"}, True),
        ("col('first name') != name", {"first_name": "x", "name": "y"}, True),
        ("(a if ok else b) == 1", {"ok": True, "a": 1}, True),
        ("(a if ok else b) == 1", {"a": 5, "b": 1.0}, True),
        ("days(end, start) == 1.5", {"start": datetime(2024, 2, 28).date(), "end": datetime(2024, 2, 29, 12)}, True),
        ("year(start) == 2024 and month(start) == 2", {"start": datetime(2024, 2, 29).date()}, True),
        ("day(start) == 29 and weekday(start) == 4", {"start": datetime(2024, 2, 29).date()}, True),
        ("start > '2024-01-31'", {"start": datetime(2024, 2, 1).date()}, True),
        ("end < date('2024-01-31T12:00+02:00')", {"end": datetime(2024, 1, 31, 9, 59)}, True),
        ("start in ['2024-01-31']", {"start": datetime(2024, 1, 31).date()}, True),
        ("-a < -b", {"a": 3, "b": 2.0}, True),
        ("a >\n 2", {"a": 3}, True),
    ],
)
def test_a_rule_means_what_it_says(text: str, row: dict[str, Any], expected: bool | None) -> None:
    assert of(text, **row) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("end >= strat", "no column 'strat'; did you mean 'start'?"),
        ("lenght(name) > 1", "no function lenght; did you mean length?"),
        ("name > 'a'", "has no order;"),
        ("a + 'x' == 1", "this is text; a number is required"),
        ("a == None", "write is None"),
        ("a is 3", "compare values with =="),
        ("end - start > 3", r"days\(later, earlier\)"),
        ("a", "must be true or false, this is a"),
        ("a = 3", "invalid syntax|cannot assign|Maybe you meant"),
        ("a >", "invalid syntax"),
        ("", "invalid syntax"),
        ("a > 1 & a < 3", "write and, or"),
        ("~ok", "write not"),
        ("plan in name", "in requires a list"),
        ("a in [b]", "a value is required"),
        ("a in ['x']", "a value is required"),
        ("a < '3'", "cannot be compared with"),
        ("start > 'yesterday'", "cannot be compared with"),
        ("matches(name, '\\d')", "write r before the quotes"),
        ("matches(name, '\\b')", "write r before the quotes"),
        ("date('31.1.2024') < start", "a date is written as"),
        ("matches(name, '(')", "is not a regular expression"),
        ("matches(name, name)", "a text in quotes is required"),
        ("round(b, a) > 1", "number of places"),
        ("abs(b, a) > 1", r"write abs\(x\)"),
        ("max(name, name) == 'a'", "applies to numbers, dates and times"),
        ("a > 9999999999999999999", "exceeds 64 bits"),
        ("ok > True", "has no order"),
        ("a > 1j", "complex is not supported"),
        ("a.b > 1", "Attribute is not supported"),
        ("name == f'{a}'", "JoinedStr is not supported"),
        ("[x for x in a] == 1", "ListComp is not supported"),
        ("(lambda: 1)() == 1", "no function of this form"),
        ("__import__('os').system('true') == 0", "no function of this form"),
        ("eval('1') == 1", "no function eval"),
        ("a == " + "+".join(["a"] * 600), "at most 1000"),
        ("0 <= (1 if " * 12 + "0 <= b < 1" + " else 0) < 1" * 12, "too large"),
        ("(" * 300 + "a" + ")" * 300 + " > 1", "too many nested|nested too deep"),
        ("a > 1 \0", "null bytes|cannot be parsed"),
    ],
)
def test_an_error_is_shown_at_its_position(text: str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        parse_rule(text, COLUMNS)


def test_the_caret_is_below_the_error() -> None:
    with pytest.raises(RuleError) as caught:
        parse_rule("name == 'é' and end >= strat", COLUMNS)
    _, line, mark = str(caught.value).splitlines()
    assert line[mark.index("^") :] == "strat"


def test_is_none_checks_the_stored_value_of_a_column() -> None:
    assert parse_rule("end is None", COLUMNS) == IsMissing(ColumnRef("end", "datetime"))
    assert parse_rule("end is not None", COLUMNS) == Not(IsMissing(ColumnRef("end", "datetime")))


def test_a_long_sum_is_read_in_no_time() -> None:
    text = " + ".join(["a"] * 200) + " > 1"
    assert columns_of(parse_rule(text, COLUMNS)) == ["a"]


def expanded(rule: str) -> tuple[int, int]:
    """Give how long a rule is for Polars and for PostgreSQL."""
    schema = {"a": pl.Float64(), "b": pl.Float64(), "name": pl.String()}
    node = parse_rule(rule, COLUMNS)
    sql = SqlCompiler(PostgresDialect(), schema, lambda name: f'"{name}"').compile(node)
    return len(str(PolarsCompiler(schema).compile(node))), len(sql)


@pytest.mark.parametrize(
    "form",
    [
        "(@) % b",
        "b % (@)",
        "round(@, 1)",
        "b / (@)",
        "b - (@)",
        "ceil(@)",
        "min(@, b)",
        "max(b, @)",
        "(1 if lower(name) in ['a', 'b', 'c', 'd'] else (@))",
        "length('x' if lower(name) in ['a', 'b'] and (@) > 1 else 'y')",
    ],
)
def test_a_nested_rule_grows_with_its_depth_and_no_faster(form: str) -> None:
    sizes, rule = [], "a"
    for _ in range(10):
        rule = form.replace("@", rule)
        sizes.append(expanded(f"{rule} < 6"))
    for engine in (0, 1):
        step = sizes[1][engine] - sizes[0][engine]
        assert sizes[9][engine] <= sizes[0][engine] + 10 * step


def test_literals_take_the_form_of_what_they_stand_beside() -> None:
    found = parse_rule("'2024-01-31' <= start", COLUMNS)
    assert found == Comparison("<=", Constant(datetime(2024, 1, 31, tzinfo=UTC)), ColumnRef("start", "date"))
    assert parse_rule("plan in [1, 2.0, True]", COLUMNS) == IsIn(ColumnRef("plan", "category"), ("1", "2", "true"))


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_rule_or_a_rule_error(text: str) -> None:
    with contextlib.suppress(RuleError):
        parse_rule(text, COLUMNS)


NAMES = st.sampled_from(["a", "b"])
NUMBERS = st.recursive(
    st.one_of(NAMES, st.integers(-9, 9).map(str)),
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=4,
)
LOGIC = st.recursive(
    st.tuples(NUMBERS, st.sampled_from(["<", "<=", "==", "!=", ">", ">="]), NUMBERS).map(" ".join),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map(lambda t: f"({t[0]}{t[1]}{t[2]})"),
        inner.map(lambda t: f"(not {t})"),
    ),
    max_leaves=4,
)


def by_hand(node: ast.expr, row: dict[str, float | None]) -> Any:
    """Three-valued logic, written out."""
    match node:
        case ast.Name(id=name):
            return row[name]
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value = by_hand(operand, row)
            return None if value is None else -value
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            value = by_hand(operand, row)
            return None if value is None else not value
        case ast.BoolOp(op=op, values=values):
            found, decides = [by_hand(v, row) for v in values], isinstance(op, ast.Or)
            return decides if decides in found else None if None in found else not decides
        case ast.BinOp(left=left, op=op, right=right):
            a, b = by_hand(left, row), by_hand(right, row)
            if a is None or b is None:
                return None
            return a + b if isinstance(op, ast.Add) else a - b if isinstance(op, ast.Sub) else a * b
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            a, b = by_hand(left, row), by_hand(right, row)
            if a is None or b is None:
                return None
            names = {"Lt": a < b, "LtE": a <= b, "Eq": a == b, "NotEq": a != b, "Gt": a > b, "GtE": a >= b}
            return names[type(op).__name__]
    raise AssertionError(ast.dump(node))


@settings(deadline=None)
@given(LOGIC, st.one_of(st.none(), st.integers(-5, 5)), st.one_of(st.none(), st.integers(-5, 5).map(float)))
def test_logic_has_three_values_as_in_sql(text: str, a: int | None, b: float | None) -> None:
    assert of(text, a=a, b=b) is by_hand(ast.parse(text, mode="eval").body, {"a": a, "b": b})


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
        ("2024-02-29T12:30+01:00", datetime(2024, 2, 29, 11, 30, tzinfo=UTC)),
        ("2024-02-29T23:00-01:30", datetime(2024, 3, 1, 0, 30, tzinfo=UTC)),
        ("2024-02-29T00:30+0530", datetime(2024, 2, 28, 19, 0, tzinfo=UTC)),
        ("2024-02-29 12:30:01.5Z", datetime(2024, 2, 29, 12, 30, 1, 500_000, tzinfo=UTC)),
        ("2024-02-30", None),
        ("2024-2-1", None),
        ("01/02/2024", None),
        ("2024-02-29T24:00", None),
        ("٢٠٢٤-02-29", None),
    ],
)
def test_a_timestamp_is_parsed_in_one_way_only(text: str, read: datetime | None) -> None:
    assert parse_iso_timestamp(text) == read
    column = ColumnRef("x", "datetime")
    frame = pl.DataFrame({"x": [text]})
    assert frame.select(PolarsCompiler(frame.schema).compile(column))["x"][0] == read


def test_codes_are_written_alike() -> None:
    assert [format_category(v) for v in (1, 1.0, "1", 1.5, True)] == ["1", "1", "1", "1.5", "true"]
