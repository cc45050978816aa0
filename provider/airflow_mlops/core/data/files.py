"""Readers for CSV and Parquet source files, local or behind any fsspec URI."""

from __future__ import annotations

import io
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from airflow_mlops.common.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

CHUNK_ROWS = 250_000
BUFFER = 1 << 20
MAX_NAME_LENGTH = 300
# First bytes of other formats in a file named CSV: signature, format, hint.
_OTHER_FORMATS = (
    (b"PAR1", "Parquet", "name it .parquet"),
    (b"\x1f\x8b", "gzip", "name it .csv.gz"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet", "unpack it, or save the sheet as CSV"),
    (b"\xff\xfe", "UTF-16 text", "convert it, e.g. with iconv -f UTF-16 -t UTF-8"),
    (b"\xfe\xff", "UTF-16 text", "convert it, e.g. with iconv -f UTF-16 -t UTF-8"),
    (b"<", "HTML or XML", "open it: a server may have returned an error page"),
    (b'{"', "JSON", "write it as CSV or Parquet, e.g. with pandas.read_json(...).to_parquet(...)"),
    (b"[{", "JSON", "write it as CSV or Parquet, e.g. with pandas.read_json(...).to_parquet(...)"),
)


class FileSource:
    """Rows of a file, see :func:`read_file`.

    :param path: its path or fsspec URI.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def read(self, partition: str | None) -> Iterator[pd.DataFrame]:
        """Return the rows of the file."""
        return read_file(self.path)


def read_file(path: str) -> Iterator[pd.DataFrame]:
    """Read a file in chunks.

    In CSV only an empty field is missing: ``NA`` may be Namibia, ``None`` a name. The last fields of a row shorter than
    the header are missing. Files that pandas would silently misread are rejected.

    :param path: ends in ``.csv``, ``.csv.gz`` or ``.parquet``.
    :raises BadInput: when it is missing, empty, truncated, not UTF-8, or of another format than its name says; when it
        has NUL bytes or a row longer than the header; when a column name is empty or repeated.
    """
    import fsspec
    import pandas as pd
    from pyarrow.parquet import ParquetFile

    kind = "parquet" if path.endswith(".parquet") else "csv" if path.endswith((".csv", ".csv.gz")) else None
    if kind is None:
        raise BadInput(f"{path!r} is not a supported file type", hint="use .csv, .csv.gz or .parquet")
    with _translate_errors(path):
        if kind == "csv":
            yield from _read_csv(path)
            return
        with fsspec.open(path, "rb", compression="infer") as file:
            _check_duplicates(ParquetFile(file).schema_arrow.names, path)
            file.seek(0)
            yield pd.read_parquet(file)


@contextmanager
def _translate_errors(path: str) -> Iterator[None]:
    """Translate read errors into one that names the file and gives a hint."""
    import pandas as pd

    try:
        yield
    except FileNotFoundError:
        raise BadInput(f"file not found: {path}", hint="check the path, and that the worker can access it") from None
    except IsADirectoryError:
        raise BadInput("the path is a folder", where=path, hint="name one file in it") from None
    except UnicodeDecodeError as error:
        raise BadInput(
            f"not UTF-8 at byte {error.start}", where=path, hint="convert it, e.g. with iconv -t UTF-8"
        ) from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, EOFError, OSError, ValueError, zlib.error) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise BadInput(f"cannot read the file: {reason}", where=path, hint="check that the file is complete") from error


def _read_csv(path: str) -> Iterator[pd.DataFrame]:
    import pandas as pd
    from pandas.api.types import is_string_dtype

    with _open_text(path) as file:
        # With header=None a first row longer than the header is an error; otherwise pandas would take its first field
        # for a row label and shift the others by one.
        head = pd.read_csv(file, header=None, nrows=2, dtype=str, encoding="utf-8-sig", keep_default_na=False)
        _check_names(head.iloc[0].tolist(), path)
    with _open_text(path) as file:
        first = next(_chunks(file))
        yield first
    if len(first) == CHUNK_ROWS:
        with _open_text(path) as file:
            chunks = _chunks(file, text_columns=[name for name in first.columns if is_string_dtype(first[name].dtype)])
            next(chunks)
            yield from chunks


def _chunks(file: Any, text_columns: Sequence[str] = ()) -> Iterator[pd.DataFrame]:
    """Read a CSV in chunks.

    :param text_columns: columns to read as text. pandas infers types chunk by chunk, and would read a chunk with only
        digits as numbers (the code 00123 would become 123).
    """
    import pandas as pd

    return iter(
        pd.read_csv(
            file,
            keep_default_na=False,
            na_values=[""],
            chunksize=CHUNK_ROWS,
            encoding="utf-8-sig",
            dtype=dict.fromkeys(text_columns, "str"),
        )
    )


@contextmanager
def _open_text(path: str) -> Iterator[BinaryIO]:
    """Open a text file, decompressed and checked."""
    import fsspec

    with (
        fsspec.open(path, "rb", compression="infer") as file,
        io.BufferedReader(_CheckedText(file, path), BUFFER) as text,
    ):
        yield cast("BinaryIO", text)


class _CheckedText(io.RawIOBase):
    """The bytes of a text file. Other formats and NUL bytes are rejected: pandas ends a field at a NUL.

    :param file: the open file.
    :param path: its name, for the error.
    """

    def __init__(self, file: Any, path: str) -> None:
        super().__init__()
        self.file, self.path, self.offset = file, path, 0

    def readable(self) -> bool:
        """Return True: the stream is readable."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes into the buffer and check them."""
        data: bytes = self.file.read(len(buffer))
        if not self.offset:
            _check_kind(data[:64].lstrip(b"\xef\xbb\xbf \r\n\t"), self.path)
        if (position := data.find(b"\0")) >= 0:
            raise BadInput(
                f"a NUL byte at byte {self.offset + position}: the file is not text, or is damaged",
                where=self.path,
                hint="write it again; if it is UTF-16, convert it to UTF-8",
            )
        self.offset += len(data)
        buffer[: len(data)] = data
        return len(data)


def _check_kind(start: bytes, path: str) -> None:
    for signature, kind, hint in _OTHER_FORMATS:
        if start.startswith(signature):
            raise BadInput(f"this is {kind}, not CSV", where=path, hint=hint)


def _check_names(names: list[str], path: str) -> None:
    """Check that the header names each column exactly once.

    :param names: the header's fields, without a byte order mark.
    """
    if unnamed := [number for number, name in enumerate(names, 1) if not name.strip()]:
        hint = "name it, or drop it; pandas writes its index as an unnamed column unless index=False"
        raise BadInput(f"column {unnamed[0]} of {len(names)} has no name", where=path, hint=hint)
    if long := [name for name in names if len(name) > MAX_NAME_LENGTH]:
        what = f"a column name has {len(long[0])} characters: {long[0][:40]!r}..."
        raise BadInput(what, where=path, hint="check that there is a header and that the line ends are right")
    if len(names) == 1 and (separators := [separator for separator in ";\t|" if separator in names[0]]):
        raise BadInput(
            f"the only column is {names[0][:60]!r}: its fields seem to be separated by {separators[0]!r}",
            where=path,
            hint="write it with commas, e.g. with pandas.read_csv(..., sep=...).to_csv(..., index=False)",
        )
    _check_duplicates(names, path)


def _check_duplicates(names: Sequence[str], path: str) -> None:
    by_visible: dict[str, list[str]] = {}
    for name in names:
        by_visible.setdefault(_visible_name(name), []).append(name)
    duplicates = sorted(group[0] for group in by_visible.values() if len(group) > 1)
    if duplicates:
        raise BadInput(f"column names occur twice: {duplicates[:5]}", where=path, hint="rename them at the source")


def _visible_name(name: str) -> str:
    """Return a name as a person reads it: without invisible characters, in NFC, stripped."""
    visible = "".join(character for character in name if unicodedata.category(character) != "Cf")
    return unicodedata.normalize("NFC", visible).strip()
