"""Encoding of feature rows and predictions between a task and its model's process.

Rows are sent as Arrow and keep their pandas types; ``NaN`` and ``None`` stay distinct. Predictions are returned as raw
numbers. They come from a process that has loaded an untrusted file, so only a type, a shape and the matching number of
bytes are interpreted.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

_NUMERIC_KINDS = "biuf"
_JSON_TYPES = (str, bool, int, float)


def encode_frame(frame: pd.DataFrame) -> bytes:
    """Encode a frame as an Arrow stream, without its index, which predictions do not use.

    :raises BadInput: when a column has values that cannot be encoded.
    """
    import pyarrow as pa

    kinds, columns = [], []
    for number in range(frame.shape[1]):
        kind, column = _encode_column(frame.iloc[:, number])
        kinds.append(kind)
        columns.append(column)
    metadata = {"columns": [_check_name(name) for name in frame.columns], "kinds": kinds, "rows": len(frame)}
    fields = [pa.field(str(number), column.type) for number, column in enumerate(columns)]
    schema = pa.schema(fields, metadata={"frame": json.dumps(metadata)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as stream:
        stream.write_table(pa.table(columns, schema=schema))
    content: bytes = sink.getvalue()
    return content


def decode_frame(content: bytes | bytearray) -> pd.DataFrame:
    """Decode a frame; its numeric columns are writable, as in the sending process."""
    import pandas as pd
    import pyarrow as pa

    table = pa.ipc.open_stream(pa.py_buffer(content)).read_all()
    metadata = json.loads(table.schema.metadata[b"frame"])
    columns = {
        number: _decode_column(metadata["kinds"][number], table.column(number)) for number in range(table.num_columns)
    }
    frame = pd.DataFrame(columns, index=range(metadata["rows"]), copy=False)
    frame.columns = pd.Index(metadata["columns"])
    return frame


def _check_name(name: Any) -> str | int:
    if isinstance(name, (str, int)):
        return name
    raise BadInput(f"{name!r} is not a valid column name", hint="use text as column names")


def _encode_column(column: pd.Series[Any]) -> tuple[str, pa.Array]:
    """Return the kind of a column, and its values as Arrow."""
    import pandas as pd
    import pyarrow as pa

    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return f"categories:{int(bool(dtype.ordered))}:{json.dumps(_to_json_values(dtype.categories))}", pa.array(
            column.cat.codes
        )
    if isinstance(dtype, pd.StringDtype):
        missing = "nan" if isinstance(dtype.na_value, float) else "na"
        return f"text:{dtype.storage}:{missing}", pa.array(column.array, type=pa.large_string())
    if pd.api.types.is_object_dtype(dtype):
        return "objects", pa.array(_to_json_texts(column), type=pa.large_string())
    if isinstance(dtype, pd.api.extensions.ExtensionDtype):
        return f"pandas:{dtype}", pa.array(column.array)
    if dtype.kind in _NUMERIC_KINDS:
        return "numbers", pa.array(column.to_numpy())
    if dtype.kind in "mM":
        return f"timestamps:{dtype.str}", pa.array(column.to_numpy().view("int64"))
    raise BadInput(f"column {column.name!r} cannot be sent to a model: unsupported type {dtype}")


def _decode_column(kind: str, values: pa.ChunkedArray) -> Any:
    """Return a column's values in their original type."""
    import numpy as np
    import pandas as pd

    name, _, details = kind.partition(":")
    if name in ("numbers", "timestamps"):
        array = np.array(values.to_numpy())  # a copy, because Arrow's memory is read-only
        return array if name == "numbers" else array.view(details)
    if name == "text":
        storage, missing = details.split(":")
        text: Any = pd.StringDtype(
            "python" if storage == "python" else "pyarrow", na_value=np.nan if missing == "nan" else pd.NA
        )
        return text.__from_arrow__(values)
    if name == "categories":
        ordered, categories = details.split(":", 1)
        index = pd.Index(json.loads(categories))
        return pd.Categorical.from_codes(values.to_numpy(), categories=index, ordered=bool(int(ordered)))
    if name == "objects":
        return pd.Series([json.loads(text) for text in values.to_pylist()], dtype=object)
    extension: Any = pd.api.types.pandas_dtype(details)
    return extension.__from_arrow__(values)


def _to_json_values(values: Any) -> list[Any]:
    """Return values as JSON-serialisable values."""
    return [json.loads(text) for text in _to_json_texts(values)]


def _to_json_texts(values: Any) -> list[str]:
    """Return each value of an object column as JSON; ``NaN`` uses Python's JSON extension."""
    cache: dict[Any, str] = {}
    texts = []
    for value in values:
        scalar = value.item() if hasattr(value, "item") else value
        if scalar is not None and not isinstance(scalar, _JSON_TYPES):
            raise BadInput(
                f"cannot send a value to the model's process: {type(value).__name__} {str(value)[:100]!r}",
                hint="convert it to numbers, text or timestamps; or load models in this process "
                '({"load_in_process": true} in the extra of the MLflow connection)',
            )
        if isinstance(scalar, float):
            texts.append(json.dumps(scalar))
        else:  # the type is part of the key, because 1 == True
            key = (type(scalar), scalar)
            texts.append(cache[key] if key in cache else cache.setdefault(key, json.dumps(scalar)))
    return texts


def encode_scores(values: Any) -> tuple[dict[str, Any], bytes]:
    """Encode predictions as a head with type and shape, and the bytes."""
    import numpy as np

    array = np.asarray(values)
    if array.dtype.kind in _NUMERIC_KINDS:
        array = np.ascontiguousarray(array)
        return {"type": array.dtype.str, "shape": list(array.shape)}, array.tobytes()
    names = [value.item() if hasattr(value, "item") else value for value in array.ravel()]
    return {"type": "names", "shape": list(array.shape)}, json.dumps(names, default=str).encode()


def decode_scores(head: dict[str, Any], content: bytes | bytearray) -> np.ndarray[Any, Any]:
    """Decode predictions from an untrusted process.

    :raises ValueError: when the content does not match the head.
    """
    import numpy as np

    shape = tuple(int(size) for size in head["shape"])
    if len(shape) > 3 or any(size < 0 for size in shape):
        raise ValueError(f"invalid shape of scores: {shape}")
    if head["type"] == "names":
        return np.array(json.loads(bytes(content))).reshape(shape)
    dtype = np.dtype(str(head["type"]))
    if dtype.kind not in _NUMERIC_KINDS or dtype.itemsize * math.prod(shape) != len(content):
        raise ValueError(f"{len(content)} bytes do not match scores of type {dtype} and shape {shape}")
    return np.frombuffer(content, dtype=dtype).reshape(shape)
