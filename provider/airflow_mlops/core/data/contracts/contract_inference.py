"""Inference of an initial contract from data, for a person to edit."""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from typing import Any

import polars as pl
import yaml

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.contracts.contract import Contract
from airflow_mlops.core.data.contracts.expression import ISO_TIMESTAMP
from airflow_mlops.core.data.frames import LazyTable, collect_frame, open_table
from airflow_mlops.core.data.validation.polars_expressions import exact_column

MAX_CATEGORY_VALUES = 20
MIN_ROWS_PER_VALUE = 10
MAX_CATEGORIES = 1000
SAMPLE_ROWS = 200_000
MAX_CODES = 50  # up to so many integers are codes, hours, months: their range gets no margin
MARGIN = 0.1  # of the observed range, added on both sides
ID_PATTERN = re.compile(r"(?i:(^|.*[_\-. ])(id|key|uuid|guid)|row|record|index)|.*[a-z](Id|ID|Key)")
SCHEMA_LINE = "# yaml-language-server: $schema=contract.schema.json"


def infer_contract(data: Any, name: str) -> Contract:
    """Infer a contract from data.

    It has types, missing fractions, ranges with a margin of 10 %, and the values of categories that have at most 20.
    A unique column with the name of a key becomes the key. Nested and binary columns are left out.

    :param data: a Parquet path, a list of them, a ``Snapshot``, a Polars or a pandas frame.
    :param name: the dataset's name.
    :raises BadInput: when the data cannot be read, or has no rows.
    """
    table = open_table(data)
    if not table.rows:
        raise BadInput("cannot infer a contract: the data has no rows", where=table.where, hint="use a full partition")
    facts = _scan_columns(table)
    sample = table.sample(list(facts), SAMPLE_ROWS) if facts else pl.DataFrame()
    columns = {name: _infer_column(sample[name], column, table.rows) for name, column in facts.items()}
    if not columns:
        raise BadInput("no column has a supported type", where=table.where, hint="flatten nested columns")
    key = _infer_key(table, columns)
    for column in key:
        for bound in ("min", "max", "values"):
            columns[column].pop(bound, None)
    return Contract.load({"name": name, "key": key, "rows": {"min": _minimum_rows(table.rows)}, "columns": columns})


def to_yaml(contract: Contract) -> str:
    """Return a contract as commented YAML; :meth:`Contract.load` reads the same contract back."""
    content = _tuples_to_lists(contract.model_dump(exclude_unset=True))
    columns = content.pop("columns")
    lines = [
        SCHEMA_LINE,
        "# Inferred from data: ranges and value sets are what was observed, with a margin.",
        "# Correct and remove rules as needed. Then mark the label: role: label.",
    ]
    notes = {
        "key": "unique in each row",
        "rows": "fewer rows indicate an upstream failure",
    }
    for field, value in content.items():
        if value not in ([], {}, None):
            lines.append(_yaml_line(field, value) + (f" # {notes[field]}" if field in notes else ""))
    lines += ["columns:", *("  " + _yaml_line(column, rule) for column, rule in columns.items())]
    return "\n".join(lines) + "\n"


def _tuples_to_lists(value: Any) -> Any:
    """Convert tuples to lists for YAML; dates stay dates."""
    if isinstance(value, dict):
        return {key: _tuples_to_lists(item) for key, item in value.items()}
    return [_tuples_to_lists(item) for item in value] if isinstance(value, (list, tuple)) else value


def _yaml_line(key: str, value: Any) -> str:
    """Return one key and its value as a line of YAML."""
    quotes = None if re.fullmatch(r"\w+", key) else '"'
    return f"{_yaml_value(key, quotes)}: {_yaml_value(value)}"


class _Dumper(yaml.SafeDumper):
    """Dumper that quotes and escapes text with Unicode line breaks, which YAML would otherwise fold."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style='"' if re.search("[\x85\u2028\u2029]", text) else None
    ),
)


def _yaml_value(value: Any, quotes: str | None = None) -> str:
    text: str = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=True,
        default_style=quotes,
        width=math.inf,
        sort_keys=False,
        allow_unicode=True,
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _scan_columns(table: LazyTable) -> dict[str, dict[str, Any]]:
    """Count the missing values and find the range of each supported column, in one scan of all rows."""
    types = {name: dtype for name, dtype in table.schema.items() if not dtype.is_nested() and dtype != pl.Binary}
    types = {name: dtype for name, dtype in types.items() if dtype not in (pl.Object, pl.Time, pl.Duration)}
    facts: dict[str, dict[str, Any]] = {name: {"missing": 0, "min": None, "max": None} for name in types}
    for piece in table.slices():
        expressions: list[pl.Expr] = []
        for number, (name, dtype) in enumerate(types.items()):
            value = exact_column(name).fill_nan(None) if dtype.is_float() else exact_column(name)
            expressions.append(value.null_count().alias(f"{number} missing"))
            if dtype.is_numeric() or dtype in (pl.Date, pl.Datetime):
                value = _representable(value, dtype)
                expressions += [value.min().alias(f"{number} min"), value.max().alias(f"{number} max")]
        row = collect_frame(piece.frame.select(expressions), piece.where).row(0, named=True) if expressions else {}
        for number, column in enumerate(facts.values()):
            column["missing"] += row[f"{number} missing"]
            for bound, pick in (("min", min), ("max", max)):
                both = [v for v in (column[bound], row.get(f"{number} {bound}")) if v is not None]
                column[bound] = pick(both, default=None)
    return facts


def _representable(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Drop infinite numbers, and clip times to the years that Python supports."""
    if dtype.is_float():
        return value.filter(value.is_finite())
    if dtype == pl.Datetime:
        return value.dt.replace_time_zone(None).clip(datetime(1, 1, 2), datetime(9999, 12, 30))
    return value.clip(date(1, 1, 1), date(9999, 12, 31)) if dtype == pl.Date else value


