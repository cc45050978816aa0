"""The memory of a stretch of work is its own: neither what was before it, nor what another one took."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from airflow_mlops.core.training import usage
from airflow_mlops.core.training.usage import measure_usage, resident_memory

linux = pytest.mark.skipif(not usage.CLEAR_REFS_FILE.exists(), reason="only Linux keeps the peak of a stretch")
MB = 1_000_000


@linux
def test_what_was_taken_and_given_back_is_seen_and_an_earlier_peak_is_not() -> None:
    np.ones(20 * MB, np.int64).sum()  # a higher peak, long gone
    with measure_usage() as outer:
        with measure_usage() as large:
            taken = np.ones(10 * MB, np.int64)
            del taken
        with measure_usage() as small:
            pass
    assert large.memory_mb == pytest.approx(80, abs=8)
    assert small.memory_mb == pytest.approx(0, abs=8)
    assert outer.memory_mb is not None
    assert large.memory_mb is not None
    assert outer.memory_mb >= large.memory_mb - 8
    assert (resident_memory() or 0) > 10 * MB


@linux
def test_a_stretch_inside_another_does_not_hide_what_the_outer_one_took_before_it() -> None:
    with measure_usage() as outer:
        np.ones(10 * MB, np.int64).sum()
        with measure_usage():
            pass
    assert outer.memory_mb == pytest.approx(80, abs=8)


@linux
def test_work_that_fails_is_measured_and_its_error_goes_on() -> None:
    with pytest.raises(ZeroDivisionError), measure_usage() as spent:
        1 / 0  # noqa: B018
    assert spent.memory_mb is not None
    with measure_usage() as after:
        pass
    assert after.memory_mb is not None


@pytest.mark.parametrize("gone", ["STATUS_FILE", "CLEAR_REFS_FILE"])
def test_where_it_cannot_be_measured_there_is_no_figure(gone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, gone, Path("/nowhere/at/all"))
    with measure_usage() as spent:
        pass
    assert spent.memory_mb is None
    assert set(spent.to_metrics()) == {"train_seconds"}
