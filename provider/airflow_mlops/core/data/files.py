"""Reading the files that people have: CSV and Parquet, local or behind any fsspec URI."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

CHUNK_ROWS = 250_000


def read_file(path: str) -> Iterator[pd.DataFrame]:
    """Read a file in chunks.

    In CSV only an empty field is missing: ``NA`` may be Namibia, ``None`` a name. A header that names a column twice is
    refused, because pandas would quietly rename the second.

    :param path: ends in ``.csv``, ``.csv.gz`` or ``.parquet``.
    :raises BadInput: when it is missing, empty, truncated, not UTF-8, or names a column twice.
    """
    import fsspec
    import pandas as pd
    from pandas.api.types import is_string_dtype

    kind = "parquet" if path.endswith(".parquet") else "csv" if path.endswith((".csv", ".csv.gz")) else None
    if kind is None:
        raise BadInput(f"cannot tell what kind of file {path!r} is", mend="name it .csv, .csv.gz or .parquet")
    try:
        with fsspec.open(path, "rb", compression="infer") as file:
            if kind == "parquet":
                yield pd.read_parquet(file)
                return
            # With header=None a first row that is longer than the header is an error; otherwise pandas would take its
            # first field for a row label and shift the others by one.
            names = pd.read_csv(file, header=None, nrows=2, dtype=str, encoding="utf-8-sig").iloc[0].dropna()
            _no_repeats(names.tolist(), path)
            file.seek(0)
            first = next(_chunks(file))
            yield first
        if len(first) == CHUNK_ROWS:
            with fsspec.open(path, "rb", compression="infer") as file:
                later = _chunks(file, texts=[name for name in first.columns if is_string_dtype(first[name].dtype)])
                next(later)
                yield from later
    except FileNotFoundError:
        raise BadInput(f"there is no file {path}", mend="check the path, and that the worker can see it") from None
    except UnicodeDecodeError as error:
        raise BadInput(
            f"not UTF-8 at byte {error.start}", where=path, mend="convert it, e.g. with iconv -t UTF-8"
        ) from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, EOFError, OSError, ValueError, zlib.error) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise BadInput(f"cannot read it: {reason}", where=path, mend="is it whole?") from error


def _chunks(file: Any, texts: Sequence[str] = ()) -> Iterator[pd.DataFrame]:
    """Read a CSV in chunks.

    :param texts: columns that are text: pandas looks at each chunk alone, and would make numbers of one that happens to
        have only digits (the code 00123 would become 123).
    """
    import pandas as pd

    return iter(
        pd.read_csv(
            file,
            keep_default_na=False,
            na_values=[""],
            chunksize=CHUNK_ROWS,
            encoding="utf-8-sig",
            dtype=dict.fromkeys(texts, "str"),
        )
    )


def _no_repeats(names: list[str], path: str) -> None:
    repeated = sorted({n for n in names if names.count(n) > 1})
    if repeated:
        raise BadInput(f"column names occur twice: {repeated[:5]}", where=path, mend="rename them at the source")
