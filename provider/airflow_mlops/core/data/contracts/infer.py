"""A first contract from data: what was seen, with a little room, for a person to edit."""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from typing import Any

import polars as pl
import yaml

from airflow_mlops.core.data.contracts.expression import ISO_MOMENT
from airflow_mlops.core.data.contracts.model import Contract
from airflow_mlops.core.data.frames import Table, collected, open_table
from airflow_mlops.core.data.validation.polars_values import named
from airflow_mlops.core.errors import BadInput

MOST_VALUES = 20
ROWS_A_VALUE = 10
MOST_NAMES = 1000
SAMPLE = 200_000
FEW_NUMBERS = 50  # so few whole numbers are codes, hours, months: their range is as it was seen
ROOM = 0.1
ID_LIKE = re.compile(r"(?i:(^|.*[_\-. ])(id|key|uuid|guid)|row|record|index)|.*[a-z](Id|ID|Key)")
SCHEMA_LINE = "# yaml-language-server: $schema=contract.schema.json"


def infer_contract(data: Any, name: str) -> Contract:
    """Write down what data looks like.

    Types, missing shares, ranges with a tenth of room, the values of text that has at most 20 different ones, and the
    key, if one column that is named like one has no value twice. Nested and binary columns are left out.

    :param data: a Parquet path, a list of them, a ``Snapshot``, a Polars or a pandas frame.
    :param name: the dataset's name.
    :raises BadInput: when the data cannot be read, or has no rows.
    """
    table = open_table(data)
    if not table.rows:
        raise BadInput("nothing can be learned from no rows", where=table.where, mend="infer it from a full partition")
    facts = _facts(table)
    sample = table.sample(list(facts), SAMPLE) if facts else pl.DataFrame()
    columns = {column: _column(sample[column], seen, table.rows) for column, seen in facts.items()}
    if not columns:
        raise BadInput("no column has a type that a contract knows", where=table.where, mend="flatten nested columns")
    key = _key(table, columns)
    for column in key:
        for bound in ("min", "max", "values"):
            columns[column].pop(bound, None)
    return Contract.load({"name": name, "key": key, "rows": {"min": _fewer(table.rows)}, "columns": columns})


def to_yaml(contract: Contract) -> str:
    """Write a contract as YAML that a person can go on with; :meth:`Contract.load` reads the same contract back."""
    content = _plain(contract.model_dump(exclude_unset=True))
    columns = content.pop("columns")
    lines = [
        SCHEMA_LINE,
        "# What a row promises. Written from the data: ranges and sets are what was seen, with a little room.",
        "# Correct what you know better, and delete what is chance. Then name the label: role: label.",
    ]
    notes = {
        "key": "no two rows have the same",
        "rows": "fewer rows than this mean that something upstream is broken",
    }
    for field, value in content.items():
        if value not in ([], {}, None):
            lines.append(_line(field, value) + (f" # {notes[field]}" if field in notes else ""))
    lines += ["columns:", *("  " + _line(column, rule) for column, rule in columns.items())]
    return "\n".join(lines) + "\n"


def _plain(value: Any) -> Any:
    """Give lists for tuples; dates stay dates, which YAML has a form for."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def _line(key: str, value: Any) -> str:
    """Write one key and its value on one line."""
    quotes = None if re.fullmatch(r"\w+", key) else '"'
    return f"{_dumped(key, quotes)}: {_dumped(value)}"


class _Dumper(yaml.SafeDumper):
    """Writes text that has one of Unicode's line breaks in double quotes, with an escape: else the break is folded."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style='"' if re.search("[\x85\u2028\u2029]", text) else None
    ),
)


def _dumped(value: Any, quotes: str | None = None) -> str:
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


def _facts(table: Table) -> dict[str, dict[str, Any]]:
    """Count what is missing and find the range of each column, in one scan of all rows."""
    known = {name: dtype for name, dtype in table.schema.items() if not dtype.is_nested() and dtype != pl.Binary}
    known = {name: dtype for name, dtype in known.items() if dtype not in (pl.Object, pl.Time, pl.Duration)}
    facts: dict[str, dict[str, Any]] = {name: {"missing": 0, "min": None, "max": None} for name in known}
    for piece in table.slices():
        wanted: list[pl.Expr] = []
        for number, (name, dtype) in enumerate(known.items()):
            value = named(name).fill_nan(None) if dtype.is_float() else named(name)
            wanted.append(value.null_count().alias(f"{number} missing"))
            if dtype.is_numeric() or dtype in (pl.Date, pl.Datetime):
                value = _in_bounds(value, dtype)
                wanted += [value.min().alias(f"{number} min"), value.max().alias(f"{number} max")]
        row = collected(piece.frame.select(wanted), piece.where).row(0, named=True) if wanted else {}
        for number, seen in enumerate(facts.values()):
            seen["missing"] += row[f"{number} missing"]
            for bound, pick in (("min", min), ("max", max)):
                both = [v for v in (seen[bound], row.get(f"{number} {bound}")) if v is not None]
                seen[bound] = pick(both, default=None)
    return facts


