"""MLflow's scoring protocol: parsing of a request body into columns of JSON values.

A body is a JSON object with one of ``dataframe_split`` (``{"columns": [...], "data": [[...], ...]}``),
``dataframe_records`` (``[{...}, ...]``), ``instances`` (records, or lists in the order of the features) and ``inputs``
(``{"column": [...], ...}``). Source: https://mlflow.org/docs/latest/genai/serving/ and the MLflow 3 scoring server.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from airflow_mlops.core.serving.errors import RequestError, preview

FORMATS = ("dataframe_split", "dataframe_records", "instances", "inputs")
Columns = dict[str, list[Any]]
EXAMPLE = 'send {"dataframe_records": [{"column": value, ...}]}'


def parse_request(body: bytes, features: Sequence[str], *, max_rows: int) -> Columns:
    """Read a request's rows.

    :param body: JSON in UTF-8.
    :param features: the model's columns, for instances given as lists.
    :param max_rows: the maximum number of rows.
    :return: column -> its values; all columns have the same number of values, at least one.
    :raises RequestError: when the body is not valid.
    """
    name, content = _select_format(_parse_json(body))
    if name == "dataframe_split":
        columns = _parse_split(content)
    elif name == "inputs" and isinstance(content, Mapping):
        columns = _parse_columns(content)
    else:
        columns = _parse_rows(name, content, features)
    rows = len(next(iter(columns.values()), ()))
    if not rows:
        raise RequestError(400, "NO_ROWS", f"{name} has no rows", hint="send at least one row")
    if rows > max_rows:
        raise RequestError(
            413,
            "TOO_MANY_ROWS",
            f"the request has {rows} rows; at most {max_rows} are allowed",
            hint="send fewer rows per request; score complete data sets with ScoreDatasetOperator",
        )
    return columns


def _parse_json(body: bytes) -> Mapping[str, Any]:
    if not body.strip():
        raise RequestError(400, "EMPTY_BODY", "the request has no body", hint=EXAMPLE)
    try:
        text = body.decode("utf-8")
        parsed = json.loads(text, parse_constant=_reject_constant, object_pairs_hook=_reject_duplicate_keys)
    except UnicodeDecodeError as error:
        raise _invalid_json(f"byte {error.start} is not UTF-8", "encode the body as UTF-8") from None
    except json.JSONDecodeError as error:
        what = f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise _invalid_json(what, "fix the JSON at this position") from None
    except RecursionError:
        raise _invalid_json("the body is nested too deeply", EXAMPLE) from None
    except ValueError as error:  # a number of more digits than Python reads
        raise _invalid_json(f"the body cannot be read: {str(error)[:100]}", "send numbers with fewer digits") from None
    if not isinstance(parsed, Mapping):
        raise _invalid_json(f"the body is {_json_type(parsed)}, not an object", EXAMPLE)
    return parsed


def _invalid_json(what: str, hint: str) -> RequestError:
    return RequestError(400, "INVALID_JSON", what, hint=hint)


def _reject_constant(word: str) -> NoReturn:
    raise _invalid_json(f"{word} is not valid JSON", "send null for a missing value")


def _reject_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        duplicate = next(name for name in names if names.count(name) > 1)
        raise _invalid_json(f"the key {preview(duplicate)} is duplicated in one object", "send it once")
    return result


def _select_format(payload: Mapping[str, Any]) -> tuple[str, Any]:
    if payload.get("params"):
        raise RequestError(400, "INVALID_FORMAT", "the model does not support params", hint="remove params")
    names = [name for name in payload if name != "params"]
    if unknown := [name for name in names if name not in FORMATS]:
        matches = difflib.get_close_matches(unknown[0][:100], FORMATS, n=1)
        suggestion = f"; did you mean {matches[0]!r}?" if matches else ""
        raise RequestError(
            400, "INVALID_FORMAT", f"the key {preview(unknown[0])} is not supported{suggestion}", hint=EXAMPLE
        )
    if len(names) != 1:
        what = f"the body has {' and '.join(names)}" if names else "the body has no rows"
        raise RequestError(400, "INVALID_FORMAT", what, hint=f"send one of {', '.join(FORMATS)}")
    return names[0], payload[names[0]]


def _parse_split(content: Any) -> Columns:
    form = 'send {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], ...]}}'
    if not isinstance(content, Mapping):
        raise _invalid_format("dataframe_split", content, "an object", form)
    if unknown := [name for name in content if name not in ("columns", "data", "index")]:
        what = f"dataframe_split has the key {preview(unknown[0])}"
        raise RequestError(400, "INVALID_FORMAT", what, hint=form)
    names, data = content.get("columns"), content.get("data")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _invalid_format("dataframe_split.columns", names, "a list of names", form)
    if not isinstance(data, list):
        raise _invalid_format("dataframe_split.data", data, "a list of rows", form)
    if len(set(names)) < len(names):
        duplicate = next(name for name in names if names.count(name) > 1)
        what = f"the column {preview(duplicate)} is duplicated"
        raise RequestError(400, "INVALID_FORMAT", what, hint="send each column once")
    return _parse_lists("dataframe_split.data", data, names)


def _parse_lists(where: str, rows: Sequence[Any], names: Sequence[str]) -> Columns:
    """Convert rows given as lists to columns."""
    for number, row in enumerate(rows):
        if not isinstance(row, list):
            raise _invalid_format(f"{where}[{number}]", row, "a list of values", "send a list for each row")
        if len(row) != len(names):
            what = f"{where}[{number}] has {len(row)} values for {len(names)} columns"
            raise RequestError(400, "INVALID_FORMAT", what, hint=f"the columns are {preview(list(names))}")
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def _parse_columns(content: Mapping[str, Any]) -> Columns:
    lengths = {}
    for name, values in content.items():
        if not isinstance(values, list):
            raise _invalid_format(
                f"inputs[{preview(name)}]", values, "a list", 'send {"inputs": {"a": [1, 2], "b": [3, 4]}}'
            )
        lengths[name] = len(values)
    if len(set(lengths.values())) > 1:
        what = f"the columns of inputs differ in length: {preview(lengths)}"
        raise RequestError(400, "INVALID_FORMAT", what, hint="send a value, or null, for each row in each column")
    return dict(content)


def _parse_rows(name: str, content: Any, features: Sequence[str]) -> Columns:
    """Convert rows, objects or where supported lists, to columns."""
    if not isinstance(content, list):
        raise _invalid_format(name, content, "a list of rows", EXAMPLE)
    if name != "dataframe_records" and content and isinstance(content[0], list):
        return _parse_lists(name, content, features)
    for number, row in enumerate(content):
        if not isinstance(row, Mapping):
            raise _invalid_format(f"{name}[{number}]", row, "an object with a value for each column", EXAMPLE)
    if len(names := dict.fromkeys(column for row in content for column in row)) == 0 and content:
        raise RequestError(400, "NO_ROWS", f"{name} has rows without columns", hint=EXAMPLE)
    return {column: [row.get(column) for row in content] for column in names}


def _invalid_format(where: str, value: Any, expected: str, hint: str) -> RequestError:
    return RequestError(400, "INVALID_FORMAT", f"{where} is {_json_type(value)}, not {expected}", hint=hint)


def _json_type(value: Any) -> str:
    """Return the JSON name of a value's type."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null or missing"}
    return names.get(type(value), "a number")
