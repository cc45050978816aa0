"""A metric of one's own has a value, weights, an interval and a gain; a broken one is an error that names it."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.gate import Evidence, GatePolicy, decide
from airflow_mlops.core.gate.gain import estimate_gain
from airflow_mlops.core.metrics import METRICS, Metric, bootstrap_weights, find_metric, get_metric, interval
from airflow_mlops.core.metrics.catalogue import ALIASES, METRIC_EXTENSIONS
from airflow_mlops.core.metrics.jackknife import Jackknife

SEEDS = st.integers(0, 10**6)


def profit(target: Any, scores: Any) -> float:
    """The profit of a campaign per customer: 10 for a customer who would have left, -4 for every letter."""
    return float(np.mean((scores >= 0.5) * (10 * target - 4)))


def weighted_profit(target: Any, scores: Any, sample_weight: Any = None) -> float:
    return float(np.average((scores >= 0.5) * (10 * target - 4), weights=sample_weight))


def profit_influence(target: Any, scores: Any) -> Any:
    gains = (scores >= 0.5) * (10 * target - 4)
    return gains - gains.mean()


def build(function: Callable[..., Any], **how: Any) -> Metric:
    return Metric.from_function("profit", function, **{"direction": "higher", "task": "binary", **how})


def rows_of(seed: int, rows: int = 300, base: float = 0.3) -> tuple[Any, Any, Any]:
    """Targets and the scores of a weak and of a strong model; the profit of the weak one is often negative."""
    rng = np.random.default_rng(seed)
    target = np.r_[0.0, 1.0, rng.random(rows - 2) < base]
    return target, *(1 / (1 + np.exp(-(s * (2 * target - 1) + rng.normal(size=rows)))) for s in (0.1, 1.5))


@pytest.fixture(scope="module", autouse=True)
def _clear_loaded_metrics() -> Iterator[None]:
    yield
    METRIC_EXTENSIONS._loaded.clear()


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """An importable module ``acme_metrics``, without what earlier tests left in the cache."""
    METRIC_EXTENSIONS._loaded.clear()
    made = ModuleType("acme_metrics")
    monkeypatch.setitem(sys.modules, "acme_metrics", made)
    return made


@given(SEEDS, st.booleans())
def test_weights_repeat_rows_or_are_passed_to_the_function(seed: int, passes: bool) -> None:
    target, scores, _ = rows_of(seed, 30)
    weights = np.random.default_rng(seed).integers(0, 4, (3, 30)).astype(float)
    weighted = build(weighted_profit if passes else profit).prepare(target, scores)
    expected = [profit(np.repeat(target, w.astype(int)), np.repeat(scores, w.astype(int))) for w in weights]
    np.testing.assert_allclose(weighted(weights), expected)
    assert weighted(weights[0]) == pytest.approx(expected[0])
    assert np.isnan(weighted(np.zeros(30)))


def test_only_a_function_with_sample_weight_takes_fractions() -> None:
    target, scores, _ = rows_of(1, 30)
    assert build(weighted_profit).prepare(target, scores)(np.full(30, 0.5)) == pytest.approx(profit(target, scores))
    assert build(profit).integer_weights
    assert not build(weighted_profit).integer_weights
    with pytest.raises(BadInput, match="the metric 'profit' needs integer weights"):
        build(profit).prepare(target, scores)(np.full(30, 0.5))


@pytest.mark.parametrize("function", [sklearn_metrics.roc_auc_score, sklearn_metrics.average_precision_score])
def test_a_function_of_scikit_learn_agrees_with_the_built_in_metric(function: Callable[..., Any]) -> None:
    target, weak, _ = rows_of(3, 200)
    name = {"roc_auc_score": "roc_auc", "average_precision_score": "pr_auc"}[function.__name__]
    own, weights = build(function, bounds=(0, 1)), bootstrap_weights(np.random.default_rng(0), 5, 200)
    np.testing.assert_allclose(own.prepare(target, weak)(weights), get_metric(name).prepare(target, weak)(weights))


@given(SEEDS, st.sampled_from([20, 200]), st.sampled_from([None, (-4, 6), (-10, math.inf)]))
def test_an_interval_contains_the_value_and_stays_within_the_bounds(seed: int, rows: int, bounds: Any) -> None:
    target, scores, _ = rows_of(seed, rows)
    METRIC_EXTENSIONS._loaded["acme:profit"] = metric = build(profit, bounds=bounds)
    low, high = interval("acme:profit", target, scores)
    value = metric.value(target, scores)
    if math.isnan(low):  # the standard error is unknown
        assert math.isnan(high)
        return
    least, most = bounds or (-math.inf, math.inf)
    assert least <= low <= value <= high <= most


def test_an_interval_of_negative_values_covers_the_truth_about_as_often_as_it_states() -> None:
    METRIC_EXTENSIONS._loaded["acme:profit"] = build(profit)
    truth = profit(*rows_of(0, 200_000)[:2])
    assert truth < 0
    drawn = [interval("acme:profit", *rows_of(seed, 250)[:2]) for seed in range(1, 201)]
    covered = sum(low <= truth <= high for low, high in drawn)
    assert 180 <= covered <= 199  # 190 are expected


def test_the_interval_of_a_mean_is_that_of_the_t_test_with_or_without_its_influence() -> None:
    target, scores, _ = rows_of(5, 400)
    gains = (scores >= 0.5) * (10 * target - 4)
    METRIC_EXTENSIONS._loaded["acme:a"] = build(profit, influence=profit_influence)
    METRIC_EXTENSIONS._loaded["acme:b"] = build(profit)
    half = 1.966 * gains.std(ddof=1) / 20
    low, high = interval("acme:a", target, scores)
    assert (low, high) == pytest.approx((gains.mean() - half, gains.mean() + half), abs=0.02 * half)
    assert interval("acme:b", target, scores) == pytest.approx((low, high), abs=0.2 * half)


def test_a_perfect_value_of_a_bounded_metric_is_not_certainty() -> None:
    METRIC_EXTENSIONS._loaded["acme:hits"] = build(lambda t, s: np.mean((s > 0.5) == t), bounds=(0, 1))
    target = np.tile([0.0, 1.0], 5)
    assert interval("acme:hits", target, target) == pytest.approx(interval("accuracy", target, target))


def test_an_interval_is_cut_at_the_bounds() -> None:
    METRIC_EXTENSIONS._loaded["acme:hits"] = build(lambda t, s: np.mean((s > 0.5) == t), bounds=(0, 1))
    METRIC_EXTENSIONS._loaded["acme:free"] = build(lambda t, s: np.mean((s > 0.5) == t))
    target = np.tile([0.0, 1.0], 10)
    scores = np.r_[1 - target[0], target[1:]]  # 19 of 20 are correct
    low, high = interval("acme:free", target, scores)
    assert high > 1
    assert interval("acme:hits", target, scores) == (low, 1.0)


def test_rows_of_one_customer_count_as_one() -> None:
    METRIC_EXTENSIONS._loaded["acme:profit"] = build(profit)
    target, scores, _ = rows_of(7, 100)
    alone = interval("acme:profit", target, scores)
    repeated = interval(
        "acme:profit", np.repeat(target, 9), np.repeat(scores, 9), clusters=np.repeat(np.arange(100), 9)
    )
    assert repeated == pytest.approx(alone, rel=1e-6)


def test_the_gain_by_influence_is_that_of_the_jackknife() -> None:
    target, old, new = rows_of(2, 600)
    METRIC_EXTENSIONS._loaded["acme:a"] = build(profit, influence=profit_influence)
    METRIC_EXTENSIONS._loaded["acme:b"] = build(profit)
    a, b = (estimate_gain(name, target, old, new, Jackknife(600, groups=200)) for name in ("acme:a", "acme:b"))
    assert a.value == b.value == pytest.approx(profit(target, new) - profit(target, old))
    assert a.standard_error == pytest.approx(b.standard_error, rel=0.15)
    assert a.standard_error != b.standard_error


def evidence(scores: Any, target: Any, subject: str, **other: Any) -> Evidence:
    return Evidence(subject, "s", np.arange(len(target)), target, scores, 0, **other)


def decided(own: Metric, seed: int = 1, **policy: Any) -> Any:
    METRIC_EXTENSIONS._loaded["acme:profit"] = own
    target, old, new = rows_of(seed, 800)
    rules = GatePolicy(**{"metric": "acme:profit", **policy})
    slices = {"region": np.arange(800) % 2}
    return decide(evidence(old, target, "m v1"), evidence(new, target, "m v2", slices=slices), rules)


def test_a_profit_gates_a_promotion_and_keeps_its_reference_as_key() -> None:
    report = decided(build(profit), floors={"acme:profit": -1.0})
    assert report.decision == "promote"
    assert report.facts["metric"] == "acme:profit"
    assert report.facts["values"]["champion"]["acme:profit"] < 0 < report.facts["values"]["challenger"]["acme:profit"]
    assert {"floor acme:profit", "slice region=0", "minimum gain"} <= {c.name for c in report.checks}
    assert decided(build(lambda t, s: -profit(t, s), direction="lower")).decision == "promote"
    assert decided(build(profit), floors={"acme:profit": 9.0}).decision == "reject"
    assert decided(build(profit, direction="lower")).decision == "reject"


def raises(target: Any, scores: Any) -> float:
    return float(1 / (len(target) - len(target)))


def changes(target: Any, scores: Any) -> float:
    scores[:] = target
    return 1.0


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (raises, "the function of the metric 'profit' failed: ZeroDivisionError"),
        (changes, "the function of the metric 'profit' failed: ValueError: assignment destination is read-only"),
        (lambda t, s: None, "the function of the metric 'profit' returned None, which is not a number"),
        (lambda t, s: "1.0", "returned '1.0', which is not a number"),
        (lambda t, s: np.ones(3), "which is not a number"),
        (lambda t, s: True, "returned True, which is not a number"),
        (lambda t, s: 1 + 1j, "which is not a number"),
        (lambda t, s: 7.5, "returned 7.5, outside its bounds -4 and 6"),
    ],
)
def test_a_broken_function_is_an_error_that_names_the_metric_and_the_gate_blocks(
    function: Callable[..., Any], message: str
) -> None:
    target, scores, _ = rows_of(1)
    metric = build(function, bounds=(-4, 6))
    with pytest.raises(BadInput) as error:
        metric.value(target, scores)
    assert message in error.value.what
    assert error.value.where
    report = decided(metric)
    assert report.decision == "blocked"
    assert message in next(c.message for c in report.failed if c.name == "acme:profit defined")
    assert decided(metric, metric="roc_auc", floors={"acme:profit": -9}).decision == "blocked"


@given(SEEDS, st.sampled_from([math.nan, math.inf, -math.inf]), st.floats(0.0, 1.0), st.booleans())
def test_the_gate_never_promotes_on_a_value_that_is_not_finite(
    seed: int, value: float, threshold: float, alone: bool
) -> None:
    """It is not finite at once, or only on some of the resamples, of which the standard error needs all."""

    def sometimes(target: Any, scores: Any) -> float:
        return value if np.mean(scores) >= threshold else profit(target, scores)

    target, old, new = rows_of(seed, 250)
    METRIC_EXTENSIONS._loaded["acme:profit"] = build(sometimes)
    rules = GatePolicy(metric="acme:profit", resamples=50)
    challenger = evidence(new, target, "m v2")
    report = decide(None if alone else evidence(old, target, "m v1"), challenger, rules)
    means = [np.mean(s) for s in ((new,) if alone else (old, new))]
    if max(means) >= threshold:
        assert report.decision == "blocked"
        assert any("acme:profit has no finite value" in c.message for c in report.failed)
    if report.decision == "promote":
        assert math.isfinite(report.facts["gain"]["low"])


def test_a_function_that_fails_on_a_resample_leaves_the_error_unknown_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fragile(target: Any, scores: Any) -> float:
        if len(target) < 800:
            raise ValueError("too few rows")
        return profit(target, scores)

    with caplog.at_level(logging.WARNING):
        assert decided(build(fragile)).decision == "blocked"
    assert caplog.text.count("too few rows") == 1


def test_a_slice_in_which_the_function_fails_is_inconclusive_with_its_error() -> None:
    def fragile(target: Any, scores: Any) -> float:
        if len(target) == 400:
            raise ValueError("half of the rows")
        return profit(target, scores)

    report = decided(build(fragile))
    assert [c.status for c in report.checks if c.name == "slice region=0"] == ["inconclusive"]
    assert "half of the rows" in next(c.message for c in report.checks if c.name == "slices conclusive")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"direction": "up"}, "direction='up' of the metric 'profit' is unknown"),
        ({"task": "ranking"}, "task='ranking' of the metric 'profit' is unknown"),
        ({"bounds": (1, 0)}, "are not two numbers, the smaller first"),
        ({"bounds": 3}, "are not two numbers"),
        ({"function": lambda target: 1.0}, "cannot be called with target and scores"),
        ({"function": lambda target, scores, prices: 1.0}, "cannot be called with target and scores"),
        ({"function": 3}, "needs a function, not int"),
    ],
)
def test_a_wrong_record_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as error:
        build(**{"function": profit, **values})
    assert message in error.value.what


@pytest.mark.parametrize("influence", [lambda t, s: [1.0], lambda t, s: t * np.nan, lambda t, s: "x", raises])
def test_a_wrong_influence_is_an_error_that_names_the_metric(influence: Callable[..., Any]) -> None:
    METRIC_EXTENSIONS._loaded["acme:profit"] = build(profit, influence=influence)
    with pytest.raises(BadInput, match="metric 'profit'"):
        interval("acme:profit", *rows_of(1)[:2])


# Names, aliases, import paths and entry points.


def test_an_import_path_leads_to_a_metric_whose_name_is_the_path(module: Any) -> None:
    module.profit = build(profit)
    assert get_metric("acme_metrics:profit").name == "acme_metrics:profit"
    assert GatePolicy.load({"metric": "acme_metrics:profit"}).metric == "acme_metrics:profit"


def test_an_entry_point_leads_to_a_metric_whose_name_is_the_entry_points(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module.anything = build(profit)
    entry = EntryPoint("campaign_profit", "acme_metrics:anything", "airflow_mlops.metrics")
    monkeypatch.setitem(METRIC_EXTENSIONS.__dict__, "_entry_points", {entry.name: entry})
    assert get_metric("campaign_profit").name == "campaign_profit"


def test_what_is_not_a_metric_is_refused_with_a_hint_that_shows_how_to_make_one(module: Any) -> None:
    module.profit, module.number = profit, 7
    with pytest.raises(BadInput, match="a function without direction and task") as error:
        get_metric("acme_metrics:profit")
    assert "Metric.from_function('profit'" in str(error.value.hint)
    with pytest.raises(BadInput, match="an object of type int"):
        get_metric("acme_metrics:number")
    with pytest.raises(BadInput, match="direction and task"):
        GatePolicy.load({"floors": {"acme_metrics:profit": 1}})
    assert find_metric("acme_metrics:profit") is None


SCORERS = (
    "average_precision neg_log_loss neg_brier_score neg_mean_absolute_error neg_root_mean_squared_error "
    "neg_mean_absolute_percentage_error roc_auc_ovr f1_macro balanced_accuracy r2 accuracy f1 precision recall roc_auc"
)


@pytest.mark.parametrize("alias", SCORERS.split())
def test_a_scorers_name_of_scikit_learn_is_an_alias_of_our_metric(alias: str) -> None:
    assert sklearn_metrics.get_scorer(alias)
    metric = get_metric(alias)
    assert metric is METRICS[ALIASES.get(alias, alias)]
    assert metric.direction == ("lower" if alias.startswith("neg_") else "higher")


def test_an_alias_in_a_policy_becomes_the_metrics_name() -> None:
    policy = GatePolicy.load({"metric": "average_precision", "floors": {"neg_log_loss": 0.6}})
    assert (policy.metric, policy.floors) == ("pr_auc", {"log_loss": 0.6})
    with pytest.raises(BadInput, match="are the same metric"):
        GatePolicy.load({"floors": {"neg_log_loss": 0.6, "log_loss": 0.5}})
