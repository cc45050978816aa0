"""A relation adds up, survives its JSON, and refuses what would make residuals meaningless."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data import frames
from airflow_mlops.core.drift.concept import LabelRelation, relate
from airflow_mlops.core.drift.concept.label_relation import StratumBins


def rows(n: int, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    score = 1 / (1 + np.exp(-x))
    names = [("a", "b", "c", None)[i] for i in rng.integers(0, 4, n)]
    label = np.where(rng.random(n) < 0.05, np.nan, rng.random(n) < score)
    return pl.DataFrame({"x": x, "name": names, "score": score, "label": label, "who": rng.integers(0, n // 3 + 1, n)})


def related(data: object, like: LabelRelation | None = None) -> LabelRelation:
    return relate(data, label="label", score="score", features=["x", "name"], like=like, cluster="who")


def close(a: LabelRelation, b: LabelRelation) -> bool:
    def flat(value: object) -> list[object]:
        if isinstance(value, dict):
            return [leaf for key in sorted(value) for leaf in flat(value[key])]
        return [leaf for item in value for leaf in flat(item)] if isinstance(value, list) else [value]

    pairs = list(zip(flat(a.to_dict()), flat(b.to_dict()), strict=True))
    return all(x == (pytest.approx(y, rel=1e-9, abs=1e-9) if isinstance(y, float) else y) for x, y in pairs)


@settings(max_examples=25)
@given(st.integers(3, 400), st.lists(st.integers(0, 400), max_size=3), st.integers(0, 5))
def test_parts_in_any_order_add_up_to_the_whole(n: int, cuts: list[int], seed: int) -> None:
    data, reference = rows(n, seed), related(rows(500, 99))
    edges = [0, *sorted(min(c, n) for c in cuts), n]
    parts = [related(data[a:b], like=reference) for a, b in pairwise(edges)]
    forwards, backwards = parts[0], parts[-1]
    for part in parts[1:]:
        forwards = forwards.merge(part)
    for part in parts[-2::-1]:
        backwards = backwards.merge(part)
    whole = related(data.sample(fraction=1, shuffle=True, seed=1), like=reference)
    assert close(forwards, whole)
    assert close(backwards, whole)


def test_slices_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    data = rows(1000)
    whole = related(data)
    monkeypatch.setattr(frames, "SLICE_ROWS", 170)
    assert close(related(data), whole)


def test_pandas_and_parquet_give_the_same(tmp_path: object) -> None:
    data = rows(500)
    data.write_parquet(f"{tmp_path}/rows.parquet")
    from_pandas = related(data.to_pandas())
    assert close(from_pandas, related(f"{tmp_path}/rows.parquet"))


def test_it_survives_its_json_and_says_when_it_is_damaged() -> None:
    relation = related(rows(300))
    back = LabelRelation.from_dict(json.loads(relation.to_json()))
    assert close(back, relation)
    assert back.same_strata(relation)
    for damaged in ({**relation.to_dict(), "format": 9}, {**relation.to_dict(), "score": {}}):
        with pytest.raises(BadInput, match="relate labels and scores again"):
            LabelRelation.from_dict(damaged)


def test_sums_are_those_of_the_rows() -> None:
    data = rows(2000)
    relation = related(data)
    known = data.filter(pl.col("label").is_not_nan())
    assert relation.rows == known.height
    assert relation.unlabelled == 2000 - known.height
    assert relation.label_mean == pytest.approx(known["label"].mean())
    assert relation.label_std == pytest.approx(known["label"].to_numpy().std())
    names = relation.features["name"]
    for index, name in enumerate(names.bins.names or ()):
        own = known.filter(pl.col("name") == name)
        assert names.rows[index] == own.height
        assert names.residuals[index] == pytest.approx((own["label"] - own["score"]).sum())
    assert names.rows[-1] == known["name"].null_count()
    edges = relation.score.bins.edges
    assert edges is not None
    inside = known.filter((pl.col("score") >= edges[3]) & (pl.col("score") < edges[4]))
    assert relation.score.rows[4] == inside.height


def test_strata_of_the_score_are_of_about_equal_size() -> None:
    beyond, *sizes, above, missing = related(rows(10_000)).score.rows
    assert (len(sizes), beyond, above, missing) == (20, 0, 0, 0)
    assert min(sizes) > 0.8 * sum(sizes) / 20


def test_wrong_classes_are_counted_by_the_predicted_class() -> None:
    data = pl.DataFrame({"label": ["a", "b", "b", "c"], "score": ["a", "b", "c", "c"]})
    relation = relate(data, label="label", score="score")
    assert relation.task == "classes"
    wrong = dict(zip(relation.score.bins.names or (), relation.score.labels, strict=False))
    assert wrong == {"a": 0, "b": 0, "c": 1}


def test_numbers_against_numbers_are_a_regression() -> None:
    data = pd.DataFrame({"label": [1.5, 2.5, 9.0], "score": [1.0, 2.0, 9.0]})
    assert relate(data, label="label", score="score").task == "regression"


def test_errors_of_the_caller_have_a_hint() -> None:
    data = rows(100)
    with pytest.raises(BadInput, match="missing columns \\['scor'\\]"):
        relate(data, label="label", score="scor")
    with pytest.raises(BadInput, match="must be probabilities"):
        relate(data.with_columns(score=pl.col("x")), label="label", score="score")
    with pytest.raises(BadInput, match="both as numbers, or both as class names"):
        relate(data, label="label", score="name")
    with pytest.raises(BadInput, match="must be 0 and 1"):
        relate(
            data.with_columns(label=pl.lit(3.0)),
            label="label",
            score="score",
            like=relate(data, label="label", score="score"),
        )
    with pytest.raises(BadInput, match="different strata"):
        related(data).merge(related(rows(100, 5)))


def test_each_stratum_says_which_values_it_holds() -> None:
    bins = StratumBins(edges=(1.0, 2.0))
    assert [bins.label(i) for i in range(bins.count)] == ["< 1", "1 to 2", ">= 2", "missing"]
    bins = StratumBins(names=("a",))
    assert [bins.label(i) for i in range(bins.count)] == ["a", "other", "missing"]
