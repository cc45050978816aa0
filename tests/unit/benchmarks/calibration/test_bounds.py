from __future__ import annotations

import pytest
from scipy import stats

from benchmarks.calibration.bounds import interval, judged


@pytest.mark.parametrize(("fired", "streams"), [(0, 500), (10, 500), (500, 500), (3, 60)])
def test_the_ends_of_the_interval_leave_a_fortieth_on_each_side(fired, streams):
    low, high = interval(fired, streams)
    assert low == 0 if fired == 0 else stats.binom.sf(fired - 1, streams, low) == pytest.approx(0.025)
    assert high == 1 if fired == streams else stats.binom.cdf(fired, streams, high) == pytest.approx(0.025)


def test_quiet_studies_pass_by_the_upper_end_of_the_interval():
    found = [judged("aa", fired, 500, small=False).holds for fired in range(30)]
    assert found == [True] * 16 + [False] * 14
    assert judged("tiny mean 0.02 sd", 16, 500, small=False).holds is False


def test_shifts_pass_by_their_rate():
    assert judged("shift mean", 475, 500, small=False).holds is True
    assert judged("shift mean", 474, 500, small=False).holds is False


def test_few_streams_are_refused_only_when_that_is_no_chance():
    assert judged("aa", 9, 60, small=True).holds is True
    assert judged("aa", 10, 60, small=True).holds is False
    assert stats.binom.sf(9, 60, 0.05) < 0.001
    assert judged("shift mean", 51, 60, small=True).holds is True
    assert judged("shift mean", 50, 60, small=True).holds is False


@pytest.mark.parametrize("study", ["info aa clustered, key not named", "evidently aa, any column"])
def test_of_what_is_only_told_nothing_is_promised(study):
    assert judged(study, 60, 60, small=True).holds is None


def test_of_signals_kept_apart_the_last_word_says_what_is_promised():
    assert judged("apart covariate, older, logistic: concept quiet", 0, 200, small=False).holds is True
    assert judged("apart covariate, older, logistic: concept quiet", 200, 200, small=False).holds is False
    assert judged("apart covariate, older, logistic: data found", 200, 200, small=False).holds is True
    assert judged("apart covariate, older, logistic: data found", 0, 200, small=False).holds is False
    assert judged("info apart covariate, older, logistic: predictions told", 200, 200, small=False).holds is None
