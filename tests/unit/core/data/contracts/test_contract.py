"""A contract is read strictly, and its errors name file, key and hint."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.contracts import Contract

TEXT = """
name: churn_features
key: [customer_id]
cluster: customer_id
rows: {min: 100, max: null}
unknown_columns: warn
columns:
  customer_id: {type: int, required: true, nullable: false}
  plan: {type: category, values: [basic, plus, premium]}
  weekly_price: {type: float, min: 0, max: 500, max_missing: 0.05, severity: warn}
  since: {type: date, min: 2020-01-01, role: ignore}
  churned: {type: int, values: [0, 1], role: label}
environments:
  serving: {without: [churned]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "contract.yaml"
    path.write_text(TEXT)
    return path


def broken(file: Path, old: str, new: str) -> str:
    assert old in TEXT
    file.write_text(TEXT.replace(old, new))
    with pytest.raises(BadInput) as caught:
        Contract.load(file)
    assert str(file) in str(caught.value)
    assert caught.value.hint
    return str(caught.value)


def test_a_contract_reads_the_same_from_file_dict_and_itself(file: Path) -> None:
    contract = Contract.load(file)
    assert contract.columns["since"].min == date(2020, 1, 1)
    assert Contract.load(str(file)) == Contract.load(contract.to_dict()) == Contract.load(contract) == contract


def test_roles_give_features_label_and_kinds(file: Path) -> None:
    contract = Contract.load(file)
    assert contract.features == ["plan", "weekly_price"]
    assert contract.label == "churned"
    assert contract.role("customer_id") == "key"
    assert contract.kinds == {"plan": "category", "weekly_price": "number", "churned": "category"}


def test_key_columns_are_not_nullable_unless_they_say_so() -> None:
    columns: dict[str, Any] = {
        "a": {"type": "int"},
        "b": {"type": "int", "nullable": True},
        "c": {"type": "int"},
    }
    contract = Contract.load({"name": "x", "key": ["a", "b"], "columns": columns})
    assert [contract.nullable(c) for c in "abc"] == [False, True, True]


def test_when_serving_the_label_is_neither_required_nor_a_feature(file: Path) -> None:
    serving = Contract.load(file).for_environment("serving")
    assert serving.label is None
    assert not serving.columns["churned"].required
    assert Contract.load(file).label == "churned"
    with pytest.raises(BadInput, match=r"'servng'.*\n.*\n.*serving"):
        Contract.load(file).for_environment("servng")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "severity: warn",
            "severty: warn",
            "columns.weekly_price.severty: is not a known key; did you mean 'severity'",
        ),
        ("type: float", "type: flaot", "columns.weekly_price.type: Input should be"),
        ("max_missing: 0.05", "max_missing: 5", "columns.weekly_price.max_missing"),
        ("min: 0, max: 500", "min: 501, max: 500", "columns.weekly_price: min 501 is greater than max 500"),
        ("min: 0, max: 500", "min: 2020-01-01", "does not fit the type float"),
        ("values: [0, 1]", "values: [zero, 1]", "'zero' does not fit the type int"),
        ("values: [basic, plus, premium]", "values: [yes, maybe]", "put quotes around it"),
        ("values: [basic, plus, premium]", "pattern: '(a'", "is not a regular expression"),
        ("type: int, values", "type: int, pattern: x, values", "pattern applies to text"),
        ("key: [customer_id]", "key: [custmer_id]", "key names ['custmer_id']"),
        ("without: [churned]", "without: [label]", "environments.serving.without names ['label']"),
        ("min: 100, max: null", "min: 100, max: 5", "max 5 is less than min 100"),
        (
            "unknown_columns: warn",
            "unknown_columns: shout",
            "unknown_columns: Input should be 'error', 'warn' or",
        ),
        ("name: churn_features", "", "name: Field required"),
        ("  churned:", "  plan: {type: int}\n  churned:", "duplicate key 'plan'"),
        ("rows: {", "rows: [{", "is not valid YAML"),
    ],
)
def test_an_error_names_file_key_and_hint(file: Path, old: str, new: str, message: str) -> None:
    assert message in broken(file, old, new)


def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"gone\.yaml"):
        Contract.load(tmp_path / "gone.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9")
    with pytest.raises(BadInput, match="not UTF-8"):
        Contract.load(tmp_path / "latin.yaml")
    (tmp_path / "list.yaml").write_text("- a")
    with pytest.raises(BadInput, match="has to be a mapping, not list"):
        Contract.load(tmp_path / "list.yaml")


