"""Rules run by a database give the report that a file of the same rows gets."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Report
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.database import DatabaseTable, TableReader
from airflow_mlops.core.data.profiles import Profile, profile
from airflow_mlops.core.data.validation import validate
from airflow_mlops.core.data.validation.sql_engine import check_table, prepare_rules

Stored = Callable[[pl.DataFrame], DatabaseTable]
AS_OF = datetime(2024, 3, 1, tzinfo=UTC)
some = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def validated(table: DatabaseTable, contract: Any, reference: Profile | None = None) -> Report:
    contract = Contract.load(contract)
    checks = check_table(table, contract, prepare_rules(table, contract, reference), AS_OF)
    return Report.from_checks("validation", contract.name, checks)


def assert_same(table: DatabaseTable, data: pl.DataFrame, contract: Any, reference: Profile | None = None) -> Report:
    if table.engine.dialect.name == "sqlite":  # which has no NaN
        data = data.fill_nan(None)
    found = validated(table, contract, reference)
    expected = validate(data, contract, reference=reference, as_of=AS_OF)
    for one, other in zip(found.checks, expected.checks, strict=True):
        assert one.to_dict() == other.to_dict()
    return found


CONTRACT: dict[str, Any] = {
    "name": "orders",
    "key": ["shop", "id"],
    "rows": {"min": 1, "max": 400},
    "freshness": {"column": "at", "max_age": "36h", "severity": "warn"},
    "columns": {
        "shop": {"type": "category", "values": ["a", "b", "ä"]},
        "id": {"type": "int", "min": 0},
        "price": {"type": "float", "min": 0.5, "max": 100, "max_missing": 0.01, "severity": {"missing": "warn"}},
        "code": {"type": "str", "pattern": "[A-Z]{2}[0-9]*", "min_length": 2, "max_length": 4, "unique": True},
        "status": {"type": "category", "values": [1, 2]},
        "paid": {"type": "bool", "nullable": False},
        "day": {"type": "date", "min": date(2023, 12, 31), "max": date(2024, 2, 20)},
        "at": {"type": "datetime", "max": datetime(2024, 2, 20, 12)},
        "whole": {"type": "int"},
        "told": {"type": "date"},
        "size": {"type": "float", "outliers": {"method": "iqr", "factor": 0.5, "max_fraction": 0.001}},
        "absent": {"type": "int"},
    },
    "checks": [
        {"name": "not before the day", "rule": "at >= day"},
        {"name": "cheap when unpaid", "rule": "paid or price < 50", "max_fraction": 0.1, "severity": "warn"},
        {"name": "sums", "rule": "abs(price - size * 2) / id < 3"},
        {"name": "parts", "rule": "year(at) == 2024 and month(at) in [1, 2] and weekday(at) != 7 and day(day) > 0"},
        {"name": "texts", "rule": "length(code) > 1 and lower(shop) == shop and upper(code) == code"},
        {"name": "several", "rule": "min(price, size) <= max(price, size) and coalesce(price, 0) < 90"},
        {"name": "span", "rule": "-3 < days(at, day) < 30.5"},
        {"name": "round", "rule": "round(size, 1) != 9.1 and id % 7 < 6"},
        {"name": "choice", "rule": "price > 1 if paid else status is not None"},
        {"name": "like", "rule": "matches(code, '[A-M].*') or code is None"},
    ],
}


def orders(rows: int = 300, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)

    def pick(*values: Any) -> list[Any]:
        return [values[i] for i in rng.integers(0, len(values), rows)]

    start = datetime(2024, 1, 1)
    return pl.DataFrame(
        {
            "shop": pick("a", "b", "ä", "c"),
            "id": rng.integers(-5, 150, rows),
            "price": np.where(rng.random(rows) < 0.1, math.nan, rng.normal(50, 30, rows)),
            "code": pick("AB", "CD12", "NZ", "x", "ab", "ABCDE", "ÄB", None, "AB\n"),
            "status": pick(1.0, 2.0, 3.0, None),
            "paid": pick(True, False, None),
            "day": [start.date() + timedelta(days=int(i)) for i in rng.integers(-3, 60, rows)],
            "at": [start + timedelta(seconds=float(i)) for i in rng.random(rows) * 5e6],
            "whole": pick(1.0, 2.0, 2.5, math.inf, None),
            "told": pick("2024-01-31", "2024-02-30", "2024-01-01T12:00:00Z", "2024-01-01T01:00:00+01:00", "soon", None),
            "size": rng.normal(10, 2, rows),
            "more": pick(1, 2),
        }
    ).sort("shop", "id", "price", "code")


def in_a_key_order(data: pl.DataFrame) -> pl.DataFrame:
    """One row a key: examples are then the same, in whatever order the database holds the rows."""
    return data.unique(["shop", "id"], keep="first", maintain_order=True)


def test_all_rules_give_the_report_of_a_file(stored: Stored) -> None:
    data = in_a_key_order(orders())
    reference = profile(orders(seed=1), columns=["size"])
    report = assert_same(stored(data), data, {**CONTRACT, "unknown_columns": "ignore"}, reference)
    failed = {check.name for check in report.failed}
    assert failed > {
        "type",
        "min",
        "max",
        "values",
        "pattern",
        "missing",
        "finite",
        "unique",
        "min_length",
        "freshness",
    }
    assert failed > {"not before the day", "sums", "parts", "texts", "several", "span", "round", "choice", "outliers"}


def test_good_rows_pass_all_rules(stored: Stored) -> None:
    data = pl.DataFrame({"id": [1, 2, 3], "plan": ["a", "b", "a"], "day": [date(2024, 1, i) for i in (1, 2, 3)]})
    columns = {"id": {"type": "int"}, "plan": {"type": "category", "values": ["a", "b"]}, "day": {"type": "date"}}
    contract = {"name": "good", "key": "id", "columns": columns}
    assert assert_same(stored(data), data, contract).verdict == "pass"


def test_a_repeated_key_is_counted_and_shown(stored: Stored) -> None:
    data = orders()
    columns = {"shop": {"type": "str"}, "id": {"type": "int"}, "price": {"type": "float", "unique": True}}
    contract = {"name": "keys", "key": ["shop", "id"], "unknown_columns": "ignore", "columns": columns}
    data = data.with_columns(price=pl.col("price").round(0), id=pl.when(pl.col("id") > 0).then(pl.col("id")))
    found, expected = validated(stored(data), contract), validate(data, contract)
    for name in ("key", "unique"):
        (one,), (other,) = ([c for c in report.checks if c.name == name] for report in (found, expected))
        assert one == other
        assert one.status == "fail"


def test_rows_without_a_key_are_numbered(stored: Stored) -> None:
    for name, number in (("x", "row"), ("row", "row number")):
        data = pl.DataFrame({name: [1.0, 7.0, None, 9.0]})
        report = assert_same(stored(data), data, {"name": "n", "columns": {name: {"type": "float", "max": 5}}})
        assert report.failed[0].observed["examples"] == [{number: 1, name: 7.0}, {number: 3, name: 9.0}]


def test_columns_of_a_type_that_cannot_hold_the_values_are_told(stored: Stored) -> None:
    data = pl.DataFrame({"x": ["a"], "y": [1.5], "extra": [1]})
    columns = {"x": {"type": "float", "min": 0}, "y": {"type": "bool"}, "z": {"type": "int", "required": True}}
    assert_same(stored(data), data, {"name": "t", "columns": columns})


def test_a_table_without_rows_fails_and_breaks_no_other_rule(stored: Stored) -> None:
    data = orders().head(0)
    assert_same(stored(data), data, {**CONTRACT, "unknown_columns": "ignore"})


VALUES = st.lists(
    st.tuples(
        st.none()
        | st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1.0, 2.5])
        | st.floats(-1e3, 1e3).map(lambda x: x + 0.0),  # -0.0 does not survive the way into a database
        st.none() | st.integers(-3, 3),
        st.none() | st.sampled_from(["", "a", "A", "b\n", "ß", "2024-01-05", "2024-02-30"]),
        st.none() | st.booleans(),
    ),
    max_size=12,
)
RULES = st.sampled_from(
    [
        "x > y",
        "not (x > y and b)",
        "x / y >= 1",
        "(x - x) == 0 or b",
        "x % 2 == y or t == 'a'",
        "t in ['a', 'b'] or x in [1, 2.5]",
        "t not in ['a'] and b",
        "x is None or y is not None",
        "(x + y) is None",
        "min(x, y) < max(y, 1) if b else floor(x) == y",
        "coalesce(x, y, 7) != 7",
        "matches(t, '[a-b].?') or lower(t) == 'a'",
        "length(t) == y",
        "round(x) == x",
        "round(x, 1) * 10 % 7 < 6",
        "x % y > 0 or y % x < 0",
        "round(x % 1, 2) == round(x - floor(x), 2)",
        "(x % y) is None",
        "x / 10 != round(x / 10, 1)",
        "b == (y > 0)",
        "b != True",
    ]
)


@some
@given(rows=VALUES, rule=RULES)
def test_what_is_missing_or_infinite_is_decided_as_in_files(stored: Stored, rows: Any, rule: str) -> None:
    schema = {"x": pl.Float64, "y": pl.Int64, "t": pl.String, "b": pl.Boolean}
    data = pl.DataFrame(rows, schema=schema, orient="row")
    columns: dict[str, Any] = {
        "x": {"type": "float", "min": -1, "max": 2, "values": [0, 1, 2.5]},
        "y": {"type": "category", "values": [0, 1, -3]},
        "t": {"type": "str", "pattern": "[aA]|ß", "max_length": 1},
        "b": {"type": "bool", "values": [True]},
    }
    columns["y"] = {"type": "int", "values": [0, 1, -3], "nullable": False}
    contract = {"name": "h", "columns": columns, "rows": {"min": 0}, "checks": [{"name": "rule", "rule": rule}]}
    assert_same(stored(data), data, contract)


EDGES = [None, 0.0, 1.0, -0.5, 2.5, 0.49999999999999994, 0.3, -7.0, 1e-300, 1e300, 2.0**52 + 1, math.inf, -math.inf]


@pytest.mark.parametrize(
    "rule", ["(x % y) is None", "x % y < 0.5", "round(x) % 2 == 0", "round(x, 1) == x", "7 % x > y"]
)
def test_remainders_and_rounding_agree_where_floats_end(stored: Stored, rule: str) -> None:
    pairs = [(x, y) for x in EDGES for y in EDGES]
    data = pl.DataFrame(pairs, schema={"x": pl.Float64, "y": pl.Float64}, orient="row").with_row_index("id")
    data = data.with_columns(id=pl.col("id").cast(pl.Int64))
    columns = {name: {"type": "float"} for name in ("x", "y")} | {"id": {"type": "int"}}
    checks = [{"name": "rule", "rule": rule}, {"name": "other", "rule": f"not ({rule})"}]
    assert_same(stored(data), data, {"name": "e", "key": "id", "columns": columns, "checks": checks})


def test_a_rule_nested_ten_deep_is_run(stored: Stored) -> None:
    rule = "x"
    for depth in range(10):
        rule = f"round({rule} + 1, 1)" if depth % 2 else f"({rule}) % 7"
    data = pl.DataFrame({"x": [1.0, 6.55, -3.0, None]})
    checks = [{"name": "deep", "rule": f"{rule} < 2"}]
    assert_same(stored(data), data, {"name": "d", "columns": {"x": {"type": "float"}}, "checks": checks})


def test_columns_named_as_our_own_are_not_mixed_up(stored: Stored) -> None:
    names = ["row", "mlops_number", "a", "b", "q", "r", "u", "given", "v0", "n", "rows"]
    data = pl.DataFrame({name: [1, 5, 5, 3] for name in names}).with_columns(row=pl.Series([True, False, True, True]))
    columns = {name: {"type": "int", "max": 4, "unique": True} for name in names[1:]} | {"row": {"type": "bool"}}
    checks = [{"name": "own", "rule": "round(a, 1) % b == 0 and q % u == r % 7"}]
    report = assert_same(stored(data), data, {"name": "o", "columns": columns, "checks": checks})
    (check,) = [c for c in report.failed if c.name == "max" and c.where == "a"]
    assert [type(example["row"]) for example in check.observed["examples"]] == [int, int]


def test_more_rules_than_a_query_takes_are_judged(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_mlops.core.data.validation.sql_engine.MAX_RULES_PER_QUERY", 3)
    data = in_a_key_order(orders())
    assert_same(stored(data), data, {**CONTRACT, "unknown_columns": "ignore"})


def test_only_examples_come_over(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    table, asked, fetched = stored(in_a_key_order(orders())), TableReader.query, []

    def counting(self: TableReader, *args: Any) -> Any:
        found = asked(self, *args)
        fetched.append(len(found))
        return found

    monkeypatch.setattr(TableReader, "query", counting)
    report = validated(table, CONTRACT)
    assert max(fetched) <= 5
    patterns = 2
    assert len(fetched) <= 1 + len(report.failed) + 2 + patterns


def test_a_pattern_that_this_database_cannot_run_is_told(stored: Stored, engine: sa.Engine) -> None:
    table = stored(pl.DataFrame({"x": ["a"]}))
    contract = {"name": "p", "columns": {"x": {"type": "str", "pattern": "a{300}"}}}
    if engine.dialect.name == "postgresql":
        with pytest.raises(BadInput, match="not supported by this database") as error:
            validated(table, contract)
        assert error.value.where == "contract p, x"


@pytest.mark.parametrize("pattern", ["(?i)AB", "a.b|ab", "[^b]b", "^ab$", "ab|x", "a{1,2}b", r"\w+"])
def test_a_pattern_matches_as_in_files(stored: Stored, pattern: str) -> None:
    data = pl.DataFrame({"x": ["ab", "AB", "a\nb", "aab", "ab\n", "xab", "", None, "a b"]})
    assert_same(stored(data), data, {"name": "p", "columns": {"x": {"type": "str", "pattern": pattern}}})


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_values_of_another_type_than_sqlite_was_told_break_the_type(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE mixed (a INTEGER, d DATE)")
        connection.exec_driver_sql("INSERT INTO mixed VALUES (1, '2024-01-05'), ('many', 'soon'), (NULL, NULL)")
    columns = {"a": {"type": "int"}, "d": {"type": "date"}}
    report = validated(DatabaseTable(engine, "mixed"), {"name": "m", "columns": columns})
    assert [(c.name, c.where, c.observed["count"]) for c in report.failed] == [("type", "a", 1), ("type", "d", 1)]


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_postgres_decimals_and_moments_with_a_zone_are_judged_as_in_files(stored: Stored) -> None:
    from decimal import Decimal

    data = pl.DataFrame(
        {
            "id": [1, 2, 3],
            "d": [Decimal("1.50"), Decimal("2.00"), None],
            "z": pl.Series([datetime(2024, 1, 1, 23, tzinfo=UTC), None, AS_OF], dtype=pl.Datetime("us", "UTC")),
        }
    )
    columns = {"id": {"type": "int"}, "d": {"type": "int", "max": 1.75}, "z": {"type": "datetime", "max": "2024-02-01"}}
    columns["z"]["max"] = datetime(2024, 2, 1)  # type: ignore[assignment]
    rule = {"name": "late", "rule": "day(z) == 1 and days(z, date('2024-01-01')) < 1"}
    assert_same(stored(data), data, {"name": "z", "key": "id", "columns": columns, "checks": [rule]})
