"""Strings are read from the memory of Polars."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.core.data.profiles import arrow, text
from airflow_mlops.core.data.profiles.arrow import INLINE, text_views
from airflow_mlops.core.data.profiles.names import hash_names, hash_short_names

SHORT = st.text("ab\0é€😀\x7f", max_size=12).filter(lambda name: len(name.encode()) <= INLINE)


@settings(deadline=None)
@given(st.lists(st.lists(SHORT | st.text(min_size=13, max_size=30), max_size=9), max_size=4), st.integers(0, 9))
def test_views_tell_sizes_and_short_texts_in_any_chunks_and_slices(chunks: list[list[str]], start: int) -> None:
    parts = [pl.Series("\0", [], dtype=pl.String), *(pl.Series("\0", chunk, dtype=pl.String) for chunk in chunks)]
    texts = pl.concat(parts, rechunk=False).slice(start, 20)  # a name with a NUL would end the process
    views = text_views(texts)
    assert views is not None
    assert views[:, 0].tolist() == [len(name.encode()) for name in texts]
    for view, name in zip(views, texts, strict=True):
        if len(name.encode()) <= INLINE:
            assert view[1:].tobytes() == name.encode().ljust(INLINE, b"\0")


@settings(deadline=None)
@given(st.lists(SHORT, max_size=20))
def test_short_names_hash_from_their_views_as_from_their_bytes(names: list[str]) -> None:
    views = text_views(pl.Series(names, dtype=pl.String))
    assert views is not None
    assert hash_short_names(views).tolist() == hash_names(names).tolist()


def test_short_names_of_many_blocks_are_hashed_each_by_itself() -> None:
    names = [f"user-{i}" for i in range(40_000)]
    views = text_views(pl.Series(names))
    assert views is not None
    assert hash_short_names(views).tolist() == hash_names(names).tolist()


def test_what_is_not_laid_out_as_views_is_read_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    assert text_views(pl.Series([1, 2])) is None
    names = pl.Series(["a", "e\N{COMBINING ACUTE ACCENT}", "x" * 90])
    expected = [block.hashes().tolist() for block in text.iter_blocks(names)]
    monkeypatch.setattr(arrow, "_TEXT_VIEWS", b"another")
    assert text_views(names) is None
    assert [block.hashes().tolist() for block in text.iter_blocks(names)] == expected
