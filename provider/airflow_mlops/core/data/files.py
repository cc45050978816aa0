"""Reading the files that people have: CSV and Parquet, local or behind any fsspec URI."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

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

    kind = "parquet" if path.endswith(".parquet") else "csv" if path.endswith((".csv", ".csv.gz")) else None
    if kind is None:
        raise BadInput(f"cannot tell what kind of file {path!r} is", mend="name it .csv, .csv.gz or .parquet")
    try:
        with fsspec.open(path, "rb", compression="infer") as file:
            if kind == "parquet":
                yield pd.read_parquet(file)
                return
            header = file.readline().decode("utf-8-sig").strip()
            _no_repeats(header, path)
            file.seek(0)
            whole = pd.read_csv(file, keep_default_na=False, na_values=[""], chunksize=CHUNK_ROWS, encoding="utf-8-sig")
            for chunk in whole:
                _no_shift(chunk, path)
                yield chunk
    except FileNotFoundError:
        raise BadInput(f"there is no file {path}", mend="check the path, and that the worker can see it") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"not UTF-8 at byte {error.start}", where=path, mend="convert it, e.g. with iconv -t UTF-8") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, EOFError, OSError, ValueError, zlib.error) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise BadInput(f"cannot read it: {reason}", where=path, mend="is it whole?") from error


def _no_shift(chunk: pd.DataFrame, path: str) -> None:
    """Refuse rows with more fields than the header: pandas would take the first for row labels and shift the rest."""
    import pandas as pd

    if not isinstance(chunk.index, pd.RangeIndex):
        raise BadInput(
            f"the rows have more fields than the header's {len(chunk.columns)} names", where=path, mend="name every column"
        )


def _no_repeats(header: str, path: str) -> None:
    import csv

    names = next(csv.reader([header]), [])
    repeated = sorted({n for n in names if names.count(n) > 1})
    if repeated:
        raise BadInput(f"column names occur twice: {repeated[:5]}", where=path, mend="rename them at the source")
