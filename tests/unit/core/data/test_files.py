"""Source files are read as declared, or rejected with the reason."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data import files


def read(path: Path) -> pd.DataFrame:
    return pd.concat(list(files.read_file(str(path))))


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return tmp_path / "d.csv"


def test_only_an_empty_field_is_missing(csv: Path) -> None:
    csv.write_text("country,n\nNA,1\nNone,\n,3\n")
    frame = read(csv)
    assert frame["country"].isna().tolist() == [False, False, True]
    assert frame["country"].tolist()[:2] == ["NA", "None"]
    assert frame["n"].isna().tolist() == [False, True, False]


def test_a_byte_order_mark_and_compression_do_not_matter(tmp_path: Path) -> None:
    plain, zipped = tmp_path / "d.csv", tmp_path / "d.csv.gz"
    plain.write_bytes(b"\xef\xbb\xbfa,b\n1,2\n")
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    assert list(read(plain).columns) == ["a", "b"]
    assert read(zipped).equals(read(plain))


def test_a_large_file_comes_in_chunks(csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK_ROWS", 2)
    csv.write_text("a\n1\n2\n3\n")
    assert [len(chunk) for chunk in files.read_file(str(csv))] == [2, 1]


def test_a_text_column_stays_text_in_a_chunk_that_has_only_digits(csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK_ROWS", 2)
    csv.write_text("code,n\nA1,1\n,2\n00123,3\n,4\n00456,\n")
    frame = read(csv)
    assert frame["code"].dropna().tolist() == ["A1", "00123", "00456"]
    assert frame["n"].tolist()[:4] == [1, 2, 3, 4]
    assert frame.isna().sum().tolist() == [2, 1]


def test_parquet_is_read(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "d.parquet")
    assert read(tmp_path / "d.parquet")["a"].tolist() == [1]


def test_a_header_alone_is_a_table_without_rows(csv: Path) -> None:
    csv.write_text("a,b\n")
    assert read(csv).shape == (0, 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot read the file"),
        (b"a,b,a\n1,2,3\n", r"occur twice: \['a'\]"),
        (b'"a, x","a, x"\n1,2\n', "occur twice"),
        (b"a,b\n1,2\n1,2,3\n", "cannot read the file"),
        (b"a,b\n1,2,3\n4,5,6\n", "Expected 2 fields in line 2, saw 3"),  # pandas would shift them
        (b"a,b\n0,2,3\n1,5,6\n", "Expected 2 fields in line 2, saw 3"),
        (b"a\n\xff\xfe\n", "not UTF-8"),
        (b"\xff\xfe\n1\n", "UTF-16"),
    ],
)
def test_a_csv_that_cannot_be_trusted_is_refused_by_name(csv: Path, content: bytes, message: str) -> None:
    csv.write_bytes(content)
    with pytest.raises(BadInput, match=message) as caught:
        read(csv)
    assert str(csv) in str(caught.value.where)


@pytest.mark.parametrize("suffix", [".parquet", ".csv.gz"])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"d{suffix}"
    frame = pd.DataFrame({"a": range(5000)})
    if suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BadInput, match="cannot read the file") as caught:
        read(path)
    assert str(path) in str(caught.value.where)


def test_a_missing_file_and_an_unsupported_type_have_different_errors(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="file not found"):
        read(tmp_path / "d.csv")
    with pytest.raises(BadInput, match="is not a supported file type"):
        read(tmp_path / "d.xlsx")
