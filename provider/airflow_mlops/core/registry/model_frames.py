"""Feature rows and scores, as they go between a task and the process of its model.

Rows go over as Arrow; whatever type pandas has for a column, the model sees the same type, and missing stays what it
was: ``NaN`` and ``None`` are two. Scores come back as plain numbers: what is read there comes from a process that has
loaded a foreign file, so nothing of it is interpreted but a type, a shape and as many bytes as they say.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

_NUMBERS = "biuf"
_PLAIN = (str, bool, int, float)


def encoded(frame: pd.DataFrame) -> bytes:
    """Give a frame as an Arrow stream. The index stays here: no score goes by it.

    :raises BadInput: when a column has values that cannot be sent.
    """
    import pyarrow as pa

    kinds, columns = [], []
    for number in range(frame.shape[1]):
        kind, column = _sent(frame.iloc[:, number])
        kinds.append(kind)
        columns.append(column)
    told = {"columns": [_name(name) for name in frame.columns], "kinds": kinds, "rows": len(frame)}
    fields = [pa.field(str(number), column.type) for number, column in enumerate(columns)]
    schema = pa.schema(fields, metadata={"frame": json.dumps(told)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as stream:
        stream.write_table(pa.table(columns, schema=schema))
    content: bytes = sink.getvalue()
    return content


def decoded(content: bytes | bytearray) -> pd.DataFrame:
    """Read a frame back; its numbers may be written to, as in the process that they come from."""
    import pandas as pd
    import pyarrow as pa

    table = pa.ipc.open_stream(pa.py_buffer(content)).read_all()
    told = json.loads(table.schema.metadata[b"frame"])
    columns = {number: _received(told["kinds"][number], table.column(number)) for number in range(table.num_columns)}
    frame = pd.DataFrame(columns, index=range(told["rows"]), copy=False)
    frame.columns = pd.Index(told["columns"])
    return frame


def _name(name: Any) -> str | int:
    if isinstance(name, (str, int)):
        return name
    raise BadInput(f"{name!r} is no name of a column", mend="name columns by text")


def _sent(column: pd.Series[Any]) -> tuple[str, pa.Array]:
    """Give what kind of column it is, and its values."""
    import pandas as pd
    import pyarrow as pa

    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return f"categories:{int(bool(dtype.ordered))}:{json.dumps(_plain(dtype.categories))}", pa.array(
            column.cat.codes
        )
    if isinstance(dtype, pd.StringDtype):
        missing = "nan" if isinstance(dtype.na_value, float) else "na"
        return f"text:{dtype.storage}:{missing}", pa.array(column.array, type=pa.large_string())
    if pd.api.types.is_object_dtype(dtype):
        return "objects", pa.array(_texts(column), type=pa.large_string())
    if isinstance(dtype, pd.api.extensions.ExtensionDtype):
        return f"pandas:{dtype}", pa.array(column.array)
    if dtype.kind in _NUMBERS:
        return "numbers", pa.array(column.to_numpy())
    if dtype.kind in "mM":
        return f"moments:{dtype.str}", pa.array(column.to_numpy().view("int64"))
    raise BadInput(f"column {column.name!r} is of a type that cannot be sent to a model: {dtype}")


def _received(kind: str, values: pa.ChunkedArray) -> Any:
    """Give a column's values, in the type that they had."""
    import numpy as np
    import pandas as pd

    name, _, rest = kind.partition(":")
    if name in ("numbers", "moments"):
        plain = np.array(values.to_numpy())  # its own: what Arrow gives cannot be written to
        return plain if name == "numbers" else plain.view(rest)
    if name == "text":
        storage, missing = rest.split(":")
        text: Any = pd.StringDtype(
            "python" if storage == "python" else "pyarrow", na_value=np.nan if missing == "nan" else pd.NA
        )
        return text.__from_arrow__(values)
    if name == "categories":
        ordered, categories = rest.split(":", 1)
        known = pd.Index(json.loads(categories))
        return pd.Categorical.from_codes(values.to_numpy(), categories=known, ordered=bool(int(ordered)))
    if name == "objects":
        return pd.Series([json.loads(text) for text in values.to_pylist()], dtype=object)
    extension: Any = pd.api.types.pandas_dtype(rest)
    return extension.__from_arrow__(values)


def _plain(values: Any) -> list[Any]:
    """Give values as JSON has them."""
    return [json.loads(text) for text in _texts(values)]


def _texts(values: Any) -> list[str]:
    """Give each value of a column of objects as JSON; ``NaN`` is a word of Python's own there."""
    known: dict[Any, str] = {}
    texts = []
    for value in values:
        plain = value.item() if hasattr(value, "item") else value
        if plain is not None and not isinstance(plain, _PLAIN):
            raise BadInput(
                f"a value that cannot be sent to a model's process: {type(value).__name__} {str(value)[:100]!r}",
                mend="make it a number, text or a moment's column; or load models in this process "
                '({"load_in_process": true} in the extra of the MLflow connection)',
            )
        if isinstance(plain, float):
            texts.append(json.dumps(plain))
        else:  # 1 and True are the same key, and not the same value
            key = (type(plain), plain)
            texts.append(known[key] if key in known else known.setdefault(key, json.dumps(plain)))
    return texts


def scores_out(values: Any) -> tuple[dict[str, Any], bytes]:
    """Give what a model predicted: a head that says what follows, and the bytes."""
    import numpy as np

    given = np.asarray(values)
    if given.dtype.kind in _NUMBERS:
        given = np.ascontiguousarray(given)
        return {"type": given.dtype.str, "shape": list(given.shape)}, given.tobytes()
    names = [value.item() if hasattr(value, "item") else value for value in given.ravel()]
    return {"type": "names", "shape": list(given.shape)}, json.dumps(names, default=str).encode()


def scores_in(head: dict[str, Any], content: bytes | bytearray) -> np.ndarray[Any, Any]:
    """Read them, believing nothing.

    :raises ValueError: when they are not what the head says.
    """
    import numpy as np

    shape = tuple(int(size) for size in head["shape"])
    if len(shape) > 3 or any(size < 0 for size in shape):
        raise ValueError(f"scores of the shape {shape}")
    if head["type"] == "names":
        return np.array(json.loads(bytes(content))).reshape(shape)
    dtype = np.dtype(str(head["type"]))
    if dtype.kind not in _NUMBERS or dtype.itemsize * math.prod(shape) != len(content):
        raise ValueError(f"{len(content)} bytes of scores of the type {dtype} and the shape {shape}")
    return np.frombuffer(content, dtype=dtype).reshape(shape)