def contract(**more: Any) -> Contract:
    columns = {
        "id": {"type": "int"},
        "start": {"type": "date"},
        "end": {"type": "date", "required": False},
        "price": {"type": "float"},
        "plan": {"type": "str"},
    }
    return Contract.load({"name": "x", "columns": columns, **more})


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"checks": [{"name": "order", "rule": "end >= strat"}]},
            r"checks\.0 \(order\): .*no column 'strat'; did you mean 'start'",
        ),
        ({"checks": [{"name": "a", "rule": "id > 1"}] * 2}, "the duplicate name 'a'"),
        ({"checks": [{"name": "a", "rule": "1 < 2"}]}, "does not refer to any column"),
        ({"checks": [{"name": "a", "rule": "id > 1", "max_fraction": 2}]}, r"checks\.0\.max_fraction"),
        ({"freshness": {"column": "price", "max_age": "7d"}}, "neither a date nor a datetime"),
        ({"freshness": {"column": "nope", "max_age": "7d"}}, r"freshness\.column names \['nope'\]"),
        ({"freshness": {"column": "start", "max_age": "a week"}}, r"freshness\.max_age: 'a week' is not a duration"),
        ({"quarantine": {"max_fraction": 2}}, r"quarantine\.max_fraction"),
        ({"quarantine": {"max_share": 0.1}}, "quarantine: 'max_share' was renamed to 'max_fraction'"),
    ],
)
def test_an_inconsistent_contract_rule_is_an_error(more: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        contract(**more)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"type": "str", "min_length": 3, "max_length": 2}, "min_length 3 is greater than max_length 2"),
        ({"type": "int", "max_length": 2}, "max_length applies to text"),
        ({"type": "str", "outliers": {}}, "outliers applies to numbers"),
        ({"type": "int", "outliers": {"method": "z", "low": 0.1}}, "low does not apply to the method z"),
        (
            {"type": "int", "outliers": {"method": "quantile", "factor": 2}},
            "factor does not apply to the method quantile",
        ),
        (
            {"type": "int", "outliers": {"method": "quantile", "low": 0.9, "high": 0.1}},
            "low 0.9 must be less than high 0.1",
        ),
        ({"type": "int", "severity": {"mising": "warn"}}, "'mising' is not a column rule; did you mean 'missing'"),
        ({"type": "int", "severity": {"missing": "shout"}}, "severity"),
        ({"type": "float", "min": float("nan")}, "not a finite number"),
    ],
)
def test_an_inconsistent_column_rule_is_an_error(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Contract.load({"name": "x", "columns": {"c": rule}})


def test_severity_is_one_for_all_rules_or_one_for_each() -> None:
    column = Contract.load(
        {"name": "x", "columns": {"c": {"type": "int", "severity": {"missing": "warn"}}}},
    ).columns["c"]
    assert [column.severity_of(rule) for rule in ("missing", "min")] == ["warn", "error"]
    contract_ = Contract.load({"name": "x", "columns": {"c": {"type": "int", "severity": "info"}}}).columns["c"]
    assert contract_.severity_of("min") == "info"


def test_where_a_column_is_absent_its_checks_and_its_freshness_are_too() -> None:
    contract_ = contract(
        checks=[{"name": "order", "rule": "end >= start"}, {"name": "dear", "rule": "price < 9"}],
        freshness={"column": "end", "max_age": "7d"},
        environments={"serving": {"without": ["end"]}},
    )
    serving = contract_.for_environment("serving")
    assert [check.name for check in serving.checks] == ["dear"]
    assert serving.freshness is None
    assert len(contract_.checks) == 2


def test_quarantine_is_yes_no_or_a_limit() -> None:
    found = [contract(quarantine=value).quarantine for value in (True, {}, {"max_fraction": 0.5}, False, None)]
    assert [q and q.max_fraction for q in found] == [0.05, 0.05, 0.5, None, None]


def test_a_contract_with_everything_reads_the_same_from_its_dict() -> None:
    contract_ = contract(
        checks=[{"name": "order", "rule": "end >= start", "severity": "warn", "max_fraction": 0.1}],
        freshness={"column": "start", "max_age": "1d12h"},
        quarantine=True,
    )
    assert Contract.load(contract_.to_dict()) == contract_
