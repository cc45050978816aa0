"""One set of types for the rows of a snapshot, whatever database or file they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd


def logical_type(dtype: Any) -> str:
    """Name a column's type in words that do not change with the library: int, float, bool, datetime, str."""
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


def settle(frame: pd.DataFrame, schema: dict[str, str] | None, where: str) -> pd.DataFrame:
    """Bring a chunk to one set of types, so that chunks read from a database agree with each other.

    :param schema: column -> logical type, of an earlier chunk; None for the first one.
    :param where: what the chunk is called, for the errors.
    :raises BadInput: when a column name occurs twice, columns differ, or a value is not of its column's type.
    """
    import pandas as pd

    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    duplicated = frame.columns[frame.columns.duplicated()].tolist()
    if duplicated:
        raise BadInput(f"column names occur twice: {duplicated[:5]}", where=where, mend="rename them at the source")
    if schema is not None and set(schema) != set(frame.columns):
        raise BadInput(f"a later chunk has other columns: {sorted(set(schema) ^ set(frame.columns))[:5]}", where=where)
    settled: dict[str, Any] = {}
    for name in frame.columns:
        kind = (schema or {}).get(name) or _kind(frame[name])
        try:
            settled[name] = _AS[kind](frame[name])
        except (TypeError, ValueError, OverflowError) as error:
            raise BadInput(
                f"column {name!r} is {kind}, but has values here that are not: {str(error)[:200]}",
                where=where,
                mend="cast it to one type at the source",
            ) from None
    return pd.DataFrame(settled, index=frame.index)


def _kind(column: pd.Series[Any]) -> str:
    """Name a column's logical type; a column of Python objects is looked into: databases give ``[True, None]``."""
    import pandas as pd

    if column.dtype != object:
        return logical_type(column.dtype)
    inferred = pd.api.types.infer_dtype(column, skipna=True)
    kinds = {"boolean": "bool", "integer": "int", "floating": "float", "decimal": "float", "datetime": "datetime"}
    return kinds.get(inferred, "str")


def _as_int(column: pd.Series[Any]) -> pd.Series[Any]:
    """Give whole numbers; a fraction or a number beyond 64 bits is an error, never cut."""
    if column.isna().any():
        return column.astype("Int64")
    whole = column.astype("int64")
    if not (whole == column).all():
        raise ValueError("not whole numbers of 64 bits")
    return whole


def _as_float(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.astype("float64")


def _as_bool(column: pd.Series[Any]) -> pd.Series[Any]:
    if not column.isna().all() and _kind(column) != "bool":
        raise ValueError(f"they are {_kind(column)}")
    return column.astype("boolean" if column.isna().any() else "bool")


def _as_datetime(column: pd.Series[Any]) -> pd.Series[Any]:
    """Give moments without a zone; those that have one become UTC."""
    import pandas as pd

    if not column.isna().all() and _kind(column) in ("int", "float", "bool"):
        raise ValueError(f"they are {_kind(column)}")
    moments = pd.to_datetime(column)
    if moments.dt.tz is not None:
        moments = moments.dt.tz_convert("UTC").dt.tz_localize(None)
    return moments.astype("datetime64[us]")


def _as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """Give a text column: missing stays missing; dates and other objects become their ISO or plain form."""
    import pandas as pd

    if isinstance(column.dtype, pd.StringDtype):
        return column.astype(pd.StringDtype(na_value=float("nan")))
    missing = column.isna()
    text = column.map(lambda v: v if isinstance(v, str) else str(v)).astype(object)
    text[missing] = None
    return text.astype(pd.StringDtype(na_value=float("nan")))


_AS = {"int": _as_int, "float": _as_float, "bool": _as_bool, "datetime": _as_datetime, "str": _as_text}


def for_models(frame: pd.DataFrame) -> pd.DataFrame:
    """Give whole numbers and booleans that have missing values as floats with NaN: scikit-learn knows no ``pd.NA``."""
    import pandas as pd

    masked = [c for c in frame.columns if isinstance(frame[c].dtype, (pd.Int64Dtype, pd.BooleanDtype))]
    return frame.astype(dict.fromkeys(masked, "float64")) if masked else frame
