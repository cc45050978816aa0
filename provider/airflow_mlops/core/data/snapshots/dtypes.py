"""Normalisation of column types, so that a snapshot's types do not depend on the source of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd


def logical_type(dtype: Any) -> str:
    """Return a column's library-independent type: int, float, bool, datetime or str."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(dtype):
        return "bool"
    if pd.api.types.is_integer_dtype(dtype):
        return "int"
    if pd.api.types.is_float_dtype(dtype):
        return "float"
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return "datetime"
    return "str"


def normalise_dtypes(frame: pd.DataFrame, schema: dict[str, str] | None, where: str) -> pd.DataFrame:
    """Convert a chunk to normalised types, so that all chunks of a snapshot have the same ones.

    :param schema: column -> logical type, from an earlier chunk; None for the first.
    :param where: the chunk's description, for errors.
    :raises BadInput: when a column name occurs twice, columns differ, or a value is not of its column's type.
    """
    import pandas as pd

    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    duplicated = frame.columns[frame.columns.duplicated()].tolist()
    if duplicated:
        raise BadInput(f"column names occur twice: {duplicated[:5]}", where=where, hint="rename them at the source")
    if schema is not None and set(schema) != set(frame.columns):
        raise BadInput(
            f"a later chunk has different columns: {sorted(set(schema) ^ set(frame.columns))[:5]}", where=where
        )
    columns: dict[str, Any] = {}
    for name in frame.columns:
        kind = (schema or {}).get(name) or _kind(frame[name])
        try:
            columns[name] = _CONVERTERS[kind](frame[name])
        except (TypeError, ValueError, OverflowError) as error:
            raise BadInput(
                f"column {name!r} is {kind}, but this chunk has other values: {str(error)[:200]}",
                where=where,
                hint="cast it to one type at the source",
            ) from None
    return pd.DataFrame(columns, index=frame.index)


def _kind(column: pd.Series[Any]) -> str:
    """Return a column's logical type; for Python objects it is inferred: databases return ``[True, None]``."""
    import pandas as pd

    if column.dtype != object:
        return logical_type(column.dtype)
    inferred = pd.api.types.infer_dtype(column, skipna=True)
    kinds = {"boolean": "bool", "integer": "int", "floating": "float", "decimal": "float", "datetime": "datetime"}
    return kinds.get(inferred, "str")


def _as_int(column: pd.Series[Any]) -> pd.Series[Any]:
    """Convert to integers; a fraction or a number beyond 64 bits is an error, never truncated."""
    if column.isna().any():
        return column.astype("Int64")
    integers = column.astype("int64")
    if not (integers == column).all():
        raise ValueError("not integers of 64 bits")
    return integers


def _as_float(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.astype("float64")


def _as_bool(column: pd.Series[Any]) -> pd.Series[Any]:
    if not column.isna().all() and _kind(column) != "bool":
        raise ValueError(f"values are {_kind(column)}")
    return column.astype("boolean" if column.isna().any() else "bool")


def _as_datetime(column: pd.Series[Any]) -> pd.Series[Any]:
    """Convert to timestamps without a time zone; those with a zone are converted to UTC."""
    import pandas as pd

    if not column.isna().all() and _kind(column) in ("int", "float", "bool"):
        raise ValueError(f"values are {_kind(column)}")
    timestamps = pd.to_datetime(column)
    if timestamps.dt.tz is not None:
        timestamps = timestamps.dt.tz_convert("UTC").dt.tz_localize(None)
    return timestamps.astype("datetime64[us]")


def _as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """Convert to text: missing stays missing; dates and other objects become their ISO or ``str`` form."""
    import pandas as pd

    if isinstance(column.dtype, pd.StringDtype):
        return column.astype(pd.StringDtype(na_value=float("nan")))
    missing = column.isna()
    text = column.map(lambda v: v if isinstance(v, str) else str(v)).astype(object)
    text[missing] = None
    return text.astype(pd.StringDtype(na_value=float("nan")))


_CONVERTERS = {"int": _as_int, "float": _as_float, "bool": _as_bool, "datetime": _as_datetime, "str": _as_text}


def masked_to_float(frame: pd.DataFrame) -> pd.DataFrame:
    """Convert nullable integers and booleans to floats with NaN: scikit-learn does not support ``pd.NA``."""
    import pandas as pd

    masked = [c for c in frame.columns if isinstance(frame[c].dtype, (pd.Int64Dtype, pd.BooleanDtype))]
    return frame.astype(dict.fromkeys(masked, "float64")) if masked else frame