def _infer_column(values: pl.Series, facts: dict[str, Any], rows: int) -> dict[str, Any]:
    """Return the rules of one column.

    :param values: a sample of the column.
    :param facts: its missing count, minimum and maximum over all rows.
    :param rows: the number of all rows.
    """
    kind = _infer_type(values)
    rule: dict[str, Any] = {"type": kind}
    if not facts["missing"]:
        rule["nullable"] = False
    elif facts["missing"] < rows:
        rule["max_missing"] = min(1.0, max(0.01, math.ceil(150 * facts["missing"] / rows) / 100))
    if kind in ("int", "float") and facts["min"] is not None:
        few = kind == "int" and values.n_unique() <= MAX_CODES <= len(values) // MIN_ROWS_PER_VALUE
        rule |= _infer_range(kind, float(facts["min"]), float(facts["max"]), margin=0.0 if few else MARGIN)
    elif kind in ("date", "datetime") and isinstance(facts["min"], date):
        rule["min"] = _first_day(facts["min"], kind)
    elif kind == "category":
        rule |= _category_values(values)
    return rule


def _infer_type(values: pl.Series) -> str:
    """Return the contract type of values; text may hold dates or categories."""
    dtype = values.dtype
    simple: dict[Any, str] = {pl.Boolean: "bool", pl.Date: "date", pl.Datetime: "datetime"}
    if dtype.is_numeric():
        return "int" if dtype.is_integer() or _is_nullable_integer(values) else "float"
    if kind := next((name for base, name in simple.items() if dtype == base), None):
        return kind
    present = values.drop_nulls().cast(pl.String)
    if len(present) and present.str.contains(rf"^(?:{ISO_TIMESTAMP})\z").all():
        return "date" if present.str.len_chars().max() == len("2024-01-31") else "datetime"
    distinct = present.n_unique()
    few = distinct <= MAX_CATEGORIES and len(present) >= MIN_ROWS_PER_VALUE * distinct > 0
    return "category" if few or dtype in (pl.Categorical, pl.Enum) else "str"


def _is_nullable_integer(values: pl.Series) -> bool:
    """Check whether integers are stored as floats because some are missing."""
    if not values.dtype.is_float():
        return False
    present = values.fill_nan(None).drop_nulls()
    return 0 < len(present) < len(values) and bool((present == present.round()).all())


def _category_values(values: pl.Series) -> dict[str, Any]:
    """Return the rule ``values`` of a category that has few values."""
    present = values.drop_nulls().cast(pl.String).unique()
    if not 0 < len(present) <= MAX_CATEGORY_VALUES:
        return {}
    return {"values": sorted(present.to_list())}


def _infer_range(kind: str, low: float, high: float, *, margin: float) -> dict[str, Any]:
    """Return a rounded range with a margin that does not cross zero."""
    if kind == "int" and (low, high) == (0, 1):
        return {"values": [0, 1]}
    if not margin:
        return {"min": int(low), "max": int(high)}
    span = high - low or abs(high) or 1.0
    if not math.isfinite(2 * span + 2 * abs(low) + 2 * abs(high)):
        return {}
    step = 10.0 ** math.floor(math.log10(span)) / 2
    if not step:  # the step underflowed
        return {}
    minimum = math.floor((low - margin * span) / step) * step
    maximum = math.ceil((high + margin * span) / step) * step
    minimum = 0.0 if low >= 0 > minimum else minimum
    maximum = 0.0 if high <= 0 < maximum else maximum
    if kind == "int":
        return {"min": math.floor(minimum), "max": math.ceil(maximum)}
    return {"min": _round_digits(minimum), "max": _round_digits(maximum)}


def _round_digits(value: float) -> int | float:
    """Round to six significant digits."""
    short = float(f"{value:.6g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def _first_day(day: date, kind: str) -> date:
    return datetime(day.year, 1, 1) if kind == "datetime" else date(day.year, 1, 1)


def _minimum_rows(rows: int) -> int:
    """Return half the rows, rounded down to one significant digit."""
    half = rows // 2
    if half < 1:
        return 1
    unit = int(10 ** (len(str(half)) - 1))
    return half // unit * unit


def _infer_key(table: LazyTable, columns: dict[str, dict[str, Any]]) -> list[str]:
    """Infer the key: the first column with the name of a key and without missing or repeated values."""
    from airflow_mlops.core.data.validation.duplicates import find_duplicates

    for name, rule in columns.items():
        candidate = ID_PATTERN.fullmatch(name) and rule["type"] in ("int", "str", "category")
        if candidate and rule.get("nullable") is False and find_duplicates(table, [name]).is_empty():
            return [name]
    return []