def _in_bounds(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Leave out what Python has no value for, and what has no size."""
    if dtype.is_float():
        return value.filter(value.is_finite())
    if dtype == pl.Datetime:
        return value.dt.replace_time_zone(None).clip(datetime(1, 1, 2), datetime(9999, 12, 30))
    return value.clip(date(1, 1, 1), date(9999, 12, 31)) if dtype == pl.Date else value


def _column(values: pl.Series, seen: dict[str, Any], rows: int) -> dict[str, Any]:
    """Give the rules of one column."""
    kind = _type(values)
    rule: dict[str, Any] = {"type": kind}
    if not seen["missing"]:
        rule["nullable"] = False
    elif seen["missing"] < rows:
        rule["max_missing"] = min(1.0, max(0.01, math.ceil(150 * seen["missing"] / rows) / 100))
    if kind in ("int", "float") and seen["min"] is not None:
        few = kind == "int" and values.n_unique() <= FEW_NUMBERS <= len(values) // ROWS_A_VALUE
        rule |= _range(kind, float(seen["min"]), float(seen["max"]), room=0.0 if few else ROOM)
    elif kind in ("date", "datetime") and isinstance(seen["min"], date):
        rule["min"] = _first_day(seen["min"], kind)
    elif kind == "category":
        rule |= _values(values)
    return rule


def _type(values: pl.Series) -> str:
    """Say what the values are; text may be dates or the names of a few things."""
    dtype = values.dtype
    simple: dict[Any, str] = {pl.Boolean: "bool", pl.Date: "date", pl.Datetime: "datetime"}
    if dtype.is_numeric():
        return "int" if dtype.is_integer() or _whole_with_gaps(values) else "float"
    if found := next((name for base, name in simple.items() if dtype == base), None):
        return found
    present = values.drop_nulls().cast(pl.String)
    if len(present) and present.str.contains(rf"^(?:{ISO_MOMENT})\z").all():
        return "date" if present.str.len_chars().max() == len("2024-01-31") else "datetime"
    different = present.n_unique()
    few = different <= MOST_NAMES and len(present) >= ROWS_A_VALUE * different > 0
    return "category" if few or dtype in (pl.Categorical, pl.Enum) else "str"


def _whole_with_gaps(values: pl.Series) -> bool:
    """Say whether whole numbers were stored as floats because some are missing."""
    if not values.dtype.is_float():
        return False
    present = values.fill_nan(None).drop_nulls()
    return 0 < len(present) < len(values) and bool((present == present.round()).all())


def _values(values: pl.Series) -> dict[str, Any]:
    """List the values of a category when they are few, each seen often enough."""
    present = values.drop_nulls().cast(pl.String).unique()
    if not 0 < len(present) <= MOST_VALUES:
        return {}
    return {"values": sorted(present.to_list())}


def _range(kind: str, low: float, high: float, *, room: float) -> dict[str, Any]:
    """Give a range with room, in figures that a person would write; what was never negative stays so."""
    if kind == "int" and (low, high) == (0, 1):
        return {"values": [0, 1]}
    if not room:
        return {"min": int(low), "max": int(high)}
    span = high - low or abs(high) or 1.0
    if not math.isfinite(2 * span + 2 * abs(low) + 2 * abs(high)):
        return {}
    step = 10.0 ** math.floor(math.log10(span)) / 2
    if not step:  # numbers so small that half a step is none
        return {}
    least = math.floor((low - room * span) / step) * step
    most = math.ceil((high + room * span) / step) * step
    least = 0.0 if low >= 0 > least else least
    most = 0.0 if high <= 0 < most else most
    if kind == "int":
        return {"min": math.floor(least), "max": math.ceil(most)}
    return {"min": _figures(least), "max": _figures(most)}


def _figures(value: float) -> int | float:
    """Cut what multiplication has left behind the last sensible figure."""
    short = float(f"{value:.6g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def _first_day(moment: date, kind: str) -> date:
    return datetime(moment.year, 1, 1) if kind == "datetime" else date(moment.year, 1, 1)


def _fewer(rows: int) -> int:
    """Give half the rows, in one figure."""
    half = rows // 2
    if half < 1:
        return 1
    unit = int(10 ** (len(str(half)) - 1))
    return half // unit * unit


def _key(table: Table, columns: dict[str, dict[str, Any]]) -> list[str]:
    """Guess the key: the first column that is named like one, always there, and never the same twice."""
    from airflow_mlops.core.data.validation.keys import repeated

    for name, rule in columns.items():
        whole = rule["type"] in ("int", "str", "category")
        if ID_LIKE.fullmatch(name) and whole and rule.get("nullable") is False and repeated(table, [name]).is_empty():
            return [name]
    return []
