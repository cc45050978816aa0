"""Reading the files that people have: CSV and Parquet, local or behind any fsspec URI."""

from __future__ import annotations

import io
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from airflow_mlops.core.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

CHUNK_ROWS = 250_000
BUFFER = 1 << 20
LONGEST_NAME = 300
# What a file that is called CSV begins with when it is something else: the first bytes, and how to say it.
_OTHER_KINDS = (
    (b"PAR1", "Parquet", "name it .parquet"),
    (b"\x1f\x8b", "gzip", "name it .csv.gz"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet", "unpack it, or save the sheet as CSV"),
    (b"\xff\xfe", "UTF-16 text", "convert it, e.g. with iconv -f UTF-16 -t UTF-8"),
    (b"\xfe\xff", "UTF-16 text", "convert it, e.g. with iconv -f UTF-16 -t UTF-8"),
    (b"<", "HTML or XML", "look into it: a server may have answered with an error page"),
    (b'{"', "JSON", "write it as CSV or Parquet, e.g. with pandas.read_json(...).to_parquet(...)"),
    (b"[{", "JSON", "write it as CSV or Parquet, e.g. with pandas.read_json(...).to_parquet(...)"),
)


def read_file(path: str) -> Iterator[pd.DataFrame]:
    """Read a file in chunks.

    In CSV only an empty field is missing: ``NA`` may be Namibia, ``None`` a name. A row that is shorter than the header
    has its last fields missing. What pandas would read in a way that nobody meant is refused.

    :param path: ends in ``.csv``, ``.csv.gz`` or ``.parquet``.
    :raises BadInput: when it is missing, empty, truncated, of another kind than its name says, not UTF-8, has NUL bytes
        or a row longer than the header, or when a column has no name or the name of another.
    """
    import fsspec
    import pandas as pd
    from pyarrow.parquet import ParquetFile

    kind = "parquet" if path.endswith(".parquet") else "csv" if path.endswith((".csv", ".csv.gz")) else None
    if kind is None:
        raise BadInput(f"cannot tell what kind of file {path!r} is", mend="name it .csv, .csv.gz or .parquet")
    with _told(path):
        if kind == "csv":
            yield from _read_csv(path)
            return
        with fsspec.open(path, "rb", compression="infer") as file:
            _no_repeats(ParquetFile(file).schema_arrow.names, path)
            file.seek(0)
            yield pd.read_parquet(file)


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Turn what reading raises into an error that names the file and the mend."""
    import pandas as pd

    try:
        yield
    except FileNotFoundError:
        raise BadInput(f"there is no file {path}", mend="check the path, and that the worker can see it") from None
    except IsADirectoryError:
        raise BadInput("this is a folder", where=path, mend="name one file in it") from None
    except UnicodeDecodeError as error:
        raise BadInput(
            f"not UTF-8 at byte {error.start}", where=path, mend="convert it, e.g. with iconv -t UTF-8"
        ) from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, EOFError, OSError, ValueError, zlib.error) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise BadInput(f"cannot read it: {reason}", where=path, mend="is it whole?") from error


def _read_csv(path: str) -> Iterator[pd.DataFrame]:
    import pandas as pd
    from pandas.api.types import is_string_dtype

    with _opened(path) as file:
        # With header=None a first row that is longer than the header is an error; otherwise pandas would take its
        # first field for a row label and shift the others by one.
        head = pd.read_csv(file, header=None, nrows=2, dtype=str, encoding="utf-8-sig", keep_default_na=False)
        _check_names(head.iloc[0].tolist(), path)
    with _opened(path) as file:
        first = next(_chunks(file))
        yield first
    if len(first) == CHUNK_ROWS:
        with _opened(path) as file:
            later = _chunks(file, texts=[name for name in first.columns if is_string_dtype(first[name].dtype)])
            next(later)
            yield from later


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


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    """Open a text file, unpacked and looked at."""
    import fsspec

    with fsspec.open(path, "rb", compression="infer") as file, io.BufferedReader(_Checked(file, path), BUFFER) as text:
        yield cast("BinaryIO", text)


class _Checked(io.RawIOBase):
    """The bytes of a text file; another kind of file is refused, and so are NUL bytes: pandas ends a field there.

    :param file: the open file.
    :param path: its name, for the error.
    """

    def __init__(self, file: Any, path: str) -> None:
        super().__init__()
        self.file, self.path, self.place = file, path, 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read on."""
        data: bytes = self.file.read(len(buffer))
        if not self.place:
            _check_kind(data[:64].lstrip(b"\xef\xbb\xbf \r\n\t"), self.path)
        if (at := data.find(b"\0")) >= 0:
            raise BadInput(
                f"a NUL byte at byte {self.place + at}: this is no text, or it is damaged",
                where=self.path,
                mend="write it again; if it is UTF-16, convert it to UTF-8",
            )
        self.place += len(data)
        buffer[: len(data)] = data
        return len(data)


def _check_kind(start: bytes, path: str) -> None:
    for mark, kind, mend in _OTHER_KINDS:
        if start.startswith(mark):
            raise BadInput(f"this is {kind}, not CSV", where=path, mend=mend)


def _check_names(names: list[str], path: str) -> None:
    """Refuse a header that does not name each column once.

    :param names: the header's fields; the first row of a file with a mark of its byte order has lost it.
    """
    if unnamed := [number for number, name in enumerate(names, 1) if not name.strip()]:
        mend = "name it, or drop it; pandas writes its row labels so unless told index=False"
        raise BadInput(f"column {unnamed[0]} of {len(names)} has no name", where=path, mend=mend)
    if long := [name for name in names if len(name) > LONGEST_NAME]:
        told = f"a column name has {len(long[0])} characters: {long[0][:40]!r}..."
        raise BadInput(told, where=path, mend="is there a header, and are the line ends right?")
    if len(names) == 1 and (marks := [mark for mark in ";\t|" if mark in names[0]]):
        raise BadInput(
            f"the only column is {names[0][:60]!r}: its fields seem to be separated by {marks[0]!r}",
            where=path,
            mend="write it with commas, e.g. with pandas.read_csv(..., sep=...).to_csv(..., index=False)",
        )
    _no_repeats(names, path)


def _no_repeats(names: Sequence[str], path: str) -> None:
    seen: dict[str, list[str]] = {}
    for name in names:
        seen.setdefault(_as_seen(name), []).append(name)
    repeated = sorted(same[0] for same in seen.values() if len(same) > 1)
    if repeated:
        raise BadInput(f"column names occur twice: {repeated[:5]}", where=path, mend="rename them at the source")


def _as_seen(name: str) -> str:
    """Give a name as a person sees it: without signs that cannot be seen, composed, without blanks around it."""
    visible = "".join(character for character in name if unicodedata.category(character) != "Cf")
    return unicodedata.normalize("NFC", visible).strip()
