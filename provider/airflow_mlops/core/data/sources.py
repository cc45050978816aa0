"""Row sources: where the rows of a snapshot come from.

Built-in are a query (:class:`~airflow_mlops.hooks.sql_source.SqlSource`), a file and a function. Other packages add
their own, see docs/extending-sources.md. This module is imported at DAG parsing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.extensions import ExtensionPoint, name_of, parse_choice, third_party_errors
from airflow_mlops.common.imports import resolve_callable

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    Frame: TypeAlias = pd.DataFrame | pl.DataFrame | pl.LazyFrame | pa.Table | pa.RecordBatch


class RowSource(Protocol):
    """A source of rows. Its class takes options as keyword arguments, and its constructor opens no connection."""

    def read(self, partition: str | None) -> Frame | Iterable[Frame]:
        """Return the rows of a partition as one frame, or as an iterable of frames with the same columns.

        A partition without rows is a frame with columns and no rows.
        """
        ...


class FunctionSource:
    """Rows that a function returns.

    :param rows: the function, or its import path; it is called with ``partition=``.
    """

    def __init__(self, rows: str | Callable[..., Any]) -> None:
        self.rows = resolve_callable(rows)

    def read(self, partition: str | None) -> Frame | Iterable[Frame]:
        """Return what the function returns."""
        return self.rows(partition=partition)


ROW_SOURCES: ExtensionPoint[Callable[..., RowSource]] = ExtensionPoint(
    kind="row source",
    group="sources",
    builtin={
        "sql": "airflow_mlops.hooks.sql_source:SqlSource",
        "file": "airflow_mlops.core.data.files:FileSource",
        "rows": FunctionSource,
    },
    members=("read",),
)

_BUILTIN = {"sql": ("sql", ("sql", "conn_id", "binds")), "path": ("file", ("path",)), "rows": ("rows", ("rows",))}
"""Parameter that chooses a built-in source -> its name and its options."""
SOURCE_PARAMETERS = ("source", "source_options", "sql", "conn_id", "binds", "path", "rows")
"""The parameters that choose a source, in operators and in ``lifecycle.yaml``."""


def choose_source(parameters: Mapping[str, Any]) -> tuple[str | Callable[..., Any], dict[str, Any]]:
    """Return the row source that parameters choose, and its options.

    :param parameters: the values of :data:`SOURCE_PARAMETERS`; ``None`` and empty ones are ignored.
    :raises BadInput: when they choose no source or several, or a parameter does not belong to the source.
    """
    chosen = {name: value for name, value in parameters.items() if value not in (None, "")}
    choices = [name for name in ("source", *_BUILTIN) if name in chosen]
    if len(choices) != 1:
        raise BadInput(
            f"exactly one of source, sql, path and rows is required; got {choices or 'none'}",
            hint="remove the others" if choices else "set the one that the rows come from",
        )
    (choice,) = choices
    for name in ("conn_id", "binds"):
        if name in chosen and choice != "sql":
            raise BadInput(f"{name} requires sql", hint=f"pass {name} to another source as one of its options")
    if choice == "sql" and "conn_id" not in chosen:
        raise BadInput("sql requires conn_id", hint="set conn_id to the database's connection")
    if choice != "source":
        if "source_options" in chosen:
            raise BadInput("source_options requires source", hint=f"remove it: {choice} has no other options")
        kind, names = _BUILTIN[choice]
        return kind, {name: chosen[name] for name in names if name in chosen}
    source, options = chosen["source"], dict(chosen.get("source_options", {}))
    if callable(source):
        return source, options
    name, more = parse_choice(source, "source")
    return name, more | options


def read_rows(
    choice: str | Callable[..., Any],
    options: Mapping[str, Any],
    partition: str | None,
    reraise: tuple[type[BaseException], ...] = (),
) -> Iterator[pd.DataFrame]:
    """Read the rows of a partition from a source, as pandas frames.

    :param choice: the source's name, import path or class.
    :param options: its options.
    :param reraise: errors of the source that pass unchanged, such as a request to skip the task.
    :raises BadInput: when the source cannot be created, or returns something else than frames.
    :raises MlopsError: when reading fails; a retry may help.
    """
    name = name_of(choice)
    source: RowSource = ROW_SOURCES.create(choice, options)
    what, where = f"the row source {name!r} failed", f"source {name}, partition {partition}"
    with third_party_errors(what, reraise=reraise):
        result: Any = source.read(partition)
    if (first := _to_pandas(result)) is not None:
        yield first
        return
    if isinstance(result, (str, bytes, Mapping)) or not isinstance(result, Iterable):
        raise _not_a_frame(result, where)
    frames, end, number = iter(result), object(), 0
    while True:
        with third_party_errors(what, reraise=reraise):
            item = next(frames, end)
        if item is end:
            break
        frame = _to_pandas(item)
        if frame is None:
            raise _not_a_frame(item, f"{where}, frame {number}")
        yield frame
        number += 1
    if not number:
        raise BadInput(
            "the row source returned no frame",
            where=where,
            hint="return a frame with columns and no rows where a partition is empty",
        )


def _to_pandas(frame: Any) -> pd.DataFrame | None:
    """Convert a frame to pandas without a change of values; return ``None`` when it is not a frame."""
    import pandas as pd

    if isinstance(frame, pd.DataFrame):
        return frame
    library = type(frame).__module__.partition(".")[0]  # before the import of a library that the source does not use
    if library == "polars":
        import polars as pl

        frame = frame.lazy().collect().to_arrow() if isinstance(frame, (pl.DataFrame, pl.LazyFrame)) else None
    elif library == "pyarrow":
        import pyarrow as pa

        frame = frame if isinstance(frame, (pa.Table, pa.RecordBatch)) else None
    else:
        return None
    return None if frame is None else frame.to_pandas(types_mapper=_nullable_types().get)


def _nullable_types() -> dict[Any, Any]:
    """Return the pandas types of Arrow integers and booleans: NumPy has no missing integer."""
    import pandas as pd
    import pyarrow as pa

    signed = {pa.type_for_alias(f"int{bits}"): pd.Int64Dtype() for bits in (8, 16, 32, 64)}
    unsigned = {pa.type_for_alias(f"uint{bits}"): pd.UInt64Dtype() for bits in (8, 16, 32, 64)}
    return {**signed, **unsigned, pa.bool_(): pd.BooleanDtype()}


def _not_a_frame(value: Any, where: str) -> BadInput:
    return BadInput(
        f"the row source returned {type(value).__name__}, not a frame",
        where=where,
        hint="return a pandas, Polars or pyarrow frame, or yield several",
    )
