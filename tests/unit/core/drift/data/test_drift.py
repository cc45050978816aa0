"""Drift is told when it matters and is no accident: never by chance, never silently, never on too little."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data.profiles import Profile, profile
from airflow_mlops.core.data.profiles.numbers import NumberHistogram
from airflow_mlops.core.drift.data import DriftPolicy, check_drift
from airflow_mlops.core.drift.data.distances import kolmogorov_smirnov, wasserstein

FAMILIES: dict[str, Any] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "lognormal": lambda rng, n: rng.lognormal(0, 1, n),
    "gamma": lambda rng, n: rng.gamma(2, 3, n),
    "bimodal": lambda rng, n: np.where(rng.random(n) < 0.3, rng.normal(-3, 1, n), rng.normal(2, 0.5, n)),
    "poisson": lambda rng, n: rng.poisson(4, n).astype(float),
    "cents": lambda rng, n: np.round(rng.exponential(20, n), 2),
}
SHARES = {"c0": [0.5, 0.3, 0.2], "c1": [0.9, 0.1], "c2": [0.25] * 4, "c3": [0.6, 0.3, 0.08, 0.02]}


def stream(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """Twelve columns: six families of numbers, four categories, one bool, one with missing values."""
    columns: dict[str, Any] = {name: draw(rng, n) for name, draw in FAMILIES.items()}
    columns |= {name: rng.choice([f"v{i}" for i in range(len(p))], n, p=p) for name, p in SHARES.items()}
    columns["flag"] = rng.random(n) < 0.3
    columns["holes"] = rng.normal(size=n)
    return pl.DataFrame(columns).with_columns(holes=pl.when(pl.Series(rng.random(n) > 0.1)).then("holes"))


def judged(reference: Any, current: Any, policy: Any = None, **options: Any) -> Report:
    before = profile(_frame(reference), **options)
    return check_drift(before, profile(_frame(current), like=before), policy)


def _frame(values: Any) -> pl.DataFrame:
    return values if isinstance(values, pl.DataFrame) else pl.DataFrame({"x": values})


def only(report: Report, where: str = "x") -> Check:
    (check,) = [c for c in report.checks if c.where == where]
    return check


def numbers(reference: Any, current: Any) -> tuple[NumberHistogram, NumberHistogram]:
    before = profile(_frame(reference))
    pair = (before.columns["x"].numbers, profile(_frame(current), like=before).columns["x"].numbers)
    assert pair[0] is not None
    assert pair[1] is not None
    return pair[0], pair[1]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (1.0, 0.11), (1.4, 0.0), (0.5, -2.0)])
def test_wasserstein_and_ks_from_profiles_agree_with_the_rows(family: str, scale: float, shift: float) -> None:
    rng = np.random.default_rng(11)
    reference = FAMILIES[family](rng, 20_000)
    current = FAMILIES[family](rng, 15_000) * scale + shift * reference.std()
    a, b = numbers(reference, current)
    exact = stats.wasserstein_distance(reference, current) / reference.std()
    atoms = family in ("poisson", "cents")  # a heap within a cell is only known to be somewhere in it
    assert wasserstein(a, b) / a.std == pytest.approx(exact, abs=a.grid.step / a.std if atoms else 1e-3)
    if not atoms:
        assert kolmogorov_smirnov(a, b) == pytest.approx(stats.ks_2samp(reference, current).statistic, abs=2e-2)
    assert kolmogorov_smirnov(a, b) <= stats.ks_2samp(reference, current).statistic + 1e-9


VALUES = st.lists(st.one_of(st.floats(-100, 100), st.integers(-5, 5).map(float)), min_size=2, max_size=50)


@settings(max_examples=200)
@given(VALUES, VALUES)
def test_wasserstein_of_any_numbers_is_within_a_cell_of_the_exact_one(r: list[float], c: list[float]) -> None:
    a, b = numbers(r, c)
    assert wasserstein(a, b) == pytest.approx(stats.wasserstein_distance(r, c), abs=a.grid.step + 1e-9)


@given(
    st.lists(st.integers(-20, 20), min_size=1, max_size=60),
    st.lists(st.integers(-20, 20), min_size=1, max_size=60),
)
def test_whole_numbers_give_the_exact_distances(r: list[int], c: list[int]) -> None:
    assume(len(set(r)) > 1)
    a, b = numbers(r, c)
    assert wasserstein(a, b) == pytest.approx(stats.wasserstein_distance(r, c), abs=1e-9)
    assert kolmogorov_smirnov(a, b) == pytest.approx(stats.ks_2samp(r, c).statistic, abs=1e-9)


NAMES = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=80)


@given(NAMES, NAMES)
def test_jensen_shannon_from_profiles_is_exact(r: list[str], c: list[str]) -> None:
    observed = only(judged(r, c, {"min_rows": 1})).observed
    counts = [[side.count(name) for name in "abcdefgh"] for side in (r, c)]
    exact = float(jensenshannon(*counts, base=2))
    assert observed["signals"]["jensenshannon"]["effect"] == pytest.approx(exact, abs=1e-7)


def test_streams_without_drift_are_quiet() -> None:
    reference = profile(stream(np.random.default_rng(0), 20_000))
    fired = 0
    for seed in range(1, 201):
        report = check_drift(reference, profile(stream(np.random.default_rng(seed), 1000), like=reference))
        assert len(report.checks) == 12
        fired += report.verdict != "pass"
    assert fired <= 6


def test_small_references_and_a_thousand_categories_are_quiet_too() -> None:
    fired = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        both = [pl.DataFrame({f"c{i}": rng.integers(0, 1000, 1000).astype(str) for i in range(4)}) for _ in range(2)]
        fired += judged(*both).verdict != "pass"
    assert fired <= 2


def test_categories_beyond_the_cap_are_judged_too_without_favouring_the_frequent_ones() -> None:
    fired = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        reference, current = (rng.integers(0, 1000, 10_000).astype(str) for _ in range(2))
        fired += judged(reference, current).verdict != "pass"
        moved = np.where(rng.random(10_000) < 0.2, "999", current)
        assert judged(reference, moved).verdict == "fail"
    assert fired <= 3


def test_new_names_among_many_rare_ones_are_expected_but_not_among_few() -> None:
    rng = np.random.default_rng(1)
    rare = [np.where(rng.random(2000) < 0.9, 0, rng.integers(1, 400, 2000)).astype(str) for _ in range(2)]
    report = judged(rare[0], rare[1], {"new_categories_threshold": 0.01})
    assert only(report).observed["signals"]["new_categories"]["effect"] > 0.01
    assert report.verdict == "pass"
    assert judged(["a", "b"] * 1000, ["a", "b"] * 900 + ["c"] * 200).verdict == "fail"


def test_a_shift_too_small_to_matter_is_quiet_however_certain() -> None:
    rng = np.random.default_rng(7)
    report = judged(rng.normal(size=400_000), rng.normal(0.03, 1, 400_000))
    assert report.verdict == "pass"
    assert only(report).observed["p_value"] < 1e-6


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("normal", pl.col("normal") + 0.3),
        ("gamma", pl.col("gamma") + 0.3 * 4.24),
        ("normal", pl.col("normal") * 1.5),
        (
            "c0",
            pl.when(pl.col("c0") == "v0").then(pl.Series(np.resize(["v1"] + ["v0"] * 4, 5000))).otherwise("c0"),
        ),
        (
            "c1",
            pl.when(pl.col("c1") == "v0").then(pl.Series(np.resize(["v1"] + ["v0"] * 8, 5000))).otherwise("c1"),
        ),
        ("holes", pl.when(pl.Series(np.resize([False] + [True] * 10, 5000))).then("holes")),
        (
            "c2",
            pl.when(pl.Series(np.resize([True] + [False] * 11, 5000))).then(pl.lit("new")).otherwise("c2"),
        ),
        ("flag", pl.col("flag") | pl.Series(np.resize([True] + [False] * 4, 5000))),
        ("poisson", pl.col("poisson") + 1),
    ],
)
def test_planted_drift_is_found_in_its_column_and_in_no_other(column: str, change: pl.Expr) -> None:
    reference = profile(stream(np.random.default_rng(0), 10_000))
    found = 0
    for seed in range(1, 11):
        current = stream(np.random.default_rng(seed), 5000).with_columns(change.alias(column))
        report = check_drift(reference, profile(current, like=reference))
        assert {c.where for c in report.failed} <= {column}
        found += report.verdict == "fail"
    assert found == 10


def test_a_failed_check_describes_the_change_in_text_and_in_numbers() -> None:
    rng = np.random.default_rng(1)
    check = only(judged(rng.normal(10, 2, 5000), rng.normal(12, 2, 5000)))
    assert check.status == "fail"
    assert check.message.startswith("mean 9.9")
    assert "-> 11.9" in check.message
    assert "reference sd" in check.message
    assert check.observed["method"] == "wasserstein"
    assert check.observed["effect"] == pytest.approx(1.0, abs=0.1)
    assert check.observed["current"]["mean"] == pytest.approx(12, abs=0.2)
    assert (check.observed["n_reference"], check.observed["n_current"]) == (5000, 5000)
    told = judged(["a"] * 500 + ["b"] * 500, ["a"] * 400 + ["b"] * 400 + ["c"] * 200).summary()
    assert "20.0% in categories new to the reference: 'c'" in told


def test_too_few_rows_are_not_judged_and_never_a_pass() -> None:
    report = judged(list(range(1000)), [5000] * 99)
    assert report.verdict == "inconclusive"
    assert only(report).status == "inconclusive"
    assert judged(list(range(1000)), [5000] * 100).verdict == "fail"
    assert check_drift(Profile(0), Profile(0)).verdict == "inconclusive"
    assert judged(list(range(1000)), pl.DataFrame({"x": []}, schema={"x": pl.Int64})).verdict == "inconclusive"


def test_rows_that_belong_together_count_as_one() -> None:
    def clustered(seed: int, effects: int = 150, days: int = 30) -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        customer = np.repeat(np.arange(effects), days)
        return pl.DataFrame({"customer": customer, "x": rng.normal(size=effects)[customer]})

    alarms = {"rows": 0, "clusters": 0}
    for seed in range(40):
        both = clustered(2 * seed), clustered(2 * seed + 1)
        alarms["rows"] += judged(*both, columns=["x"]).verdict == "fail"
        alarms["clusters"] += judged(*both, columns=["x"], cluster="customer").verdict == "fail"
    assert alarms["rows"] > 20
    assert alarms["clusters"] <= 2


def test_a_missing_or_emptied_or_retyped_column_fails() -> None:
    reference = pl.DataFrame({"x": np.arange(200.0)})
    assert "missing from the current" in only(judged(reference, pl.DataFrame({"y": range(200)}))).message
    emptied = only(judged(reference, pl.DataFrame({"x": [None] * 200}, schema={"x": pl.Float64})))
    assert (emptied.status, emptied.message) == ("fail", "all values are missing")
    retyped = only(judged(reference, pl.DataFrame({"x": ["a"] * 200})))
    assert (retyped.name, retyped.status) == ("type", "fail")


def test_a_constant_reference_drifts_when_values_leave_it() -> None:
    for constant in (3.7, 5.0, 0.0):
        values = np.full(1000, constant)
        assert judged(values, values).verdict == "pass"
        assert judged(values, np.where(np.arange(1000) < 20, constant + 1, constant)).verdict == "pass"
        left = only(judged(values, np.where(np.arange(1000) < 100, constant + 0.01, constant)))
        assert left.status == "fail"
        assert left.observed["effect"] == pytest.approx(0.1)
        assert judged(values, values + 1e-3).verdict == "fail"


@pytest.mark.parametrize("bad", [math.inf, -math.inf])
def test_an_infinite_value_never_passes(bad: float) -> None:
    values = np.random.default_rng(1).normal(size=1000)
    report = judged(values, np.where(np.arange(1000) == 5, bad, values))
    assert report.verdict == "fail"
    assert "1 infinite values" in only(report).message


def test_numbers_too_large_to_be_measured_never_pass() -> None:
    values = np.random.default_rng(1).normal(size=1000)
    huge = np.where(np.arange(1000) == 5, 1.7e308, values)
    assert judged(values, huge).verdict == "fail"
    assert judged(huge, values).verdict == "fail"


def test_severity_thresholds_and_ignoring_are_set_by_column() -> None:
    rng = np.random.default_rng(1)
    before = profile(pl.DataFrame({"a": rng.normal(size=1000), "b": rng.normal(size=1000)}))
    now = profile(pl.DataFrame({"a": rng.normal(0.5, 1, 1000), "b": rng.normal(size=1000)}), like=before)
    assert check_drift(before, now).verdict == "fail"
    assert check_drift(before, now, {"columns": {"a": {"severity": "warn"}}}).verdict == "warn"
    assert check_drift(before, now, {"columns": {"a": {"numeric_threshold": 0.9}}}).verdict == "pass"
    assert check_drift(before, now, {"numeric_threshold": 0.9}).verdict == "pass"
    ignoring = check_drift(before, now, {"ignore": ["a"]})
    assert ignoring.verdict == "pass"
    assert [c.where for c in ignoring.checks] == ["b"]


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"numeric": 0.2}, "'numeric' was renamed to 'numeric_threshold'"),
        ({"drifted_share": 0.5}, "'drifted_share' was renamed to 'drifted_fraction_threshold'"),
        ({"columns": {"a": {"moved": 0.1}}}, r"columns\.a: 'moved' was renamed to 'constant_threshold'"),
    ],
)
def test_an_old_key_is_refused_by_its_new_name(policy: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        DriftPolicy.load(policy)


def test_facts_name_how_many_drifted_and_the_largest_effects_first() -> None:
    rng = np.random.default_rng(1)
    before = profile(pl.DataFrame({name: rng.normal(size=1000) for name in "abc"}))
    now = pl.DataFrame({name: rng.normal(i, 1, 1000) for i, name in enumerate("abc")})
    facts = check_drift(before, profile(now, like=before)).facts
    assert (facts["columns_checked"], facts["columns_drifted"], facts["drifted"]) == (3, 2, ["b", "c"])
    assert [f["column"] for f in facts["largest_effects"]] == ["c", "b", "a"]
    assert facts["rows_current"] == 1000


def test_a_minor_column_only_warns_but_not_when_it_is_gone() -> None:
    rng = np.random.default_rng(1)
    reference = pl.DataFrame({name: rng.normal(size=2000) for name in "abc"})
    policy = {"importance": {"a": 90, "b": 9.5, "c": 0.5}}
    assert judged(reference, reference.with_columns(pl.col("c") + 1), policy).verdict == "warn"
    assert judged(reference, reference.with_columns(pl.col("b") + 1), policy).verdict == "fail"
    before = profile(reference)
    assert check_drift(before, profile(reference.drop("c"), like=before), policy).verdict == "fail"


def test_importance_weighs_the_share_of_drifted_columns() -> None:
    rng = np.random.default_rng(1)
    reference = pl.DataFrame({name: rng.normal(size=2000) for name in "abcd"})
    policy = {"severity": "info", "drifted_fraction_threshold": 0.5, "importance": {"a": 7, "b": 1, "c": 1, "d": 1}}
    moved = judged(reference, reference.with_columns(pl.col("a") + 1), policy)
    assert (moved.verdict, moved.facts["drifted_fraction"]) == ("fail", pytest.approx(0.7))
    others = [pl.col(name) + 1 for name in "bcd"]
    assert judged(reference, reference.with_columns(others), policy).verdict == "pass"


@pytest.mark.parametrize("method", ["wasserstein", "jensenshannon", "psi", "ks"])
def test_each_method_for_numbers_sees_a_shift_and_none_where_there_is_none(method: str) -> None:
    rng = np.random.default_rng(1)
    reference = rng.normal(size=20_000)
    moved = only(judged(reference, rng.normal(0.5, 1, 20_000), {"numeric_method": method}))
    assert (moved.status, moved.observed["method"]) == ("fail", method)
    assert only(judged(reference, rng.normal(size=20_000), {"numeric_method": method})).status == "pass"


@pytest.mark.parametrize("method", ["jensenshannon", "psi", "chisquare"])
def test_each_method_for_names_sees_a_shift_and_none_where_there_is_none(method: str) -> None:
    rng = np.random.default_rng(1)
    reference, same, moved = (
        rng.choice(["a", "b", "c"], 20_000, p=shares) for shares in ([0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.2, 0.3, 0.5])
    )
    check = only(judged(reference, moved, {"columns": {"x": {"method": method}}, "share_threshold": None}))
    assert (check.status, check.observed["method"]) == ("fail", method)
    assert only(judged(reference, same, {"columns": {"x": {"method": method}}})).status == "pass"


def test_five_points_more_missing_values_are_seen() -> None:
    rng = np.random.default_rng(1)
    reference, current = (np.where(rng.random(10_000) < share, np.nan, 1.0) for share in (0.1, 0.15))
    check = only(judged(reference, current))
    assert check.status == "fail"
    assert "missing 1" in check.message


def test_texts_that_became_longer_are_seen_among_a_thousand_different_ones() -> None:
    rng = np.random.default_rng(1)

    def texts(longest: int) -> list[str]:
        return ["x" * int(k) + str(i) for i, k in enumerate(rng.integers(1, longest, 3000))]

    check = only(judged(texts(20), texts(60)))
    assert check.status == "fail"
    assert "characters" in check.message
    assert only(judged(texts(20), texts(20))).observed["signals"]["text_length"]["effect"] < 0.2


def test_names_that_one_group_alone_has_are_no_news_when_other_groups_come() -> None:
    rng = np.random.default_rng(2)

    def rows(first: int) -> pl.DataFrame:
        customer = np.repeat(np.arange(first, first + 400), 25)
        return pl.DataFrame({"customer": customer, "x": [f"n{i}" for i in rng.integers(0, 3000, 400).repeat(25)]})

    before = profile(rows(0), columns=["x"], cluster="customer")
    report = check_drift(before, profile(rows(1000), like=before))
    assert only(report).status != "fail"


def test_the_last_windows_travel_with_the_report() -> None:
    before = profile(pl.DataFrame({"x": np.arange(500.0)}))
    windows = [{"partition": "2026-04-06", "value": 0.1, "verdict": "pass"}]
    assert check_drift(before, before, windows=windows, kind="skew").facts["windows"] == windows


def test_errors_of_the_caller_have_a_hint() -> None:
    a, b = profile(pl.DataFrame({"x": [1.5, 2.5]})), profile(pl.DataFrame({"x": [1.5, 9.5]}))
    with pytest.raises(BadInput, match=r"different cells\n.*column x\n.*like=reference"):
        check_drift(a, b)
    with pytest.raises(BadInput, match="'y'"):
        check_drift(a, a, {"columns": {"y": {"severity": "warn"}}})
    with pytest.raises(BadInput, match="alhpa: is not a known key; did you mean 'alpha'"):
        DriftPolicy.load({"alhpa": 0.05})


def test_a_report_of_drift_survives_its_json() -> None:
    report = judged(stream(np.random.default_rng(0), 500), stream(np.random.default_rng(1), 500))
    assert Report.from_dict(report.to_dict()).to_dict() == report.to_dict()
