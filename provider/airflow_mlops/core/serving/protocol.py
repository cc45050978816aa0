"""MLflow's scoring protocol: from the bytes of a request to columns of plain values.

A body is a JSON object with one of ``dataframe_split`` (``{"columns": [...], "data": [[...], ...]}``),
``dataframe_records`` (``[{...}, ...]``), ``instances`` (records, or lists in the order of the features) and ``inputs``
(``{"column": [...], ...}``). Source: https://mlflow.org/docs/latest/genai/serving/ and the MLflow 3 scoring server.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from airflow_mlops.core.serving.refusals import BadRequest, shown

FORMATS = ("dataframe_split", "dataframe_records", "instances", "inputs")
Columns = dict[str, list[Any]]
EXAMPLE = 'send {"dataframe_records": [{"column": value, ...}]}'


def read(body: bytes, features: Sequence[str], *, most_rows: int) -> Columns:
    """Read a request's rows.

    :param body: JSON in UTF-8.
    :param features: the model's columns, for instances that are lists.
    :param most_rows: how many rows may come at once.
    :returns: column -> its values, as many for each, at least one.
    :raises BadRequest: when they cannot be read.
    """
    name, content = _one_format(_json(body))
    if name == "dataframe_split":
        columns = _split(content)
    elif name == "inputs" and isinstance(content, Mapping):
        columns = _by_column(content)
    else:
        columns = _listed(name, content, features)
    rows = len(next(iter(columns.values()), ()))
    if not rows:
        raise BadRequest(400, "NO_ROWS", f"{name} has no rows", mend="send at least one row")
    if rows > most_rows:
        raise BadRequest(
            413,
            "TOO_MANY_ROWS",
            f"{rows} rows came in one request, at most {most_rows} may",
            mend="send fewer at a time; whole data sets are scored in batches by ScoreDatasetOperator",
        )
    return columns


def _json(body: bytes) -> Mapping[str, Any]:
    if not body.strip():
        raise BadRequest(400, "EMPTY_BODY", "the request has no body", mend=EXAMPLE)
    try:
        text = body.decode("utf-8")
        given = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise _no_json(f"byte {error.start} is not UTF-8", "encode the body as UTF-8") from None
    except json.JSONDecodeError as error:
        what = f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise _no_json(what, "mend that place") from None
    except RecursionError:
        raise _no_json("the body is nested too deeply", EXAMPLE) from None
    except ValueError as error:  # a number of more digits than Python reads
        raise _no_json(f"the body cannot be read: {str(error)[:100]}", "send numbers of usual length") from None
    if not isinstance(given, Mapping):
        raise _no_json(f"the body is {_called(given)}, not an object", EXAMPLE)
    return given


def _no_json(what: str, mend: str) -> BadRequest:
    return BadRequest(400, "BROKEN_JSON", what, mend=mend)


def _no_constant(word: str) -> NoReturn:
    raise _no_json(f"{word} is no JSON", "write null for what is missing")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _no_json(f"the key {shown(twice)} is there twice in one object", "send it once")
    return found


def _one_format(given: Mapping[str, Any]) -> tuple[str, Any]:
    if given.get("params"):
        raise BadRequest(400, "BAD_PROTOCOL", "the model takes no params", mend="leave params out")
    names = [name for name in given if name != "params"]
    if unknown := [name for name in names if name not in FORMATS]:
        near = difflib.get_close_matches(unknown[0][:100], FORMATS, n=1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise BadRequest(400, "BAD_PROTOCOL", f"the key {shown(unknown[0])} is not known{meant}", mend=EXAMPLE)
    if len(names) != 1:
        what = f"the body has {' and '.join(names)}" if names else "the body has no rows"
        raise BadRequest(400, "BAD_PROTOCOL", what, mend=f"send one of {', '.join(FORMATS)}")
    return names[0], given[names[0]]


def _split(content: Any) -> Columns:
    form = 'send {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], ...]}}'
    if not isinstance(content, Mapping):
        raise _wrong("dataframe_split", content, "an object", form)
    if unknown := [name for name in content if name not in ("columns", "data", "index")]:
        what = f"dataframe_split has the key {shown(unknown[0])}"
        raise BadRequest(400, "BAD_PROTOCOL", what, mend=form)
    names, data = content.get("columns"), content.get("data")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _wrong("dataframe_split.columns", names, "a list of names", form)
    if not isinstance(data, list):
        raise _wrong("dataframe_split.data", data, "a list of rows", form)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        what = f"the column {shown(twice)} is there twice"
        raise BadRequest(400, "BAD_PROTOCOL", what, mend="send each column once")
    return _turned("dataframe_split.data", data, names)


def _turned(where: str, rows: Sequence[Any], names: Sequence[str]) -> Columns:
    """Give rows that are lists as columns."""
    for number, row in enumerate(rows):
        if not isinstance(row, list):
            raise _wrong(f"{where}[{number}]", row, "a list of values", "send a list for each row")
        if len(row) != len(names):
            what = f"{where}[{number}] has {len(row)} values for {len(names)} columns"
            raise BadRequest(400, "BAD_PROTOCOL", what, mend=f"the columns are {shown(list(names))}")
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def _by_column(content: Mapping[str, Any]) -> Columns:
    lengths = {}
    for name, values in content.items():
        if not isinstance(values, list):
            raise _wrong(f"inputs[{shown(name)}]", values, "a list", 'send {"inputs": {"a": [1, 2], "b": [3, 4]}}')
        lengths[name] = len(values)
    if len(set(lengths.values())) > 1:
        what = f"the columns of inputs differ in length: {shown(lengths)}"
        raise BadRequest(400, "BAD_PROTOCOL", what, mend="send a value, or null, for each row in each column")
    return dict(content)


def _listed(name: str, content: Any, features: Sequence[str]) -> Columns:
    """Give rows that are objects, or where the protocol allows it lists, as columns."""
    if not isinstance(content, list):
        raise _wrong(name, content, "a list of rows", EXAMPLE)
    if name != "dataframe_records" and content and isinstance(content[0], list):
        return _turned(name, content, features)
    for number, row in enumerate(content):
        if not isinstance(row, Mapping):
            raise _wrong(f"{name}[{number}]", row, "an object with a value for each column", EXAMPLE)
    if len(names := dict.fromkeys(column for row in content for column in row)) == 0 and content:
        raise BadRequest(400, "NO_ROWS", f"{name} has rows without columns", mend=EXAMPLE)
    return {column: [row.get(column) for row in content] for column in names}


def _wrong(where: str, value: Any, wanted: str, mend: str) -> BadRequest:
    return BadRequest(400, "BAD_PROTOCOL", f"{where} is {_called(value)}, not {wanted}", mend=mend)


def _called(value: Any) -> str:
    """Say what a JSON value is, as JSON calls it."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null or missing"}
    return names.get(type(value), "a number")
